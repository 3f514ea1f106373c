"""A UDP server that remembers every datagram: when, from whom, and its octets; and answers each in the simplest way."""
import dataclasses
import socket
import struct
import threading
import time

from . import message
from .fake_dns import make_room


@dataclasses.dataclass
class Datagram:
    """One query that came in."""
    when: float
    peer: tuple
    wire: bytes

    @property
    def question(self):
        """(name, type), the name as sent."""
        name, at = message.decode_name(self.wire, 12)
        return name, struct.unpack_from("!H", self.wire, at)[0]


def answer_nx(wire):
    """NXDOMAIN with the question alone."""
    return wire[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + question_octets(wire)


def answer_address(wire):
    """The question and one address of its type; of other types none."""
    question = question_octets(wire)
    kind = struct.unpack_from("!H", question, len(question) - 4)[0]
    data = {1: b"\xc0\0\2\1", 28: b"\x20\1\x0d\xb8" + b"\0" * 11 + b"\1"}.get(kind)
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 30, len(data)) + data if data else b""
    return wire[:2] + b"\x81\x80\0\1\0" + (b"\1" if data else b"\0") + b"\0\0\0\0" + question + record


def question_octets(wire):
    return wire[12:message.decode_name(wire, 12)[1] + 4]


class Recorder:
    """answer: function of the octets that gives octets, or None for silence. delay_s: holds answers to AAAA so long."""

    def __init__(self, answer=answer_address, address="127.0.0.1", aaaa_delay_s=0.0):
        self.datagrams = []
        self._answer, self._delay_s, self._held = answer, aaaa_delay_s, []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        make_room(self._udp)
        self._udp.settimeout(0.001 if aaaa_delay_s else 0.1)
        self._udp.bind((address, 0))
        self.server = f"{address}:{self._udp.getsockname()[1]}"
        self._stop = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop:
            try:
                wire, peer = self._udp.recvfrom(4096)
                self._take(Datagram(time.monotonic(), peer, wire))
            except TimeoutError:
                pass
            while self._held and self._held[0][0] <= time.monotonic():
                self._send(*self._held.pop(0)[1:])

    def _take(self, datagram):
        self.datagrams.append(datagram)
        octets = self._answer(datagram.wire)
        if octets is None:
            return
        if self._delay_s and datagram.question[1] == message.TYPES["AAAA"]:
            self._held.append((datagram.when + self._delay_s, octets, datagram.peer))
        else:
            self._send(octets, datagram.peer)

    def _send(self, octets, peer):
        try:
            self._udp.sendto(octets, peer)
        except OSError:
            pass  # the asker is gone

    def by_socket(self):
        """{peer: its datagrams in order}."""
        found = {}
        for datagram in self.datagrams:
            found.setdefault(datagram.peer, []).append(datagram)
        return found

    def close(self):
        self._stop = True
        self._thread.join(5)
        self._udp.close()
