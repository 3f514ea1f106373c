"""A node and a pod: the test's own network namespace, and one more behind a veth link; with kube-proxy's part, nft
rules that lead the service addresses of both families to the cluster DNS."""
import contextlib
import ctypes
import os
import re
import select
import socket
import subprocess
import threading
import time

from . import message
from .cases import Skip, expect, wait_until

CLONE_NEWNET = 0x40000000
SERVICE, LINK_LOCAL, LINK_LOCAL6 = "10.96.0.10", "169.254.20.10", "fd00::10"
SERVICE6 = "fd00:96::a"
CLUSTER_DNS, CLUSTER_DNS6 = "10.0.2.1", "fd00:2::1"
POD, POD6 = "10.0.0.2", "fd00:1::2"
OURS, THEIRS = "192.0.2.1", "192.0.2.2"  # what local53's server says, and the cluster DNS
CHANGES_S = 2.0
PROXY = """add table {family} proxy
add chain {family} proxy pre {{ type nat hook prerouting priority dstnat; }}
add chain {family} proxy out {{ type nat hook output priority -100; }}
"""
TRANSLATED = (("ip", SERVICE, CLUSTER_DNS), ("ip6", SERVICE6, f"[{CLUSTER_DNS6}]"))


def must(*words, text=None):
    """Runs a command, which must succeed; what it printed."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, timeout=10)
    expect(done.returncode == 0, f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def tables():
    """Names of the nft tables of local53."""
    return re.findall(r"table inet (local53-\S+)", must("nft", "list", "tables"))


def standing():
    """The addresses of the node, as text."""
    return re.findall(r"inet6? (\S+?)/", must("ip", "address", "show"))


def state():
    """What a local53 could have left on the node: addresses, links, routes and the whole of nft's rules, but for what
    the kernel itself adds to a link some time after it was set up; read until it is the same twice, since routes follow
    addresses, and a link its peer, some time later."""
    seen = [state_now()]

    def is_same():
        seen.append(state_now())
        return seen[-1] == seen[-2]
    wait_until(is_same, 10, "the node settles", 0.1)
    return seen[-1]


def state_now():
    told = "".join(must(*words) for words in (
        ("ip", "-o", "address"), ("ip", "-br", "link"), ("ip", "route", "show", "table", "all"),
        ("nft", "list", "ruleset")))
    lines = [re.sub(r"(valid|preferred)_lft \w+|tentative", "", line) for line in told.splitlines()]
    return [line for line in lines if "fe80:" not in line and "multicast ff00::" not in line]


def changes(before):
    """What state() has more or less now; what goes again within CHANGES_S was the kernel's."""
    end = time.monotonic() + CHANGES_S
    while True:
        now, over = state(), time.monotonic() >= end
        gone, new = [one for one in before if one not in now], [one for one in now if one not in before]
        if over or not gone + new:
            return [f"- {line}" for line in gone] + [f"+ {line}" for line in new]


def tracked(port=53):
    """Entries of connection tracking to or from a port, of the node; without our own to 127.0.0.0/8."""
    if not os.access("/proc/self/net/nf_conntrack", os.R_OK):
        raise Skip("the machine's root alone is shown what is tracked")
    with open("/proc/self/net/nf_conntrack", encoding="ascii") as file:
        return [line for line in file if re.search(rf"\b[sd]port={port}\b", line) and "dst=127." not in line]


class Setting:
    """A sysctl of the node's network, until close()."""

    def __init__(self, name, value):
        self._path = f"/proc/sys/{name}"
        with open(self._path, encoding="ascii") as file:
            self._before = file.read()
        self._write(str(value))

    def _write(self, text):
        with open(self._path, "w", encoding="ascii") as file:
            file.write(text)

    def close(self):
        self._write(self._before)


class Client:
    """Who asks servers by address, with sockets of where it is: here, on the node."""

    def socket(self, server, kind=socket.SOCK_DGRAM):
        return socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, kind)

    def ask(self, server, name="a.example.", limit_s=8.0):
        """The address answered, "refused" or "timeout"."""
        asked = message.query(name, "A")
        with self.socket(server) as udp:
            udp.connect((server, 53))
            udp.settimeout(limit_s)
            try:
                udp.send(asked.wire())
                return address_of(udp.recv(4096))
            except ConnectionRefusedError:
                return "refused"
            except OSError:
                return "timeout"

    def ask_tcp(self, server, name="a.example."):
        wire = message.query(name, "A").wire()
        with self.socket(server, socket.SOCK_STREAM) as tcp:
            tcp.settimeout(8)
            tcp.connect((server, 53))
            tcp.sendall(len(wire).to_bytes(2, "big") + wire)
            return address_of(tcp.recv(4096)[2:])


class Pod(Client):
    """The pod's namespace, joined to the node; all of it goes with close()."""

    def __init__(self, scene):
        self.process = subprocess.Popen(["unshare", "--net", "sleep", "1000"], stdin=subprocess.DEVNULL)
        scene.add(self)
        own = os.stat("/proc/self/ns/net").st_ino
        while os.stat(f"/proc/{self.process.pid}/ns/net").st_ino == own:
            time.sleep(0.005)
        self.upstream = None  # whom local53 asks, where there is one
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._node = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._pod = os.open(f"/proc/{self.process.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self._join()

    def _join(self):
        must("ip", "link", "add", "pod0", "type", "veth", "peer", "name", "eth0", "netns", str(self.process.pid))
        must("sh", "-c", "ip address add 10.0.0.1/24 dev pod0; ip address add fd00:1::1/64 dev pod0 nodad;"
             f"ip link set pod0 up; ip address replace {CLUSTER_DNS}/32 dev lo;"
             f"ip address replace {CLUSTER_DNS6}/128 dev lo nodad")
        for family, service, cluster_dns in TRANSLATED:
            rules = (f"add rule {family} proxy {chain} {family} daddr {service} {transport} dport 53 dnat to "
                     f"{cluster_dns}:53\n" for chain in ("pre", "out") for transport in ("udp", "tcp"))
            must("nft", "-f", "-", text=PROXY.format(family=family) + "".join(rules))
        with self.inside():
            must("sh", "-c", f"ip link set lo up; ip address add {POD}/24 dev eth0;"
                 f"ip address add {POD6}/64 dev eth0 nodad; ip link set eth0 up;"
                 "ip route add default via 10.0.0.1; ip -6 route add default via fd00:1::1")
        wait_until(lambda: " UP " in must("ip", "-br", "link", "show", "pod0"), 10, "the link is up")

    def close(self):
        self.process.kill()
        self.process.wait(5)
        subprocess.run(["ip", "link", "delete", "pod0"], capture_output=True, check=False, timeout=10)
        for family, _, cluster_dns in TRANSLATED:
            for words in (["nft", "delete", "table", family, "proxy"],
                          ["ip", "address", "delete", cluster_dns.strip("[]"), "dev", "lo"]):
                subprocess.run(words, capture_output=True, check=False, timeout=10)
        os.close(self._node)
        os.close(self._pod)

    @contextlib.contextmanager
    def inside(self):
        """The calling thread is in the pod; a socket made there stays there."""
        expect(self._libc.setns(self._pod, CLONE_NEWNET) == 0, "the pod can be entered")
        try:
            yield
        finally:
            expect(self._libc.setns(self._node, CLONE_NEWNET) == 0, "the node can be entered again")

    def socket(self, server, kind=socket.SOCK_DGRAM):
        with self.inside():
            return super().socket(server, kind)


def address_of(wire):
    reply = message.parse(wire)
    return reply.answer[0].text if reply.answer else f"rcode {reply.rcode}"


class Load:
    """Questions of a pod to one server at a steady pace, each from a port of its own; while many are not answered, no
    more. What is lost is told from what is late by a patience longer than a machine is away."""

    PERIOD_S, PATIENCE_S, WAITING_MAX = 0.002, 3.0, 300

    def __init__(self, pod, server):
        self.events = []  # (when asked, when over, what)
        self._pod, self.server, self._stop = pod, server, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._stop.set()
        self._thread.join(self.PATIENCE_S + 10)

    def _run(self):
        waiting, wire = {}, message.query("a.example.", "A").wire()
        while not self._stop.is_set() or waiting:
            due = time.monotonic() + self.PERIOD_S
            if not self._stop.is_set() and len(waiting) < self.WAITING_MAX:
                udp = self._pod.socket(self.server)
                udp.connect((self.server, 53))
                udp.setblocking(False)
                waiting[udp] = time.monotonic()
                udp.send(wire)
            while time.monotonic() < due:
                self._collect(waiting, due)

    def _collect(self, waiting, until):
        for udp in select.select(list(waiting), [], [], max(0, until - time.monotonic()))[0]:
            try:
                self._end(waiting, udp, address_of(udp.recv(4096)))
            except ConnectionRefusedError:
                self._end(waiting, udp, "refused")
        for udp, since in list(waiting.items()):
            if time.monotonic() - since > self.PATIENCE_S:
                self._end(waiting, udp, "timeout")

    def _end(self, waiting, udp, what):
        self.events.append((waiting.pop(udp), time.monotonic(), what))
        udp.close()

    def first(self, what, after):
        """Seconds from `after` until something was seen that had been asked since; None for never."""
        return min((over - after for asked, over, seen in self.events if asked >= after and seen == what), default=None)

    def lost(self):
        return sum(seen in ("timeout", "refused") for _, _, seen in self.events)
