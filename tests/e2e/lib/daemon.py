"""The daemon under test: started from a configuration text, asked, scraped, stopped; its end is always checked.

LOCAL53 names the binary (tests/run.sh gives the sanitized build), else build/local53 of the tree.
"""
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import time

from .cases import expect, wait_until
from .client import Client

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BINARY = os.environ.get("LOCAL53", os.path.join(ROOT, "build", "local53"))
PLAIN = os.environ.get("LOCAL53_PLAIN", os.path.join(ROOT, "build", "local53"))
START_LIMIT_S = 10
STOP_LIMIT_S = 15
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|runtime error:|WARNING: ThreadSanitizer|SUMMARY: \w*Sanitizer")
_numbers = itertools.count(10)


def address():
    """A loopback address nobody else in this test uses."""
    return f"127.53.0.{next(_numbers)}"


def free_port(where="127.0.0.1"):
    """A port free for UDP and TCP at the time of asking."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((where, 0))
            try:
                udp.bind((where, tcp.getsockname()[1]))
            except OSError:
                continue
            return tcp.getsockname()[1]
    raise AssertionError("no free port")


def yaml(settings):
    """A configuration as YAML: one line a top-level key, flow style below."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in settings.items())


def run(arguments, environment=None, timeout_s=20, binary=None):
    """Runs a command of local53 to its end; the completed process, checked for sanitizer reports."""
    done = subprocess.run([binary or BINARY, *arguments], capture_output=True, text=True, check=False,
                          timeout=timeout_s, stdin=subprocess.DEVNULL, env={**os.environ, **(environment or {})})
    expect(not SANITIZER.search(done.stderr), f"sanitizer report: {done.stderr[-1500:]}")
    return done


class Metrics:
    """One scrape of /metrics: {(name, ((label, value), ...)): number}."""

    LINE = re.compile(r"^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$")
    LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')

    def __init__(self, text):
        self.text, self.values = text, {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = self.LINE.match(line)
                expect(match, f"no metrics line: {line!r}")
                self.values[(match[1], tuple(self.LABEL.findall(match[2] or "")))] = float(match[3])

    def total(self, name, **labels):
        """Sum over all series of a name that have these labels; 0.0 when there is none."""
        return sum(value for (n, found), value in self.values.items()
                   if n == name and set(labels.items()) <= set(found))

    def has(self, name):
        return any(n == name for n, _ in self.values)


class Daemon:
    """local53 in the foreground. `settings` is a dictionary (listen, control, metrics, workers are filled in) or a
    whole text with {listen}, {control}, {metrics} and {folder} to be put in."""

    http_address = None  # that of the DNS port unless told

    def __init__(self, scene, settings, **options):
        self.address = options.get("address") or address()
        self.port = options.get("port") or free_port(self.address)
        self.http_port = options.get("http_port") or free_port(self.address)
        self.folder = scene.path(f"daemon-{self.port}-{next(_numbers)}")
        os.makedirs(self.folder)
        self.config = options.get("config") or os.path.join(self.folder, "local53.yaml")
        self.environment = {**os.environ, "LOCAL53_CONFIG": self.config, **options.get("environment", {})}
        self.expected_exit = 0
        if settings is not None:
            self.write(settings)
        self._log_path = os.path.join(self.folder, "log")
        with open(self._log_path, "wb") as log:
            self.process = subprocess.Popen([options.get("binary") or BINARY, "run", "-c", self.config], stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL, env=self.environment)
        scene.add(self)
        self.client = Client(self.address, self.port)
        self._wait_alive()

    # ---- Configuration ----------------------------------------------------------------------------

    @property
    def control(self):
        return os.path.join(self.folder, "control.sock")

    def text(self, settings):
        if isinstance(settings, str):
            for key, value in (("{listen}", f"{self.address}:{self.port}"), ("{control}", self.control),
                               ("{metrics}", f"{self.address}:{self.http_port}"), ("{folder}", self.folder)):
                settings = settings.replace(key, value)
            return settings
        return yaml({"listen": [f"{self.address}:{self.port}"], "control": self.control,
                     "metrics": [f"{self.address}:{self.http_port}"], "workers": 2, **settings})

    def write(self, settings):
        """Writes the file in place (an editor that truncates and writes)."""
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(self.text(settings))

    def replace(self, settings):
        """Renames a new file over the old one."""
        with open(self.config + ".new", "w", encoding="utf-8") as file:
            file.write(self.text(settings))
        os.rename(self.config + ".new", self.config)

    # ---- State ------------------------------------------------------------------------------------

    def _wait_alive(self):
        def alive():
            expect(self.process.poll() is None, f"ended at start with {self.process.returncode}: {self.log()[-1500:]}")
            return self.http("/healthz")[0] == 200
        try:
            wait_until(alive, START_LIMIT_S, "the daemon answers /healthz")
        except AssertionError as error:
            raise AssertionError(f"{error}; log: {self.log()[-800:]}") from None

    def wait_ready(self, timeout_s=START_LIMIT_S):
        wait_until(lambda: self.http("/readyz")[0] == 200, timeout_s, "/readyz says 200")
        return self

    def log(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def http(self, path, method="GET"):
        """(status, body); (0, "") when nobody listens."""
        connection = http.client.HTTPConnection(self.http_address or self.address, self.http_port, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def metrics(self):
        status, text = self.http("/metrics")
        expect(status == 200, f"/metrics says {status}")
        return Metrics(text)

    def metric(self, name, **labels):
        return self.metrics().total(name, **labels)

    def ctl(self, *words, timeout_s=20):
        """The completed process of `local53 ctl WORDS`."""
        return run(["ctl", "-s", self.control, *words], self.environment, timeout_s)

    def reload(self, settings=None):
        """Writes the settings and reloads by ctl, which must succeed."""
        if settings is not None:
            self.write(settings)
        done = self.ctl("reload")
        expect(done.returncode == 0, f"ctl reload: exit {done.returncode}: {done.stdout} {done.stderr}")

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])

    # ---- End --------------------------------------------------------------------------------------

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self):
        """SIGTERM; gives the seconds it took."""
        started = time.monotonic()
        if self.process.poll() is None:
            self.process.terminate()
        return self.wait(started)

    def wait(self, started=None):
        started = started or time.monotonic()
        try:
            self.process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait(STOP_LIMIT_S)
            raise AssertionError(f"did not end within {STOP_LIMIT_S} s of SIGTERM") from None
        return time.monotonic() - started

    def close(self):
        """Stops it and checks its end: exit code 0 and no sanitizer report."""
        self.stop()
        log = self.log()
        report = SANITIZER.search(log)
        expect(not report, f"sanitizer report: {log[report.start():][:1500] if report else ''}")
        expect(self.process.returncode == self.expected_exit, f"exit {self.process.returncode}: {log[-1500:]}")


def forward(*servers, **keys):
    """A forward list with one pool for everything."""
    return [{"zone": ".", "servers": [getattr(s, "server", s) for s in servers], **keys}]
