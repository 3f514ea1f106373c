"""The few DNS messages that are needed: asking one question, and asking each of many names until it was answered.

Messages have the octets that dnsbench sends (RD, an OPT of 1232), because caches may keep answers by the whole query.
"""
import select
import socket
import struct
import time

A, AAAA = 1, 28
OPT = bytes.fromhex("00002904d0000000000000")
WINDOW = 200
PATIENCE_S = 0.5


def query(ident, name, qtype):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", ident, 0x0100, 1, 0, 0, 1) + labels + struct.pack("!BHH", 0, qtype, 1) + OPT


def skip_name(message, at):
    while message[at] != 0:
        if message[at] >= 0xC0:
            return at + 2
        at += 1 + message[at]
    return at + 1


def answers(message, qtype):
    """The addresses of this type in the answer section."""
    count = struct.unpack_from("!H", message, 6)[0]
    at, found = skip_name(message, 12) + 4, []
    for _ in range(count):
        at = skip_name(message, at)
        kind, _, _, length = struct.unpack_from("!HHIH", message, at)
        if kind == qtype:
            family = socket.AF_INET if qtype == A else socket.AF_INET6
            found.append(socket.inet_ntop(family, message[at + 10:at + 10 + length]))
        at += 10 + length
    return found


def ask(port, name, qtype, patience_s=PATIENCE_S):
    """(rcode, addresses), or None without an answer in time or with one to another question."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(patience_s)
        udp.connect(("127.0.0.1", port))
        sent = query(int(time.time() * 1e6) % 65536, name, qtype)
        try:
            udp.send(sent)
            got = udp.recv(4096)
        except OSError:
            return None
    question = sent[12:-len(OPT)]
    if len(got) < 12 or got[:2] != sent[:2] or not got[2] & 0x80 or got[12:12 + len(question)].lower() != question:
        return None
    return got[3] & 15, answers(got, qtype)


class Warmer:
    """Asks for each name until it was answered, WINDOW at a time."""

    def __init__(self, port, limit_s):
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.connect(("127.0.0.1", port))
        self.udp.setblocking(False)
        self.waiting = {}  # id: name
        self.deadline = time.monotonic() + limit_s

    def send(self, ident, name):
        self.waiting[ident] = name
        try:
            self.udp.send(query(ident, name, A))
        except (BlockingIOError, ConnectionRefusedError):
            pass  # asked again as one that was lost

    def take(self):
        """Takes what has come; after a silence all that wait are asked again."""
        if not select.select([self.udp], [], [], PATIENCE_S)[0]:
            for ident, name in list(self.waiting.items()):
                self.send(ident, name)
            return
        try:
            while True:
                got = self.udp.recv(4096)
                self.waiting.pop(got[0] << 8 | got[1], None)
        except (BlockingIOError, ConnectionRefusedError):
            pass

    def run(self, names):
        """How many were answered before the time was over."""
        asked = 0
        for name in names:
            while (len(self.waiting) >= WINDOW or asked % 65536 in self.waiting) and time.monotonic() < self.deadline:
                self.take()
            if time.monotonic() >= self.deadline:
                break
            self.send(asked % 65536, name)
            asked += 1
        while self.waiting and time.monotonic() < self.deadline:
            self.take()
        self.udp.close()
        return asked - len(self.waiting)
