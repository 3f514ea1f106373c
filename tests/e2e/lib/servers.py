"""Debian's own name servers as the VPC resolver and the cluster DNS: started, killed, started again."""
import os
import shutil
import signal
import subprocess

from .cases import expect, wait_until
from .client import Client, NoAnswer

START_LIMIT_S = 15


def find(program):
    """Path of a program that the tests' installation brings: without it the case fails, since nothing was tested."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
    expect(path, f"{program} is missing; install it by deploy/install-deps.sh --tests")
    return path


class Server:
    """A program that answers DNS on one loopback address."""

    def __init__(self, scene, name, address, port):
        self.name, self.address, self.port = name, address, port
        self.folder = scene.path(f"{name}-{address}-{port}")
        os.makedirs(self.folder, exist_ok=True)
        self.client = Client(address, port)
        self.process = None
        scene.add(self)

    @property
    def server(self):
        """As it stands in a configuration."""
        return f"{self.address}:{self.port}"

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
            file.write(text)
        return os.path.join(self.folder, name)

    def command(self):
        raise AssertionError("each kind of server has its own command")

    def start(self):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_until(self._answers, START_LIMIT_S, f"{self.name} answers")
        return self

    def _answers(self):
        expect(self.process.poll() is None, f"{self.name} ended: {self.log()[-800:]}")
        try:
            return self.client.ask("ready.invalid", "A", timeout_s=0.5)
        except (NoAnswer, AssertionError):
            return False

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def kill(self):
        """SIGKILL: gone without a word."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.kill()


class Unbound(Server):
    """unbound with local data only: `records` are lines in zone file form; names not told are NXDOMAIN."""

    def __init__(self, scene, address, port=53, records=(), stubs=None):
        super().__init__(scene, "unbound", address, port)
        self.program = find("unbound")
        self.set(records, stubs or {})

    def set(self, records, stubs):
        """stubs: {zone: server} resolved by asking a name server that has them, chains followed."""
        text = ["server:", f"  interface: {self.address}@{self.port}", "  do-daemonize: no", "  use-syslog: no",
                f'  directory: "{self.folder}"', '  chroot: ""', '  username: ""', '  pidfile: ""',
                "  access-control: 0.0.0.0/0 allow", "  module-config: iterator", "  num-threads: 1",
                "  verbosity: 1", "  minimal-responses: no", "  do-not-query-localhost: no",
                "  local-zone: . static"]
        text += [f"  local-zone: {name} transparent" for name in stubs]
        text.append('  local-data: ". 300 IN SOA ns.invalid. admin.invalid. 1 3600 600 86400 300"')
        text += [f"  local-data: '{record}'" for record in records]
        for name, server in stubs.items():
            text += ["stub-zone:", f"  name: {name}", f"  stub-addr: {server.replace(':', '@')}"]
        text += ["remote-control:", "  control-enable: no"]
        self.config = self.write("unbound.conf", "\n".join(text) + "\n")

    def command(self):
        return [self.program, "-d", "-c", self.config]


class Nsd(Server):
    """nsd with master files: {zone: text}."""

    def __init__(self, scene, address, port=53, zones=None):
        super().__init__(scene, "nsd", address, port)
        self.program = find("nsd")
        lines = ["server:", f"  ip-address: {address}@{port}", f'  zonesdir: "{self.folder}"', '  username: ""',
                 '  chroot: ""', f'  pidfile: "{self.folder}/pid"', f'  xfrdfile: "{self.folder}/xfrd"',
                 f'  zonelistfile: "{self.folder}/list"', '  database: ""', "  server-count: 1", "  rrl-ratelimit: 0",
                 f'  xfrdir: "{self.folder}"', "remote-control:", "  control-enable: no"]
        for number, (zone, text) in enumerate((zones or {}).items()):
            self.write(f"{number}.zone", text)
            lines += ["zone:", f"  name: {zone}", f'  zonefile: "{number}.zone"']
        self.config = self.write("nsd.conf", "\n".join(lines) + "\n")

    def command(self):
        return [self.program, "-d", "-c", self.config]
