"""A name server that does what a script says: answers, delays, drops, truncates, lies; and remembers all it was asked.

UDP and TCP on one address, in one thread of its own.
"""
import dataclasses
import heapq
import selectors
import socket
import struct
import threading
import time

from . import message
from .cases import expect


SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35  # of Linux; Python has no names for them
BUFFER_OCTETS = 4 << 20
REPEATED_S = 0.15  # local53 asks again after 200 ms at the earliest
BATCH_MAX = 100


@dataclasses.dataclass
class Reply:
    """What to do with one query."""
    answer: list = dataclasses.field(default_factory=list)
    authority: list = dataclasses.field(default_factory=list)
    rcode: int = 0
    flags: int = 0
    delay_s: float = 0.0
    silent: bool = False  # no answer at all
    wire: object = None  # function of the query giving octets, instead of the above
    before: list = dataclasses.field(default_factory=list)  # functions of the query: packets sent ahead of it
    close: bool = False  # TCP: close instead of answering

    def octets(self, asked):
        if self.wire is not None:
            return self.wire(asked)
        return message.response(asked, self.answer, self.authority, self.rcode, self.flags).wire()


@dataclasses.dataclass
class Seen:
    """One query that came in."""
    when: float
    transport: str
    message: message.Message
    port: int  # the sender's
    again: bool = False  # sent anew for want of an answer, since we were too slow to read the first


def addresses(*texts, ttl=300):
    """Answers A or AAAA with these addresses, owner as asked; other types NODATA."""
    def answer(asked):
        records = [message.a(asked.name, text, ttl) for text in texts]
        records = [r for r in records if r.type == asked.type]
        return Reply(records, [] if records else [message.soa(zone_of(asked), 60, 60)])
    return answer


def nxdomain(ttl=300, minimum=300):
    """NXDOMAIN with the SOA of the name's last label."""
    return lambda asked: Reply(authority=[message.soa(zone_of(asked), ttl, minimum)], rcode=message.NXDOMAIN)


def nodata(ttl=300, minimum=300):
    return lambda asked: Reply(authority=[message.soa(zone_of(asked), ttl, minimum)])


def make_room(udp):
    """A receive buffer for what comes while we are away, past the system's limit where that is allowed."""
    try:
        udp.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_OCTETS)
    except PermissionError:
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_OCTETS)


def waiting(udp):
    """The datagrams that wait in a socket: (when each came, its octets, its sender)."""
    found = []
    while len(found) < BATCH_MAX:
        try:
            wire, told, _, peer = udp.recvmsg(65535, 64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            break
        seconds, nanoseconds = struct.unpack("qq", told[0][2])
        found.append((seconds + nanoseconds / 1e9, wire, peer))
    return found


def zone_of(asked):
    return asked.name.lower().rstrip(".").split(".")[-1] + "."


def with_wrong_id(asked):
    lie = message.response(asked, [message.a(asked.name, "192.0.2.66")])
    lie.id ^= 0x5555
    return lie.wire()


def with_wrong_question(asked):
    lie = message.response(asked, [message.a("evil.example.", "192.0.2.66")])
    lie.questions = [("evil.example.", asked.type, 1)]
    return lie.wire()


class FakeDns:
    """rules: {"name." or ("name.", "TYPE"): rule}; `default` for all else. A rule is a Reply, a function of the query
    that gives one, or {"udp": rule, "tcp": rule}."""

    def __init__(self, address, port=53, rules=None, default=None):
        self.address, self.port = address, port
        self.rules = {}
        self.default = default or nxdomain()
        for key, value in (rules or {}).items():
            self.set(key, value)
        self.seen = []
        self.accepted = 0
        self._later = []
        self._count = 0
        self._selector = selectors.DefaultSelector()
        self._open()
        self._stop = False
        self._error = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def set(self, key, value):
        """Sets the rule of a name (all types) or of a (name, type)."""
        name, kind = key if isinstance(key, tuple) else (key, None)
        self.rules[(name.lower(), kind and message.type_number(kind))] = value

    @property
    def server(self):
        """As it stands in a configuration."""
        return f"{self.address}:{self.port}"

    def count(self, name, kind=None, transport=None):
        """How often a name was asked, but for what was asked again while we were away."""
        return len(self.queries(name, kind, transport))

    def queries(self, name, kind=None, transport=None):
        number = kind and message.type_number(kind)
        return [s for s in list(self.seen) if s.message.name.lower() == name.lower() and not s.again
                and number in (None, s.message.type) and transport in (None, s.transport)]

    def close(self):
        if self._stop:
            return
        self._stop = True
        self._thread.join(5)
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()
        expect(self._error is None, f"{self.server} was silent since it met {self._error!r}")

    # ---- The thread -------------------------------------------------------------------------------

    def _open(self):
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self._udp = socket.socket(family, socket.SOCK_DGRAM)
        make_room(self._udp)
        self._udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._udp.bind((self.address, self.port))
        self.port = self._udp.getsockname()[1]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((self.address, self.port))
        listener.listen(128)
        self._selector.register(self._udp, selectors.EVENT_READ, self._on_udp)
        self._selector.register(listener, selectors.EVENT_READ, self._on_connection)

    def _run(self):
        try:
            while not self._stop:
                self._turn()
        except Exception as error:  # told by close(): a question that is none, or a rule that is wrong
            self._error = error

    def _turn(self):
        for key, _ in self._selector.select(self._wait_s()):
            key.data(key.fileobj)
        while self._later and self._later[0][0] <= time.monotonic():
            heapq.heappop(self._later)[2]()

    def _wait_s(self):
        if not self._later:
            return 0.05
        return min(0.05, max(0.0, self._later[0][0] - time.monotonic()))

    def _at(self, delay_s, action):
        self._count += 1
        heapq.heappush(self._later, (time.monotonic() + delay_s, self._count, action))

    def _on_udp(self, udp):
        """All that waits. The second of two with one question, if it came long after the first, repeats it."""
        first = {}
        for came_s, wire, peer in waiting(udp):
            again = came_s - first.setdefault(wire[2:], came_s) > REPEATED_S
            self._handle(wire, "udp", peer[1], lambda octets, to=peer: self._send_udp(octets, to), again)

    def _send_udp(self, octets, peer):
        try:
            self._udp.sendto(octets, peer)
        except OSError:
            pass  # the asker is gone

    def _on_connection(self, listener):
        connection, peer = listener.accept()
        self.accepted += 1
        connection.settimeout(2)
        state = {"buffer": b"", "port": peer[1]}
        self._selector.register(connection, selectors.EVENT_READ, lambda c: self._on_tcp(c, state))

    def _drop(self, connection):
        try:
            self._selector.unregister(connection)
        except (KeyError, ValueError):
            pass
        connection.close()

    def _on_tcp(self, connection, state):
        try:
            more = connection.recv(65536)
        except OSError:
            more = b""
        if not more:
            self._drop(connection)
            return
        state["buffer"] += more
        while len(state["buffer"]) >= 2:
            length = struct.unpack("!H", state["buffer"][:2])[0]
            if len(state["buffer"]) < 2 + length:
                return
            wire, state["buffer"] = state["buffer"][2:2 + length], state["buffer"][2 + length:]
            self._handle(wire, "tcp", state["port"], lambda octets: self._send_tcp(connection, octets))

    def _send_tcp(self, connection, octets):
        if octets is None:
            self._drop(connection)
            return
        try:
            connection.sendall(struct.pack("!H", len(octets)) + octets)
        except OSError:
            pass  # the asker is gone

    def _handle(self, wire, transport, port, send, again=False):
        asked = message.parse(wire)
        self.seen.append(Seen(time.monotonic(), transport, asked, port, again))
        name, kind = asked.key
        rule = self.rules.get((name, kind), self.rules.get((name, None), self.default))
        if isinstance(rule, dict):  # by transport
            rule = rule[transport]
        reply = rule(asked) if callable(rule) else rule
        for make in reply.before:
            send(make(asked))
        if reply.close and transport == "tcp":
            send(None)
        elif not reply.silent:
            octets = reply.octets(asked)
            self._at(reply.delay_s, lambda: send(octets))
