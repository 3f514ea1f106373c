#!/usr/bin/env python3
"""The TCP server (RFC 7766): pipelining, answers out of order, odd segments, limits, and clients that leave."""
import random
import socket
import struct
import time

from lib import fake_dns, message
from lib.cases import Suite, again_when_late, expect, expect_equal, soon, wait_until
from lib.client import NoAnswer, Stream, frame
from lib.daemon import Daemon, address, forward

suite = Suite("tcp")
ENDPOINTS = [{"names": ["one.corp.example", "*.many.example"], "addresses": ["10.0.0.1", "10.0.0.2"]}]
BIG = [f"10.1.{n // 250}.{n % 250}" for n in range(1200)]


def slow(asked):
    return fake_dns.Reply([message.a(asked.name, "192.0.2.9")], delay_s=0.5)


class World:
    """One upstream with slow and fast names, one daemon."""

    def __init__(self, scene, **limits):
        self.upstream = scene.add(fake_dns.FakeDns(address(), 0, {
            "slow.example.": slow,
            "big.example.": {"udp": fake_dns.Reply(flags=message.TC), "tcp": fake_dns.addresses(*BIG)}},
            fake_dns.addresses("192.0.2.1")))
        self.daemon = Daemon(scene, {"endpoints": ENDPOINTS, "forward": forward(self.upstream),
                                     "limits": {"tcp_idle": "2s", "tcp_connections": 60, **limits}}).wait_ready()
        self.client = self.daemon.client


@suite.once
def world(scene):
    return World(scene)


def wires(names):
    """Frames of one query each, ids 0..n-1."""
    return [message.query(name, id=number).wire() for number, name in enumerate(names)]


def read_ids(stream, count):
    return [stream.read().id for _ in range(count)]


@suite.case("a hundred queries in one write are all answered")
def pipelined(_scene):
    names = [("one.corp.example", f"n{n}.example", f"n{n}.many.example")[n % 3] for n in range(100)]
    with Stream(world().client) as stream:
        stream.socket.sendall(b"".join(frame(wire) for wire in wires(names)))
        replies = [stream.read() for _ in names]
    expect_equal(sorted(r.id for r in replies), list(range(100)), "ids")
    for reply in replies:
        expect_equal((reply.name, reply.rcode, bool(reply.answer)), (names[reply.id] + ".", 0, True),
                     f"reply {reply.id}")


@suite.case("fast answers overtake slow ones on the same connection")
def out_of_order(_scene):
    with Stream(world().client) as stream:
        stream.socket.sendall(b"".join(frame(w) for w in wires(["slow.example", "fast.example", "one.corp.example"])))
        ids = read_ids(stream, 3)
    expect_equal((sorted(ids), ids[-1]), ([0, 1, 2], 0), "order of answers")


@suite.case("a slow answer on one connection holds up no other connection")
def independent(_scene):
    def held_up(number):
        name = f"held{number}.example"
        world().upstream.set(name + ".", slow)
        with Stream(world().client) as one, Stream(world().client) as two:
            one.write(message.query(name).wire())
            started = time.monotonic()
            two.write(message.query("one.corp.example").wire())
            two.read()
            took_s = time.monotonic() - started
            expect_equal(one.read().texts(), ["192.0.2.9"], "the slow one")
        soon(took_s, 0.3, "the other connection's answer")
    again_when_late(held_up)


@suite.case("input byte by byte is understood")
def byte_by_byte(_scene):
    with Stream(world().client) as stream:
        for octet in b"".join(frame(wire) for wire in wires(["one.corp.example", "bytes.example"])):
            stream.socket.sendall(bytes([octet]))
            time.sleep(0.002)
        expect_equal(sorted(read_ids(stream, 2)), [0, 1], "ids")


@suite.case("input cut at every place is understood")
def cut_anywhere(_scene):
    octets = b"".join(frame(wire) for wire in wires(["one.corp.example", "one.corp.example"]))
    for place in range(1, len(octets)):
        with Stream(world().client) as stream:
            stream.socket.sendall(octets[:place])
            time.sleep(0.005)
            stream.socket.sendall(octets[place:])
            expect_equal(sorted(read_ids(stream, 2)), [0, 1], f"ids with a cut at {place}")


@suite.case("length and body of an answer leave in one segment")
def one_segment(_scene):
    for name in ("one.corp.example", "segment.example", "segment.example"):
        with Stream(world().client) as stream:
            stream.write(message.query(name).wire())
            stream.socket.recv(1, socket.MSG_PEEK)  # waits for the first segment, takes nothing
            first = stream.socket.recv(65536, socket.MSG_PEEK)
            expect(len(first) > 2, f"{name}: the first segment has {len(first)} octets")
            expect_equal(len(first) - 2, struct.unpack("!H", first[:2])[0], f"{name}: octets of the first segment")


@suite.case("an answer of 19 kB comes whole")
def large(_scene):
    with Stream(world().client) as stream:
        stream.write(message.query("big.example").wire())
        reply = stream.read()
    expect_equal((len(reply.answer), reply.has(message.TC)), (1200, False), "records")


@suite.case("many large answers to a client that reads slowly are kept back, not lost")
def slow_reader(_scene):
    with Stream(world().client, timeout_s=15) as stream:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        count = 20
        for number in range(count):
            stream.write(message.query("big.example", id=number).wire())
        time.sleep(0.5)
        expect_equal(sorted(read_ids(stream, count)), list(range(count)), "ids")


@suite.case("a client that never reads is closed and costs others nothing")
def never_reads(_scene):
    with Stream(world().client, timeout_s=1) as stream:
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            for number in range(20000):
                stream.write(message.query("big.example", id=number % 65536).wire())
        except (TimeoutError, ConnectionResetError, BrokenPipeError):
            pass  # kept back, or closed
        expect_equal(len(world().client.ask("one.corp.example").texts()), 2, "another client")
        wait_until(lambda: world().daemon.metric("local53_tcp_connections") == 0, 15, "its connection is closed")
    expect(world().daemon.resident_kib() < 400 * 1024, f"{world().daemon.resident_kib()} KiB resident")


@suite.case("an idle connection is closed after limits.tcp_idle, one with a query waiting is not")
def idle(_scene):
    started = time.monotonic()
    with Stream(world().client) as stream:
        expect(stream.is_closed_within(15), "still open after 15 s")
        took = time.monotonic() - started
        expect(1.5 < took < 6, f"closed after {took:.1f} s, told 2 s")
    world().upstream.set("slower.example.", fake_dns.Reply([message.a("slower.example.", "192.0.2.9")], delay_s=2.5))
    with Stream(world().client) as stream:
        stream.write(message.query("slower.example").wire())
        expect_equal(stream.read().texts(), ["192.0.2.9"], "answer after more than the idle time")


@suite.case("a half-sent message is closed after the idle time")
def half_sent(_scene):
    with Stream(world().client) as stream:
        stream.socket.sendall(b"\x00\x50" + b"\x00" * 10)
        expect(stream.is_closed_within(15), "still open after 15 s")


@suite.case("above limits.tcp_connections the longest idle gives way to the newest")
def connection_limit(scene):
    limited = World(scene, tcp_connections=6, tcp_idle="60s")  # none is closed for being idle
    streams = []
    for _ in range(40):  # so many that each loop, which has half of the limit, surely gets three of the last 30
        streams.append(scene.add(Stream(limited.client)))
        expect(answers(streams[-1]), "the newest connection is not served")
        expect(limited.daemon.metric("local53_tcp_connections") <= 6, "more than 6 connections are open")
    alive = [answers(stream) for stream in streams]
    expect(3 <= sum(alive) <= 6 and not any(alive[:10]), f"still served: {alive}")
    for stream in streams:
        stream.close()
    wait_until(lambda: limited.daemon.metric("local53_tcp_connections") == 0, 15, "no connection is open")
    expect_equal(len(limited.client.ask_tcp("one.corp.example").texts()), 2, "afterwards")


@suite.case("with a query waiting on every connection a further one is refused and counted")
def connections_busy(scene):
    again_when_late(lambda _number: fill(scene, World(scene, tcp_connections=4)))


def fill(scene, limited):
    limited.upstream.default = lambda asked: fake_dns.Reply([message.a(asked.name, "192.0.2.9")], delay_s=4.0)
    streams, served, started = [], 0, time.monotonic()
    for number in range(16):
        name, stream = f"n{number}.example", scene.add(Stream(limited.client))
        streams.append(stream)
        try:
            stream.write(message.query(name).wire())
        except (ConnectionResetError, BrokenPipeError):
            pass  # refused at once
        wait_until(lambda asked=name + ".", one=stream: limited.upstream.count(asked) or one.is_over(), 10,
                   f"{name} is waiting before the next connection comes, or refused", 0.005)
    soon(time.monotonic() - started, 3.5, "connecting while the first still waits")
    for stream in streams:
        try:
            served += stream.read_wire() is not None
        except (NoAnswer, ConnectionResetError):
            pass  # refused
    expect(1 <= served <= 4, f"{served} of 16 served")
    expect(limited.daemon.metric("local53_dropped_total", reason="connections_full") >= 8, "refusals counted")


def answers(stream):
    try:
        stream.write(message.query("one.corp.example").wire())
        return stream.read_wire() is not None
    except (ConnectionResetError, BrokenPipeError, NoAnswer):
        return False


@suite.case("a client that closes its sending side still gets its answers, then the end")
def half_close(_scene):
    world().upstream.set("slow3.example.", slow)
    with Stream(world().client) as stream:
        stream.socket.sendall(b"".join(frame(w) for w in wires(["slow3.example", "one.corp.example"])))
        stream.socket.shutdown(socket.SHUT_WR)
        expect_equal(sorted(read_ids(stream, 2)), [0, 1], "ids")
        expect(stream.read_wire() is None, "no end after the last answer")


@suite.case("clients that reset their connections with queries waiting do no harm")
def resets(_scene):
    names = [f"reset{number}.example" for number in range(40)]
    for name in names:
        world().upstream.set(name + ".", slow)
        stream = Stream(world().client)
        stream.write(message.query(name).wire())
        wait_until(lambda asked=name: world().upstream.count(asked + "."), 15, f"{name} is upstream", 0.002)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        stream.close()
    wait_until(lambda: world().client.ask(names[-1]).texts() == ["192.0.2.9"], 15, "the last one's answer has come")
    expect_equal(len(world().client.ask_tcp("one.corp.example").texts()), 2, "afterwards")


@suite.case("garbage lengths: zero, too short, and a length without its body")
def garbage_lengths(_scene):
    good = frame(message.query("one.corp.example", id=5).wire())
    for garbage in (b"\x00\x00", b"\x00\x01\xff", b"\x00\x0b" + b"a" * 11):
        with Stream(world().client) as stream:
            stream.socket.sendall(garbage + good)
            wire = stream.read_wire()
            expect(wire is None or message.parse(wire).id == 5, f"{garbage!r} was answered with {wire!r}")
    with Stream(world().client) as stream:
        stream.socket.sendall(b"\xff\xff" + b"\x00" * 100)
        expect(stream.is_closed_within(15), "a length of 65535 without its body is waited for without end")


@suite.case("random octets over TCP do no harm")
def random_octets(_scene):
    rng = random.Random(53)
    for _ in range(150):
        with Stream(world().client, timeout_s=2) as stream:
            try:
                stream.socket.sendall(rng.randbytes(rng.randrange(1, 3000)))
                stream.socket.shutdown(socket.SHUT_WR)
                stream.socket.recv(65536)
            except (TimeoutError, OSError):
                pass  # closed by the server
    expect_equal(len(world().client.ask_tcp("one.corp.example").texts()), 2, "afterwards")


@suite.case("a bad message within the stream is answered FORMERR and the next one served")
def formerr(_scene):
    bad = struct.pack("!HHHHHH", 77, message.RD, 2, 0, 0, 0) + message.encode_name("a.example") + b"\0\1\0\1"
    with Stream(world().client) as stream:
        stream.socket.sendall(frame(bad) + frame(message.query("one.corp.example", id=78).wire()))
        rcodes = {reply.id: reply.rcode for reply in (stream.read(), stream.read())}
    expect_equal(rcodes, {77: message.FORMERR, 78: 0}, "rcodes")


if __name__ == "__main__":
    suite.main()
