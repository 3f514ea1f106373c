#!/usr/bin/env python3
"""The manifests of deploy/kubernetes: what kubectl makes of them, against what they promise and Kubernetes' fields.

Not checked, for want of a cluster: what its admission says, custom resources against their own schemas (their fields
are those of lib/kubernetes.py), and kustomize 2.0.3 itself: its few keywords are all that is used.
"""
import ipaddress
import os
import re
import shutil
import subprocess
import textwrap

from lib import kubernetes
from lib.cases import Suite, expect, expect_equal
from lib.daemon import run

suite = Suite("manifests")
NODES = ("nodelocal", "ipvs", "calico-bottlerocket")  # in the host's network
PODS = ("cilium", "fargate")  # ordinary pods
OVERLAYS = NODES + PODS
OTHERS = ("monitoring", "networkpolicy")
LOCAL53, SOCKET = "/usr/bin/local53", "/run/local53/control.sock"
STOP_S, HANDOVER_S = 5, 8  # an ordered stop, and one that hands over, take so long at most
PROCESS_MIB = 16  # of an idle process; 9 were measured
DNS_PORT = 1053  # of ordinary pods
CLUSTER = {"KUBE_DNS_UPSTREAM_SERVICE_HOST": "172.20.0.11", "KUBE_DNS_SERVICE_HOST": "172.20.0.10",
           "POD_IP": "10.1.2.3"}


def folder_of(overlay):
    return overlay if overlay in OTHERS or overlay == "base" else os.path.join("overlays", overlay)


@suite.once
def built(_scene):
    """Folder -> its objects."""
    return {overlay: kubernetes.build(folder_of(overlay)) for overlay in ("base",) + OVERLAYS + OTHERS}


def objects(overlay, kind):
    return [found for found in built()[overlay] if found["kind"] == kind]


def workload(overlay):
    found = objects(overlay, "DaemonSet") + objects(overlay, "Deployment")
    expect_equal(len(found), 1, f"workloads of {overlay}")
    return found[0]


def pod(overlay):
    return workload(overlay)["spec"]["template"]["spec"]


def container(overlay):
    found = pod(overlay)["containers"]
    expect_equal(len(found), 1, f"containers of {overlay}")
    return found[0]


def labels(overlay):
    return workload(overlay)["spec"]["template"]["metadata"]["labels"]


def configuration(overlay):
    """The configuration's text."""
    maps = objects(overlay, "ConfigMap")
    expect_equal([list(found["data"]) for found in maps], [["local53.yaml"]], f"ConfigMaps of {overlay}")
    return maps[0]["data"]["local53.yaml"]


def settings(overlay):
    return kubernetes.yaml().safe_load(configuration(overlay))


# ---- All of them -----------------------------------------------------------------------------------

@suite.case("every field of every object is one that Kubernetes has, with a value of its type")
def fields(_scene):
    for overlay, found in built().items():
        for thing in found:
            expect_equal(kubernetes.faults(thing), [], f"{overlay}, {thing['kind']} {thing['metadata']['name']}")
    extra = kubernetes.load("networkpolicy", "allow-node-dns.yaml")
    expect_equal(kubernetes.faults(extra), [], "allow-node-dns.yaml")


@suite.case("a misspelled, misplaced, mistyped or missing field is found")
def fields_are_checked(_scene):
    def spoilt(change):
        thing = kubernetes.build(folder_of("nodelocal"))
        daemon_set = next(one for one in thing if one["kind"] == "DaemonSet")
        change(daemon_set["spec"]["template"]["spec"])
        return kubernetes.faults(daemon_set)
    for change in (lambda spec: spec.update(hostNetwrok=True), lambda spec: spec.update(hostNetwork="true"),
                   lambda spec: spec.update(readOnlyRootFilesystem=True), lambda spec: spec.pop("containers"),
                   lambda spec: spec["containers"][0]["securityContext"]["capabilities"].update(drop="ALL"),
                   lambda spec: spec.update(dnsPolicy="default"),
                   lambda spec: spec["containers"][0]["resources"]["limits"].update(memory="128 Mi")):
        expect_equal(len(spoilt(change)), 1, f"faults found: {spoilt(change)}")


@suite.case("each overlay has its objects and no others: no role, no account, no secret")
def kinds(_scene):
    nodes = ["ConfigMap local53", "DaemonSet local53", "Service kube-dns-upstream", "Service local53"]
    wanted = {"base": nodes, **{overlay: nodes for overlay in NODES},
              "cilium": ["CiliumLocalRedirectPolicy local53", *nodes],
              "fargate": ["ConfigMap local53-fargate", "Deployment local53-fargate",
                          "PodDisruptionBudget local53-fargate", "Service local53-fargate"],
              "monitoring": ["ConfigMap local53-dashboard", "PodMonitor local53", "PrometheusRule local53"],
              "networkpolicy": ["NetworkPolicy local53"]}
    for overlay, found in built().items():
        expect_equal(sorted(f"{one['kind']} {one['metadata']['name']}" for one in found), wanted[overlay], overlay)
        expect_equal({one["metadata"].get("namespace") for one in found}, {"kube-system"}, f"namespaces of {overlay}")


@suite.case("the kustomizations use only what kustomize 2.0.3 and 5 both know")
def keywords(_scene):
    known = {"apiVersion", "kind", "bases", "resources", "patchesStrategicMerge", "configMapGenerator",
             "generatorOptions"}
    for overlay in built():
        found = kubernetes.load(folder_of(overlay), "kustomization.yaml")
        expect(set(found) <= known, f"{overlay}: {set(found) - known}")
        for name in found.get("resources", []):
            path = os.path.join(kubernetes.FOLDER, folder_of(overlay), name)
            expect(os.path.isfile(path), f"{overlay}: {name} is no file; folders stand under bases")


@suite.case("README tells how each overlay is applied")
def readme(_scene):
    with open(os.path.join(kubernetes.FOLDER, "README.md"), encoding="utf-8") as file:
        text = file.read()
    for overlay in OVERLAYS + OTHERS:
        expect(folder_of(overlay) in text, f"no {folder_of(overlay)}")


@suite.case("the kustomization that README shows puts one's own image and configuration in")
def own_folder(scene):
    with open(os.path.join(kubernetes.FOLDER, "README.md"), encoding="utf-8") as file:
        shown = re.search(r"```yaml\n(.*?)```", file.read(), re.S)[1]
    shutil.copytree(kubernetes.FOLDER, scene.path("local53", "deploy", "kubernetes"))
    scene.write("kustomization.yaml", textwrap.dedent(shown))
    scene.write("local53.yaml", "listen: [127.0.0.1]\n")
    found = {one["kind"]: one for one in kubernetes.build(scene.folder)}
    image = found["DaemonSet"]["spec"]["template"]["spec"]["containers"][0]["image"]
    expect(image.endswith(".dkr.ecr.eu-central-1.amazonaws.com/local53:0.1.0"), image)
    expect_equal((found["ConfigMap"]["metadata"]["name"], found["ConfigMap"]["data"]),
                 ("local53", {"local53.yaml": "listen: [127.0.0.1]\n"}), "ConfigMap")


# ---- Pods ------------------------------------------------------------------------------------------

@suite.case("on nodes: the host's network and resolver, no ports, every node but Fargate's, highest priority")
def nodes(_scene):
    for overlay in NODES:
        spec = pod(overlay)
        expect_equal((spec["hostNetwork"], spec["dnsPolicy"]), (True, "Default"), overlay)
        expect("ports" not in container(overlay), f"{overlay}: ports in the host's network forbid the surge")
        expect_equal(spec["tolerations"], [{"operator": "Exists"}], f"tolerations of {overlay}")
        expect_equal(spec["priorityClassName"], "system-node-critical", overlay)
        expect_equal(spec["nodeSelector"], {"kubernetes.io/os": "linux"}, overlay)
        expect("fargate" in str(spec["affinity"]), f"{overlay} would be wanted on Fargate")


@suite.case("as ordinary pods: no host network, no host port, no capability, no way to gain one")
def pods(_scene):
    for overlay in PODS:
        spec, one = pod(overlay), container(overlay)
        expect(not any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), f"{overlay}: the host's")
        expect_equal(one["securityContext"]["capabilities"], {"drop": ["ALL"]}, f"capabilities of {overlay}")
        expect_equal(one["securityContext"]["allowPrivilegeEscalation"], False, overlay)
        ports = {port["name"]: (port["containerPort"], port["protocol"]) for port in one["ports"]}
        expect_equal(ports, {"dns": (DNS_PORT, "UDP"), "dns-tcp": (DNS_PORT, "TCP"), "metrics": (9453, "TCP")}, overlay)
        expect(not any("hostPort" in port for port in one["ports"]), f"{overlay}: a host port")
        expect_equal(settings(overlay)["listen"], [f"env:POD_IP:{DNS_PORT}"], f"listen of {overlay}")


@suite.case("an update takes one node after the other, and no pod away before the new one is ready beside it")
def surge(_scene):
    for overlay in ("base",) + OVERLAYS:
        spec = workload(overlay)["spec"]
        strategy = spec.get("updateStrategy") or spec.get("strategy")
        expect_equal((strategy["type"], strategy["rollingUpdate"]),
                     ("RollingUpdate", {"maxSurge": 1, "maxUnavailable": 0}), overlay)
        expect(spec["minReadySeconds"] >= 5, f"{overlay}: the next node's turn comes at once")
        expect("lifecycle" not in container(overlay), f"{overlay}: SIGTERM is enough, a hook would only delay it")


@suite.case("in the host's network two pods of a node share its addresses by node.handover, and nothing else")
def handover(_scene):
    for overlay in ("base",) + NODES:
        expect_equal((pod(overlay)["hostNetwork"], settings(overlay)["node"]["handover"]), (True, True), overlay)
        ours = {volume["name"]: set(volume) - {"name"} for volume in pod(overlay)["volumes"]}
        expect_equal(ours, {"config": {"configMap"}, "run": {"emptyDir"}}, f"{overlay}: volumes")
        expect(pod(overlay)["terminationGracePeriodSeconds"] >= 2 * HANDOVER_S, f"{overlay}: killed while leaving")
    for overlay in PODS:
        expect("handover" not in settings(overlay)["node"], f"{overlay}: in a network of its own there is nobody else")
        expect(pod(overlay)["terminationGracePeriodSeconds"] >= 2 * STOP_S, f"{overlay}: killed while it stops")


@suite.case("the line that README shows for the first update makes it go node by node, and changes nothing else")
def first_update(_scene):
    with open(os.path.join(kubernetes.FOLDER, "README.md"), encoding="utf-8") as file:
        script = re.search(r"\| (sed 's/maxSurge[^|]*?) \|", file.read())
    expect(script, "README has no such line")
    for overlay in NODES:
        text = kubernetes.text(folder_of(overlay))
        done = subprocess.run(["sh", "-c", script[1]], input=text, capture_output=True, text=True, check=True,
                              timeout=20)
        changed = [pair for pair in zip(text.splitlines(), done.stdout.splitlines()) if pair[0] != pair[1]]
        expect_equal([tuple(line.strip() for line in pair) for pair in changed],
                     [("maxSurge: 1", "maxSurge: 0"), ("maxUnavailable: 0", "maxUnavailable: 1")], overlay)


@suite.case("probes run the program itself over the pod's own socket; only readiness asks whether it can serve")
def probes(_scene):
    words = {"startupProbe": "alive", "livenessProbe": "alive", "readinessProbe": "ready"}
    for overlay in OVERLAYS:
        one = container(overlay)
        for probe, word in words.items():
            expect_equal(one[probe]["exec"]["command"], [LOCAL53, "ctl", "-s", SOCKET, word], f"{probe} of {overlay}")
            expect(one[probe]["timeoutSeconds"] >= 5, f"{probe} of {overlay}: a starved node fails it")
        start = one["startupProbe"]
        expect(start["periodSeconds"] * start["failureThreshold"] >= 30, f"{overlay}: too little time to start")
        run_volume = next(v for v in pod(overlay)["volumes"] if v["name"] == "run")
        expect("emptyDir" in run_volume, f"{overlay}: the socket is not the pod's own")
        expect({"name": "run", "mountPath": os.path.dirname(SOCKET)} in one["volumeMounts"], f"{overlay}: no socket")


@suite.case("a configuration that is refused does not fail the probes")
def probes_need_no_file(scene):
    bad = scene.write("bad.yaml", "listen: [\n")
    done = run(["ctl", "-s", scene.path("nobody.sock"), "ready"], {"LOCAL53_CONFIG": bad})
    expect_equal(done.returncode, 3, f"nobody answers, and the file is not looked at: {done.stderr}")


@suite.case("security: no root, read-only, no default capability, the runtime's seccomp, no token")
def security(_scene):
    for overlay in OVERLAYS:
        spec, one = pod(overlay), container(overlay)["securityContext"]
        expect_equal(spec["securityContext"], {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532,
                                               "seccompProfile": {"type": "RuntimeDefault"}}, overlay)
        expect_equal(one["readOnlyRootFilesystem"], True, overlay)
        expect_equal(one["capabilities"]["drop"], ["ALL"], overlay)
        expect("privileged" not in one, f"{overlay} is privileged")
        expect_equal((spec["automountServiceAccountToken"], spec.get("serviceAccountName")), (False, None), overlay)
        expect(not any("hostPath" in volume for volume in spec["volumes"]), f"{overlay}: a path of the host")
    for overlay in NODES:
        one = container(overlay)["securityContext"]
        expect_equal(one["capabilities"]["add"], ["NET_BIND_SERVICE", "NET_ADMIN"], overlay)
        expect_equal(one["allowPrivilegeEscalation"], True, f"{overlay}: file capabilities need it")


def mebibytes(text):
    number, unit = re.fullmatch(r"(\d+)(Mi|MiB|Gi|GiB)", text).groups()
    return int(number) * (1024 if unit.startswith("G") else 1)


@suite.case("memory is asked for the cache and the process, limited well above, and the processor is not limited")
def resources(_scene):
    for overlay in OVERLAYS:
        found = container(overlay)["resources"]
        needed = mebibytes(settings(overlay)["cache"]["memory"]) + PROCESS_MIB
        expect(mebibytes(found["requests"]["memory"]) >= needed, f"{overlay} asks for less than {needed} MiB")
        expect(mebibytes(found["limits"]["memory"]) >= 2 * needed, f"{overlay}: the limit is near what is needed")
        expect_equal(("cpu" in found["requests"], list(found["limits"])), (True, ["memory"]), overlay)


# ---- Configuration ---------------------------------------------------------------------------------

@suite.case("the configuration is mounted as a folder under a name without a hash, so that a change arrives")
def mounted(_scene):
    for overlay in OVERLAYS:
        name = objects(overlay, "ConfigMap")[0]["metadata"]["name"]
        volume = next(v for v in pod(overlay)["volumes"] if v["name"] == "config")
        expect_equal(volume["configMap"], {"name": name}, overlay)
        mount = next(m for m in container(overlay)["volumeMounts"] if m["name"] == "config")
        expect_equal(mount, {"name": "config", "mountPath": "/etc/local53", "readOnly": True}, overlay)
        expect(name in ("local53", "local53-fargate"), f"{overlay}: {name}")


@suite.case("each configuration passes check --strict")
def configurations(scene):
    for overlay in ("base",) + OVERLAYS:
        done = run(["check", "--strict", "-c", scene.write(f"{overlay}.yaml", configuration(overlay))], CLUSTER)
        expect_equal((done.returncode, done.stderr), (0, ""), f"check --strict of {overlay}")


@suite.case("node: says what the overlay is for, and no more")
def node_block(_scene):
    wanted = {"nodelocal": ("owner", ["172.20.0.10"]), "ipvs": ("owner", []),
              "calico-bottlerocket": ("owner", ["172.20.0.10"]), "cilium": ("off", None), "fargate": ("off", None)}
    known = {"intercept", "service_addresses", "on_failure", "handover"}
    for overlay, (intercept, addresses) in wanted.items():
        node = settings(overlay)["node"]
        expect_equal((node["intercept"], node.get("service_addresses")), (intercept, addresses), overlay)
        expect(set(node) <= known, f"{overlay}: {node}")
        expect(node.get("on_failure", "exit") in ("exit", "degrade"), f"{overlay}: {node}")
    expect_equal(settings("base")["node"], {"handover": True}, "the base takes nothing over")


@suite.case("every environment variable of a configuration is there: a service's, before the pods, or the pod's own")
def variables(_scene):
    for overlay in OVERLAYS:
        expect_equal(pod(overlay)["enableServiceLinks"], True, overlay)
        services = {one["metadata"]["name"] for one in objects(overlay, "Service")} | {"kube-dns"}
        there = {name.upper().replace("-", "_") + "_SERVICE_HOST" for name in services}
        there |= {one["name"] for one in container(overlay).get("env", [])}
        used = set(re.findall(r"env:([A-Z0-9_]+)", configuration(overlay)))
        expect(used and used <= there, f"{overlay}: {used - there}")
        order = [one["kind"] for one in built()[overlay]]
        expect(order.index("Service") < order.index(workload(overlay)["kind"]), f"{overlay}: pods come first")


@suite.case("link-local addresses keep clear of those AWS has")
def addresses(_scene):
    taken = {"169.254.169.253", "169.254.169.254", "169.254.169.123", "169.254.170.2", "169.254.170.23"}
    allowed = kubernetes.load("networkpolicy", "allow-node-dns.yaml")["spec"]["egress"][0]["to"]
    networks = [ipaddress.ip_network(peer["ipBlock"]["cidr"]) for peer in allowed]
    for overlay in NODES:
        here = settings(overlay)["listen"] + settings(overlay)["node"]["service_addresses"]
        expect("169.254.20.10" in here and not taken & set(here), f"{overlay}: {here}")
        expect(all(any(ipaddress.ip_address(one) in network for network in networks) for one in here),
               f"allow-node-dns.yaml lets pods not reach all of {here}")


# ---- Who finds whom --------------------------------------------------------------------------------

@suite.case("selectors select the pods they are for")
def selectors(_scene):
    for overlay in OVERLAYS:
        own = labels(overlay).items()
        expect(workload(overlay)["spec"]["selector"]["matchLabels"].items() <= own, f"{overlay}: its own pods")
        for service in objects(overlay, "Service"):
            selector = service["spec"]["selector"]
            if service["metadata"]["name"] == "kube-dns-upstream":
                expect_equal(selector, {"k8s-app": "kube-dns"}, "the cluster DNS")
                expect_equal(sorted((p["port"], p["protocol"], p["targetPort"]) for p in service["spec"]["ports"]),
                             [(53, "TCP", 53), (53, "UDP", 53)], "its ports")
            else:
                expect(selector.items() <= own, f"{overlay}: {service['metadata']['name']}")
        monitor = objects("monitoring", "PodMonitor")[0]["spec"]
        expect(monitor["selector"]["matchLabels"].items() <= own, f"{overlay}: no PodMonitor")
        expect_equal(labels(overlay)[monitor["jobLabel"]], "local53", "the job of the alert rules")
    for overlay in PODS:
        wanted = objects("networkpolicy", "NetworkPolicy")[0]["spec"]["podSelector"]["matchExpressions"][0]
        expect(labels(overlay)[wanted["key"]] in wanted["values"], f"{overlay}: no NetworkPolicy")
    budget = objects("fargate", "PodDisruptionBudget")[0]["spec"]["selector"]["matchLabels"]
    expect(budget.items() <= labels("fargate").items(), "no disruption budget")


@suite.case("a node's DaemonSet and Fargate's Deployment stand in one cluster without taking each other's pods")
def apart(_scene):
    for service in objects("nodelocal", "Service"):
        expect(not service["spec"]["selector"].items() <= labels("fargate").items(), service["metadata"]["name"])
    here, there = ({(one["kind"], one["metadata"]["name"]) for one in built()[overlay]}
                   for overlay in ("nodelocal", "fargate"))
    expect_equal(here & there, set(), "objects of one name")


@suite.case("metrics are where the headless service, its annotation, the PodMonitor and the policy look")
def metrics_port(_scene):
    for overlay in OVERLAYS:
        expect_equal(settings(overlay)["metrics"], ["0.0.0.0:9453"], overlay)
    service = next(one for one in objects("nodelocal", "Service") if one["metadata"]["name"] == "local53")
    expect_equal((service["spec"]["clusterIP"], service["spec"]["ports"][0]["targetPort"],
                  service["metadata"]["annotations"]["prometheus.io/port"]), ("None", 9453, "9453"), "the service")
    monitor = objects("monitoring", "PodMonitor")[0]["spec"]["podMetricsEndpoints"][0]
    expect("port" not in monitor and "portNumber" not in monitor, "pods without ports would be left out")
    made = [one["replacement"] for one in monitor["relabelings"] if one.get("targetLabel") == "__address__"]
    expect_equal(made, ["$1:9453", "[$1]:9453"], "targets")
    ingress = objects("networkpolicy", "NetworkPolicy")[0]["spec"]["ingress"]
    expect_equal([{port["port"] for port in rule["ports"]} for rule in ingress], [{DNS_PORT}, {9453}], "ingress")


@suite.case("Cilium's policy sends both transports of the cluster DNS to the pod's ports of the same names")
def redirect(_scene):
    spec = objects("cilium", "CiliumLocalRedirectPolicy")[0]["spec"]
    front, back = spec["redirectFrontend"]["serviceMatcher"], spec["redirectBackend"]
    expect_equal((front["serviceName"], front["namespace"]), ("kube-dns", "kube-system"), "whose")
    expect_equal([(port["name"], port["protocol"]) for port in front["toPorts"]],
                 [("dns", "UDP"), ("dns-tcp", "TCP")], "its ports")
    ports = [(port["name"], int(port["port"]), port["protocol"]) for port in back["toPorts"]]
    own = [(port["name"], port["containerPort"], port["protocol"]) for port in container("cilium")["ports"]]
    expect(set(ports) <= set(own) and len(ports) == 2, f"{ports} are not of {own}")
    expect(back["localEndpointSelector"]["matchLabels"].items() <= labels("cilium").items(), "no pod of ours")


if __name__ == "__main__":
    suite.main()
