"""The objects of deploy/kubernetes as kubectl builds them, and the fields Kubernetes has for them.

No Debian package brings Kubernetes' published schemas, and kubectl takes them from a cluster. So the fields that the
API (version 1.30), the Prometheus operator and Cilium have for what is used here are written down by hand, with their
types: a misspelled, misplaced or mistyped field is found; a value that only a cluster would refuse is not.
"""
import os
import re
import shutil
import subprocess
import sys

from .cases import expect
from .daemon import ROOT

DEBIAN_PYTHON = "/usr/lib/python3/dist-packages"
FOLDER = os.path.join(ROOT, "deploy", "kubernetes")

# Type -> "field:type ...". [T] is a list, {T} an object of any names, a|b one of several, "!" a field that must be
# there, =a,b one of these words. str, int and bool are JSON's, quantity is 64Mi or 0.5.
TYPES = {
    "ObjectMeta": "name!:str namespace:str labels:{str} annotations:{str}",
    "TemplateMeta": "labels!:{str} annotations:{str}",
    "LabelSelector": "matchLabels:{str} matchExpressions:[Requirement]",
    "Requirement": "key!:str operator!:=In,NotIn,Exists,DoesNotExist,Gt,Lt values:[str]",
    # core/v1
    "ConfigMap": "data:{str} binaryData:{str} immutable:bool",
    "Service": "spec!:ServiceSpec",
    "ServiceSpec": "type:=ClusterIP,NodePort,LoadBalancer,ExternalName clusterIP:str clusterIPs:[str] ipFamilies:[str] "
                   "ipFamilyPolicy:str internalTrafficPolicy:str publishNotReadyAddresses:bool selector:{str} "
                   "sessionAffinity:str ports!:[ServicePort]",
    "ServicePort": "name:str port!:int protocol:=UDP,TCP,SCTP targetPort:int|str appProtocol:str",
    "PodTemplate": "metadata!:TemplateMeta spec!:PodSpec",
    "PodSpec": "activeDeadlineSeconds:int affinity:Affinity automountServiceAccountToken:bool containers!:[Container] "
               "dnsConfig:DnsConfig dnsPolicy:=ClusterFirst,ClusterFirstWithHostNet,Default,None "
               "enableServiceLinks:bool hostAliases:[HostAlias] hostIPC:bool hostNetwork:bool hostPID:bool "
               "hostname:str imagePullSecrets:[Named] "
               "initContainers:[Container] nodeName:str nodeSelector:{str} preemptionPolicy:str priority:int "
               "priorityClassName:str restartPolicy:str runtimeClassName:str schedulerName:str "
               "securityContext:PodSecurityContext serviceAccountName:str shareProcessNamespace:bool "
               "terminationGracePeriodSeconds:int tolerations:[Toleration] topologySpreadConstraints:[Spread] "
               "volumes:[Volume]",
    "Named": "name!:str",
    "HostAlias": "ip!:str hostnames:[str]",
    "DnsConfig": "nameservers:[str] searches:[str] options:[DnsOption]",
    "DnsOption": "name!:str value:str",
    "Affinity": "nodeAffinity:NodeAffinity",
    "NodeAffinity": "requiredDuringSchedulingIgnoredDuringExecution:NodeSelector",
    "NodeSelector": "nodeSelectorTerms!:[NodeSelectorTerm]",
    "NodeSelectorTerm": "matchExpressions:[Requirement] matchFields:[Requirement]",
    "Toleration": "key:str operator:=Exists,Equal value:str effect:=NoSchedule,PreferNoSchedule,NoExecute "
                  "tolerationSeconds:int",
    "Spread": "maxSkew!:int topologyKey!:str whenUnsatisfiable!:=DoNotSchedule,ScheduleAnyway "
              "labelSelector:LabelSelector minDomains:int",
    "PodSecurityContext": "runAsNonRoot:bool runAsUser:int runAsGroup:int fsGroup:int supplementalGroups:[int] "
                          "seccompProfile:Seccomp seLinuxOptions:{str} sysctls:[Sysctl]",
    "Seccomp": "type!:=RuntimeDefault,Unconfined,Localhost localhostProfile:str",
    "Sysctl": "name!:str value!:str",
    "Container": "name!:str image!:str imagePullPolicy:=Always,IfNotPresent,Never command:[str] args:[str] env:[Env] "
                 "lifecycle:Lifecycle livenessProbe:Probe ports:[ContainerPort] readinessProbe:Probe "
                 "resources:Resources securityContext:SecurityContext startupProbe:Probe volumeMounts:[Mount] "
                 "workingDir:str",
    "Env": "name!:str value:str valueFrom:EnvFrom",
    "EnvFrom": "fieldRef:FieldRef",
    "FieldRef": "fieldPath!:str apiVersion:str",
    "Lifecycle": "preStop:Handler postStart:Handler",
    "Handler": "exec:Exec",
    "Exec": "command!:[str]",
    "Probe": "exec:Exec failureThreshold:int initialDelaySeconds:int periodSeconds:int successThreshold:int "
             "timeoutSeconds:int terminationGracePeriodSeconds:int",
    "ContainerPort": "name:str containerPort!:int hostPort:int hostIP:str protocol:=UDP,TCP,SCTP",
    "Resources": "requests:Amounts limits:Amounts",
    "Amounts": "cpu:quantity memory:quantity ephemeral-storage:quantity",
    "SecurityContext": "allowPrivilegeEscalation:bool capabilities:Capabilities privileged:bool procMount:str "
                       "readOnlyRootFilesystem:bool runAsGroup:int runAsNonRoot:bool runAsUser:int "
                       "seccompProfile:Seccomp seLinuxOptions:{str}",
    "Capabilities": "add:[str] drop:[str]",
    "Mount": "name!:str mountPath!:str readOnly:bool subPath:str mountPropagation:str",
    "Volume": "name!:str configMap:ConfigMapVolume emptyDir:EmptyDir",
    "ConfigMapVolume": "name!:str items:[KeyToPath] defaultMode:int optional:bool",
    "KeyToPath": "key!:str path!:str mode:int",
    "EmptyDir": "medium:=Memory sizeLimit:quantity",
    # apps/v1, policy/v1, networking.k8s.io/v1
    "DaemonSet": "spec!:DaemonSetSpec",
    "DaemonSetSpec": "selector!:LabelSelector template!:PodTemplate minReadySeconds:int revisionHistoryLimit:int "
                     "updateStrategy:Strategy",
    "Deployment": "spec!:DeploymentSpec",
    "DeploymentSpec": "selector!:LabelSelector template!:PodTemplate minReadySeconds:int revisionHistoryLimit:int "
                      "replicas:int strategy:Strategy progressDeadlineSeconds:int paused:bool",
    "Strategy": "type:=RollingUpdate,OnDelete,Recreate rollingUpdate:Rolling",
    "Rolling": "maxSurge:int|str maxUnavailable:int|str",
    "PodDisruptionBudget": "spec!:BudgetSpec",
    "BudgetSpec": "selector!:LabelSelector maxUnavailable:int|str minAvailable:int|str "
                  "unhealthyPodEvictionPolicy:=AlwaysAllow,IfHealthyBudget",
    "NetworkPolicy": "spec!:PolicySpec",
    "PolicySpec": "podSelector!:LabelSelector policyTypes:[Direction] ingress:[Ingress] egress:[Egress]",
    "Direction": "=Ingress,Egress",
    "Ingress": "from:[Peer] ports:[PolicyPort]",
    "Egress": "to:[Peer] ports:[PolicyPort]",
    "Peer": "podSelector:LabelSelector namespaceSelector:LabelSelector ipBlock:IpBlock",
    "IpBlock": "cidr!:str except:[str]",
    "PolicyPort": "protocol:=UDP,TCP,SCTP port:int|str endPort:int",
    # monitoring.coreos.com/v1
    "PodMonitor": "spec!:PodMonitorSpec",
    "PodMonitorSpec": "jobLabel:str podTargetLabels:[str] selector!:LabelSelector podMetricsEndpoints:[PodMetrics] "
                      "sampleLimit:int attachMetadata:{bool}",
    "PodMetrics": "port:str portNumber:int path:str scheme:str interval:str scrapeTimeout:str honorLabels:bool "
                  "filterRunning:bool relabelings:[Relabeling] metricRelabelings:[Relabeling]",
    "Relabeling": "action:=replace,keep,drop,labelmap,labeldrop,labelkeep,hashmod sourceLabels:[str] separator:str "
                  "targetLabel:str regex:str modulus:int replacement:str",
    "PrometheusRule": "spec!:RuleSpec",
    "RuleSpec": "groups!:[RuleGroup]",
    "RuleGroup": "name!:str interval:str rules!:[Rule]",
    "Rule": "alert:str record:str expr!:str for:str keep_firing_for:str labels:{str} annotations:{str}",
    # cilium.io/v2
    "CiliumLocalRedirectPolicy": "spec!:RedirectSpec",
    "RedirectSpec": "redirectFrontend!:Frontend redirectBackend!:Backend description:str skipRedirectFromBackend:bool",
    "Frontend": "serviceMatcher:ServiceMatcher addressMatcher:AddressMatcher",
    "ServiceMatcher": "serviceName!:str namespace!:str toPorts:[RedirectPort]",
    "AddressMatcher": "ip!:str toPorts!:[RedirectPort]",
    "Backend": "localEndpointSelector!:LabelSelector toPorts!:[RedirectPort]",
    "RedirectPort": "port!:str name:str protocol!:=UDP,TCP",
}
VERSIONS = {"ConfigMap": "v1", "Service": "v1", "DaemonSet": "apps/v1", "Deployment": "apps/v1",
            "PodDisruptionBudget": "policy/v1", "NetworkPolicy": "networking.k8s.io/v1",
            "PodMonitor": "monitoring.coreos.com/v1", "PrometheusRule": "monitoring.coreos.com/v1",
            "CiliumLocalRedirectPolicy": "cilium.io/v2"}
PLAIN = {"str": str, "int": int, "bool": bool}
QUANTITY = re.compile(r"\d+(\.\d+)?(m|Ki|Mi|Gi|k|M|G)?$")


def program(name, package):
    """Path of a program; without it the test fails with what to install."""
    found = shutil.which(name)
    expect(found, f"{name} is missing: apt-get install {package} (or deploy/install-deps.sh --tests)")
    return found


def yaml():
    """PyYAML, Debian's where this Python has none."""
    try:
        import yaml as module  # pylint: disable=import-outside-toplevel
    except ImportError:
        sys.path.append(DEBIAN_PYTHON)
        try:
            import yaml as module  # pylint: disable=import-outside-toplevel
        except ImportError:
            raise AssertionError("python3-yaml is missing: apt-get install python3-yaml "
                                 "(or deploy/install-deps.sh --tests)") from None
        finally:
            sys.path.remove(DEBIAN_PYTHON)
    return module


def load(*parts):
    with open(os.path.join(FOLDER, *parts), encoding="utf-8") as file:
        return yaml().safe_load(file)


def text(folder):
    """What kubectl makes of a kustomization."""
    done = subprocess.run([program("kubectl", "kubernetes-client"), "kustomize", os.path.join(FOLDER, folder)],
                          capture_output=True, text=True, check=False, timeout=30)
    expect(done.returncode == 0, f"kubectl kustomize {folder}: {done.stderr}")
    return done.stdout


def build(folder):
    """The objects of a kustomization, as kubectl would apply them."""
    return [found for found in yaml().safe_load_all(text(folder)) if found]


# ---- Fields ----------------------------------------------------------------------------------------

def faults(thing):
    """What is wrong with an object's fields: one line each."""
    kind = thing.get("kind")
    if kind not in VERSIONS:
        return [f"no kind {kind!r} is known here"]
    found = [] if thing.get("apiVersion") == VERSIONS[kind] else [f"{kind} is of {VERSIONS[kind]}"]
    rest = {key: value for key, value in thing.items() if key not in ("apiVersion", "kind", "metadata")}
    found += faults_of(thing.get("metadata"), "ObjectMeta", "metadata")
    return [f"{kind}: {fault}" for fault in found + faults_of(rest, kind, "")]


def faults_of(value, kind, path):
    """The same of a value that should be of a type."""
    if kind in TYPES and not TYPES[kind].startswith("="):
        return faults_of_fields(value, TYPES[kind], path)
    kind = TYPES.get(kind, kind)
    if kind.startswith("["):
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return [fault for i, one in enumerate(value) for fault in faults_of(one, kind[1:-1], f"{path}[{i}]")]
    if kind.startswith("{"):
        if not isinstance(value, dict):
            return [f"{path} is no object"]
        return [fault for key, one in value.items() for fault in faults_of(one, kind[1:-1], f"{path}.{key}")]
    return [] if is_of(value, kind) else [f"{path} is {value!r}, which is no {kind}"]


def is_of(value, kind):
    if kind.startswith("="):
        return value in kind[1:].split(",")
    if kind == "quantity":
        return bool(QUANTITY.match(str(value))) and not isinstance(value, bool)
    return any(type(value) is PLAIN[one] for one in kind.split("|"))  # bool is an int otherwise


def faults_of_fields(value, fields, path):
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    known = dict(field.split(":", 1) for field in fields.split())
    needed = {name[:-1] for name in known if name.endswith("!")}
    types = {name.rstrip("!"): kind for name, kind in known.items()}
    found = [f"{path}.{name} is missing" for name in sorted(needed - set(value))]
    for name, one in value.items():
        if name in types:
            found += faults_of(one, types[name], f"{path}.{name}")
        else:
            found.append(f"{path}.{name} is no field; there are {', '.join(sorted(types))}")
    return found
