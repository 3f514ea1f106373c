"""The servers: how each is configured as a fast caching forwarder, started on one CPU, checked, and ended.

Each runs in the foreground, on a port of 127.0.0.1, in a folder of its own, as a child that dies with this process.
"""
import ctypes
import os
import re
import shlex
import shutil
import signal
import subprocess
import time

from lib import dns
from lib.ports import free_port

HIT_NAME, HIT_ADDRESS = "n{}.hit.example.com", "192.0.2.1"
ENDPOINT_NAME, ENDPOINT_ADDRESS = "n{}.endpoint.example.com", "10.40.1.11"
ENDPOINT_NAMES = 10000
CLUSTER_NAME = "svc-0.ns-0.svc.cluster.local"
START_LIMIT_S = 20
STOP_LIMIT_S = 5
CACHE_NAMES = 4000000  # room for whatever a run asks
TABLE_NAMES = 2000000  # the same for dnsmasq, which makes its table when it starts
TTL_S = 86400

DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, linux/prctl.h
LIBC = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A server that cannot be measured; the text says why."""


# ---- Configurations: each writes its files and gives the command ------------------------------------

def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def local53(place):
    groups = []
    for first in range(0, ENDPOINT_NAMES, 1000):
        names = ", ".join(ENDPOINT_NAME.format(i) for i in range(first, first + 1000))
        groups.append(f"  - {{names: [{names}], addresses: [{ENDPOINT_ADDRESS}]}}\n")
    config = write(place.folder, "local53.yaml", f"""listen: ["127.0.0.1:{place.port}"]
control: {place.folder}/control.sock
metrics: ["127.0.0.1:{place.spare_port}"]
endpoints:
{''.join(groups)}forward:
  - {{zone: ".", servers: ["127.0.0.1:{place.upstream}"]}}
  - {{zone: cluster.local, servers: ["127.0.0.1:{place.upstream}"]}}
cache: {{memory: 2GiB, max_ttl: 1d}}
workers: 1
""")
    return [place.programs["local53"], "run", "-c", config]


def unbound(place):
    config = write(place.folder, "unbound.conf", f"""server:
  interface: 127.0.0.1
  port: {place.port}
  access-control: 127.0.0.0/8 allow
  do-ip6: no
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{place.folder}"
  pidfile: ""
  use-syslog: no
  verbosity: 0
  num-threads: 1
  so-reuseport: yes
  so-rcvbuf: 4m
  so-sndbuf: 4m
  module-config: "iterator"
  edns-buffer-size: 1232
  max-udp-size: 1232
  msg-cache-size: 3g
  rrset-cache-size: 3g
  msg-cache-slabs: 1
  rrset-cache-slabs: 1
  infra-cache-slabs: 1
  key-cache-slabs: 1
  cache-max-ttl: {TTL_S}
  outgoing-range: 8192
  num-queries-per-thread: 4096
  prefetch: no
  qname-minimisation: no
  minimal-responses: yes
  do-not-query-localhost: no
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: 127.0.0.1@{place.upstream}
""")
    return ["unbound", "-d", "-c", config]


def dnsdist(place):
    config = write(place.folder, "dnsdist.conf", f"""setLocal('127.0.0.1:{place.port}')
setACL({{'127.0.0.0/8'}})
setSecurityPollSuffix('')
setUDPMultipleMessagesVectorSize(32)
setMaxUDPOutstanding(65535)
setRingBuffersSize(100, 1)
setUDPSocketBufferSizes(4194304, 4194304)
newServer({{address='127.0.0.1:{place.upstream}', sockets=16, checkInterval=60}})
getPool(''):setCache(newPacketCache({CACHE_NAMES}, {{maxTTL={TTL_S}, numberOfShards=1}}))
""")
    return ["dnsdist", "--supervised", "--disable-syslog", "-C", config]


def dnsmasq(place):
    return ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=", "--group=",
            "--pid-file=", f"--port={place.port}", "--listen-address=127.0.0.1", "--bind-interfaces",
            f"--server=127.0.0.1#{place.upstream}", f"--cache-size={TABLE_NAMES}", "--dns-forward-max=4096",
            "--edns-packet-max=1232", "--log-facility=-", "--quiet-dhcp"]


def kresd(place):
    config = write(place.folder, "kresd.conf", f"""net.listen('127.0.0.1', {place.port}, {{ kind = 'dns' }})
net.bufsize(1232)
net.ipv6 = false
trust_anchors.remove('.')
for _, name in ipairs({{'ta_update', 'ta_signal_query', 'detect_time_skew', 'detect_time_jump', 'priming'}}) do
  if modules.list then pcall(modules.unload, name) end
end
cache.open(4 * GB, 'lmdb://{place.folder}/cache')
cache.max_ttl({TTL_S})
policy.add(policy.all(policy.FORWARD('127.0.0.1@{place.upstream}')))
""")
    return ["kresd", "-n", "-q", "-c", config, place.folder]


def recursor(place):
    write(place.folder, "recursor.conf", f"""local-address=127.0.0.1
local-port={place.port}
allow-from=127.0.0.0/8
dont-query=
threads=1
pdns-distributes-queries=no
reuseport=no
daemon=no
disable-syslog=yes
quiet=yes
loglevel=1
write-pid=no
socket-dir={place.folder}
hint-file=
dnssec=off
security-poll-suffix=
statistics-interval=0
max-cache-entries={CACHE_NAMES}
max-packetcache-entries={CACHE_NAMES}
max-cache-ttl={TTL_S}
packetcache-ttl={TTL_S}
max-mthreads=4096
qname-minimization=no
edns-outgoing-bufsize=1232
udp-truncation-threshold=1232
forward-zones-recurse=.=127.0.0.1:{place.upstream}
""")
    return ["pdns_recursor", f"--config-dir={place.folder}"]


def echo(place):
    return [place.programs["bench_echo"], f"127.0.0.1:{place.port}"]


def responder(place):
    return [place.programs["dnsbench"], "serve", "--listen", f"127.0.0.1:{place.port}", "--ttl", str(TTL_S), "--answer",
            HIT_ADDRESS, "--truth", os.path.join(place.folder, "truth.json")]


CONFIGURE = {"echo": echo, "responder": responder, "local53": local53, "unbound": unbound, "dnsdist": dnsdist,
             "dnsmasq": dnsmasq, "kresd": kresd, "recursor": recursor}
VERSIONS = {"local53": "local53 --version", "unbound": "unbound -V", "dnsdist": "dnsdist --version",
            "dnsmasq": "dnsmasq --version", "kresd": "kresd --version", "recursor": "pdns_recursor --version"}
PROGRAM = {"recursor": "pdns_recursor"}


def is_there(name):
    """Debian keeps servers where the paths of ordinary users do not lead."""
    return name in ("echo", "local53") or shutil.which(PROGRAM.get(name, name)) is not None


def from_template(text):
    """What configures a server of a command line with {port}, {upstream} and {folder}."""
    def configure(place):
        words = {"{port}": str(place.port), "{upstream}": f"127.0.0.1:{place.upstream}", "{folder}": place.folder}
        return [re.sub(r"\{\w+\}", lambda m: words.get(m[0], m[0]), word) for word in shlex.split(text)]
    return configure


def version(name, programs):
    """The first number with a dot that it tells of itself."""
    words = VERSIONS.get(name, "").split()
    if not words:
        return ""
    done = subprocess.run([programs.get(words[0], words[0]), *words[1:]], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    found = re.search(r"\d+\.\d+[\w.-]*", done.stdout + done.stderr)
    return found[0] if found else ""


# ---- Life --------------------------------------------------------------------------------------------

class Server:
    """One server: started by the constructor or Failed; `stop` ends exactly it."""

    def __init__(self, name, configure, cpu, base, upstream, programs):
        self.name, self.port, self.spare_port, self.upstream = name, free_port(), free_port(), upstream
        self.programs, self.folder = programs, os.path.join(base, name)
        os.makedirs(self.folder)
        self.log = open(os.path.join(self.folder, "log"), "wb")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(cpu), *configure(self)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            cwd=self.folder, start_new_session=True,
            preexec_fn=lambda: LIBC.prctl(DIE_WITH_PARENT, signal.SIGKILL))  # single-threaded, so allowed here

    @property
    def pid(self):
        return self.process.pid  # taskset becomes the server

    def wait_ready(self):
        """Waits for the right answer; Failed with its last words when none comes."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.is_right():
                return
            time.sleep(0.05)
        with open(self.log.name, encoding="utf-8", errors="replace") as file:
            words = file.read().strip().splitlines()[-3:]
        raise Failed(f"{self.name} does not answer as it must: {' | '.join(words) or 'it says nothing'}")

    def is_right(self):
        """Asked twice, so that the second answer may come from the cache; an echo only has to answer. Names of a cluster
        must not be taken for those of the local network (RFC 6762): one is there, one is not."""
        if self.name == "echo":
            return dns.ask(self.port, HIT_NAME.format(0), dns.A) is not None
        for _ in range(2):
            if any(dns.ask(self.port, name, dns.A) != (0, [HIT_ADDRESS]) for name in (HIT_NAME.format(0), CLUSTER_NAME)):
                return False
        missing = dns.ask(self.port, "nothing.ns-0.svc.cluster.local", dns.A)
        return missing is not None and missing[0] == 3 and \
            dns.ask(self.port, HIT_NAME.format(0), dns.AAAA) is not None and self.has_endpoints()

    def has_endpoints(self):
        return self.name != "local53" or \
            dns.ask(self.port, ENDPOINT_NAME.format(1), dns.A) == (0, [ENDPOINT_ADDRESS])

    def rss(self):
        """Octets of its memory that are resident."""
        with open(f"/proc/{self.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_s(self):
        """CPU of its threads until now (schedstat's first field)."""
        total = 0
        for task in os.listdir(f"/proc/{self.pid}/task"):
            try:
                with open(f"/proc/{self.pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except (FileNotFoundError, ProcessLookupError, IndexError):
                pass  # ended meanwhile
        return total / 1e9

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
