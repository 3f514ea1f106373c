"""Clients of the tests' own: one UDP socket a question, a TCP connection with frames, and a steady load."""
import select
import socket
import struct
import threading
import time

from . import message

ANSWER_LIMIT_S = 15.0  # bounds what hangs: an answer comes in less than 5 s, or a machine was away


class NoAnswer(AssertionError):
    """Nothing came in time."""


class Refused(NoAnswer):
    """Nobody listens there."""


class Client:
    """Asks one server; every wait has a limit."""

    def __init__(self, address, port=53):
        self.address, self.port = address, port

    def send(self, wire, timeout_s=ANSWER_LIMIT_S):
        """One datagram out, the raw answer back."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(timeout_s)
            udp.connect((self.address, self.port))
            try:
                udp.send(wire)
                return udp.recv(65535)
            except TimeoutError:
                raise NoAnswer(f"no answer from {self.address}:{self.port} within {timeout_s} s") from None
            except ConnectionRefusedError:
                raise Refused(f"nobody listens on {self.address}:{self.port}") from None

    def is_silent(self, wire, wait_s=0.7):
        """True when nothing comes back from a server that is there."""
        try:
            self.send(wire, wait_s)
        except Refused:
            raise
        except NoAnswer:
            return True
        return False

    def ask(self, name, kind="A", timeout_s=ANSWER_LIMIT_S, **settings):
        """Asks over UDP; checks that ID and question come back as they were sent."""
        asked = message.query(name, kind, **settings)
        reply = message.parse(self.send(asked.wire(), timeout_s))
        check_frame(asked, reply)
        return reply

    def ask_tcp(self, name, kind="A", timeout_s=ANSWER_LIMIT_S, **settings):
        asked = message.query(name, kind, **settings)
        with Stream(self, timeout_s) as stream:
            stream.write(asked.wire())
            reply = stream.read()
        check_frame(asked, reply)
        return reply


def check_frame(asked, reply):
    """What every answer owes its question (RFC 1035 section 4.1.1)."""
    seen = (reply.id, reply.questions, reply.opcode, reply.has(message.RD), reply.has(message.QR))
    wanted = (asked.id, asked.questions, asked.opcode, asked.has(message.RD), True)
    if seen != wanted:
        raise AssertionError(f"frame of the answer is {seen}, wanted {wanted}")
    if bool(reply.opts) != bool(asked.opts) or len(reply.opts) > 1:
        raise AssertionError(f"{len(asked.opts)} OPT asked, {len(reply.opts)} answered")


class Stream:
    """A TCP connection that carries framed messages (RFC 1035 section 4.2.2)."""

    def __init__(self, client, timeout_s=ANSWER_LIMIT_S):
        self.socket = socket.create_connection((client.address, client.port), timeout=timeout_s)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def write(self, wire):
        self.socket.sendall(frame(wire))

    def read_wire(self):
        """One message; None when the server closed the connection between two."""
        while len(self._buffer) < 2 or len(self._buffer) < 2 + struct.unpack("!H", self._buffer[:2])[0]:
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                raise NoAnswer("nothing came over the TCP connection in time") from None
            except ConnectionResetError:
                more = b""
            if not more:
                return None
            self._buffer += more
        length = struct.unpack("!H", self._buffer[:2])[0]
        wire, self._buffer = self._buffer[2:2 + length], self._buffer[2 + length:]
        return wire

    def read(self):
        wire = self.read_wire()
        if wire is None:
            raise NoAnswer("the server closed the TCP connection")
        return message.parse(wire)

    def is_over(self):
        """True when the server has ended the connection; what else came stays to be read."""
        try:
            return bool(select.select([self.socket], [], [], 0)[0]) and not self.socket.recv(1, socket.MSG_PEEK)
        except ConnectionResetError:
            return True

    def is_closed_within(self, seconds):
        """True when the server ends the connection in time."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionResetError:
            return True


def frame(wire):
    return struct.pack("!H", len(wire)) + wire


class Load:
    """Asks names one after the other in a thread of its own; counts what was lost or wrong."""

    def __init__(self, client, names, good):
        self._client, self._names, self._good = client, names, good
        self._stop = threading.Event()
        self.asked, self.bad = 0, []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            name = self._names[self.asked % len(self._names)]
            self.asked += 1
            try:
                reply = self._client.ask(name, timeout_s=5)
                if not self._good(name, reply):
                    self.bad.append((name, reply.rcode, reply.texts()))
            except (NoAnswer, AssertionError, message.Malformed) as error:
                self.bad.append((name, str(error)))
            time.sleep(0.001)

    def close(self):
        self._stop.set()
        self._thread.join(10)
