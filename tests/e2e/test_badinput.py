#!/usr/bin/env python3
"""Bad packets: what each gets (RFC 1035, 9619, 6891, 8906, 5625), and that none crashes, leaks or hangs the daemon."""
import random
import socket
import struct

from lib import fake_dns, message
from lib.cases import Suite, expect, expect_equal
from lib.client import Stream
from lib.daemon import PLAIN, Daemon, address, forward

suite = Suite("badinput")
NAME = "one.corp.example"
QUESTION = message.encode_name(NAME) + struct.pack("!HH", 1, 1)
OPT = message.Edns().wire()
RD = message.RD
GARBAGE_PACKETS = 20000
SEED = 5353


def packet(counts=(1, 0, 0, 0), body=QUESTION, flags=RD, number=0x1234):
    return struct.pack("!HHHHHH", number, flags, *counts) + body


def opcode(number):
    return RD | number << 11


def record(kind, rdclass=1, ttl=0, data=b"", owner=b"\0"):
    return owner + struct.pack("!HHIH", kind, rdclass, ttl, len(data)) + data


TSIG_DATA = message.encode_name("hmac-sha256") + bytes(6) + struct.pack("!HH", 300, 0) + b"\x12\x34\0\0\0\0"
TSIG = record(250, 255, 0, TSIG_DATA, message.encode_name("key"))
SILENCE = "silence"

# what is sent -> the rcode it must get
TABLE = {
    "nothing but an id": (b"\x12\x34", SILENCE),
    "eleven octets": (packet()[:11], SILENCE),
    "an empty datagram": (b"", SILENCE),
    "a response (QR=1)": (packet(flags=RD | message.QR), SILENCE),
    "a response with opcode 15": (packet(flags=message.QR | 15 << 11), SILENCE),
    "a header alone, QDCOUNT 0": (packet((0, 0, 0, 0), b""), message.FORMERR),
    "QDCOUNT 1 without a question": (packet((1, 0, 0, 0), b""), message.FORMERR),
    "two questions": (packet((2, 0, 0, 0), QUESTION + QUESTION), message.FORMERR),
    "QDCOUNT 65535": (packet((65535, 0, 0, 0)), message.FORMERR),
    "a question without its class": (packet(body=QUESTION[:-2]), message.FORMERR),
    "a question without its type": (packet(body=QUESTION[:-4]), message.FORMERR),
    "a label longer than the packet": (packet(body=b"\x3fabc"), message.FORMERR),
    "a name without its end": (packet(body=b"\x03abc"), message.FORMERR),
    "a name of 256 octets": (packet(body=b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 3 + b"\0\0\1\0\1"),
                             message.FORMERR),
    "a pointer to itself as the question": (packet(body=b"\xc0\x0c\0\1\0\1"), message.FORMERR),
    "a label of the reserved kind 01": (packet(body=b"\x41a\0\0\1\0\1"), message.FORMERR),
    "a label of the reserved kind 10": (packet(body=b"\x81a\0\0\1\0\1"), message.FORMERR),
    "octets behind the question": (packet(body=QUESTION + b"rest"), message.FORMERR),
    "a promised answer that is not there": (packet((1, 1, 0, 0)), message.FORMERR),
    "a promised OPT that is not there": (packet((1, 0, 0, 1)), message.FORMERR),
    "an OPT cut in the middle": (packet((1, 0, 0, 1), QUESTION + OPT[:-3]), message.FORMERR),
    "two OPTs": (packet((1, 0, 0, 2), QUESTION + OPT + OPT), message.FORMERR),
    "an OPT in the answer section": (packet((1, 1, 0, 0), QUESTION + OPT), message.FORMERR),
    "an OPT not owned by the root": (packet((1, 0, 0, 1), QUESTION + b"\x01a" + OPT), message.FORMERR),
    "an OPT whose option passes its end": (packet((1, 0, 0, 1), QUESTION + record(41, 1232, 0, b"\0\x0a\0\x20ab")),
                                           message.FORMERR),
    "EDNS version 1": (packet((1, 0, 0, 1), QUESTION + message.Edns(version=1).wire()), message.BADVERS),
    "EDNS version 255": (packet((1, 0, 0, 1), QUESTION + message.Edns(version=255).wire()), message.BADVERS),
    "opcode 1 (IQUERY)": (packet(flags=opcode(1)), message.NOTIMP),
    "opcode 2 (STATUS)": (packet(flags=opcode(2)), message.NOTIMP),
    "opcode 4 (NOTIFY)": (packet(flags=opcode(4)), message.NOTIMP),
    "opcode 5 (UPDATE)": (packet(flags=opcode(5)), message.NOTIMP),
    "opcode 15": (packet(flags=opcode(15)), message.NOTIMP),
    "opcode 2 without a question": (packet((0, 0, 0, 0), b"", opcode(2)), message.NOTIMP),
    "a TSIG": (packet((1, 0, 0, 1), QUESTION + TSIG), message.REFUSED),
    "a question for OPT": (packet(body=message.encode_name(NAME) + struct.pack("!HH", 41, 1)), message.FORMERR),
    "a zone transfer": (packet(body=message.encode_name("example") + struct.pack("!HH", 252, 1)), message.REFUSED),
    "flags TC, AA, Z and rcode 15 set in a query": (packet(flags=RD | message.TC | message.AA | 0x40 | 15), 0),
    "an unknown EDNS flag and option": (packet((1, 0, 0, 1),
                                               QUESTION + record(41, 1232, 0x00004001, b"\xfd\xe9\0\2ab")), 0),
    "an EDNS size of 0": (packet((1, 0, 0, 1), QUESTION + message.Edns(size=0).wire()), 0),
    "id 0": (packet(number=0), 0),
}


def upstream_of(scene):
    return scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.addresses("192.0.2.1")))


def start(scene, **options):
    upstream = upstream_of(scene)
    return Daemon(scene, {"endpoints": [{"names": [NAME, "*.wild.example"], "addresses": ["10.0.0.1"]}],
                          "forward": forward(upstream), "limits": {"tcp_idle": "2s"}}, **options).wait_ready()


@suite.once
def daemon(scene):
    return start(scene)


def check_one(what, wire, wanted):
    client = daemon().client
    if wanted == SILENCE:
        expect(client.is_silent(wire, 0.3), f"{what}: was answered")
        return
    reply = message.parse(client.send(wire, 2))
    expect_equal(reply.rcode, wanted, f"rcode of {what}")
    expect_equal(reply.id, struct.unpack("!H", wire[:2])[0], f"id of {what}")
    expect(reply.has(message.QR), f"QR of {what}")
    expect_equal(reply.opcode, wire[2] >> 3 & 15, f"opcode of {what}")
    expect(wanted == 0 or not reply.answer, f"{what}: an error with records")
    if wanted == message.BADVERS:
        expect_equal(reply.edns.version, 0, f"our EDNS version for {what}")


for _what, (_wire, _wanted) in TABLE.items():
    _word = {0: "an answer", 1: "FORMERR", 4: "NOTIMP", 5: "REFUSED", 16: "BADVERS"}.get(_wanted, "silence")
    suite.case(f"{_what} gets {_word}")(lambda _scene, row=(_what, _wire, _wanted): check_one(*row))


@suite.case("the same over TCP: answers as over UDP, and the connection lives on or ends")
def over_tcp(_scene):
    for what, (wire, wanted) in TABLE.items():
        with Stream(daemon().client, timeout_s=15) as stream:
            stream.write(wire)
            stream.write(message.query(NAME, id=0x4321).wire())
            first = stream.read_wire()
            if first is None:
                expect(wanted == SILENCE, f"{what}: the connection was closed")
                continue
            reply = message.parse(first)
            if wanted == SILENCE:
                expect_equal(reply.id, 0x4321, f"{what}: id of the first answer")
            else:
                rcodes = {r.id: r.rcode for r in (reply, stream.read())}
                expect_equal(rcodes[struct.unpack("!H", wire[:2])[0]], wanted, f"rcode of {what}")


@suite.case("what the question was comes back with NOTIMP")
def notimp_question(_scene):
    reply = message.parse(daemon().client.send(packet(flags=opcode(2))))
    expect_equal(reply.questions, [(NAME + ".", 1, 1)], "question")


@suite.case("names with odd octets, dots in labels and all cases are forwarded bit for bit")
def odd_names(scene):
    upstream = upstream_of(scene)
    one = Daemon(scene, {"forward": forward(upstream)})
    for label in (b"\x00\x01\xff", b"a.b", b"_under-score", b"*", b"\xc3\xa4", b" ", b"x" * 63):
        wire = packet(body=bytes([len(label)]) + label + message.encode_name("example") + struct.pack("!HH", 16, 1))
        reply = message.parse(one.client.send(wire))
        expect_equal((reply.rcode, one.client.send(wire)[12:len(wire)]), (0, wire[12:]), f"label {label!r}")
        expect_equal(message.encode_name(upstream.seen[-1].message.name), wire[12:-4], f"label {label!r} upstream")
    expect_equal(len(upstream.seen), 7, "questions upstream")


@suite.case("bad answers of an upstream never reach a client as they are")
def bad_upstream(scene):
    def cut(asked):
        return message.response(asked, [message.a(asked.name, "192.0.2.1")]).wire()[:-3]

    def loop_name(asked):
        return message.response(asked).wire()[:6] + b"\0\1\0\0\0\0" + message.encode_name(asked.name) + \
            struct.pack("!HH", 1, 1) + b"\xc0\xff\0\1\0\1\0\0\0\1\0\4abcd"

    def trailing(asked):
        return message.response(asked, [message.a(asked.name, "192.0.2.1")]).wire() + b"junk"

    def long_rdlength(asked):
        return message.response(asked, [message.Record(asked.name, 1, 60, b"abcd")]).wire()[:-5] + b"\xffabcd"
    for number, make in enumerate((cut, loop_name, trailing, long_rdlength, lambda q: q.wire()[:12])):
        upstream = scene.add(fake_dns.FakeDns(address(), 0, default=fake_dns.Reply(wire=make)))
        one = Daemon(scene, {"forward": forward(upstream)})
        reply = one.client.ask(f"n{number}.example")  # parses
        wanted = (0, ["192.0.2.1"]) if make is trailing else (message.SERVFAIL, [])
        expect_equal((reply.rcode, reply.texts()), wanted, make.__name__)


def garbage(rng, number):
    """Random octets, or a good query with random damage."""
    kind = number % 4
    if kind == 0:
        return rng.randbytes(rng.randrange(0, 600))
    wire = bytearray(message.query(f"n{rng.randrange(50)}.wild.example", rng.randrange(1, 300),
                                   edns=message.Edns(options=[(rng.randrange(70), rng.randbytes(8))])).wire())
    if kind == 1:
        return bytes(wire[:rng.randrange(len(wire))])
    for _ in range(rng.randrange(1, 6)):
        wire[rng.randrange(2 if kind == 2 else 12, len(wire))] = rng.randrange(256)
    return bytes(wire)


def flood(target, count, seed):
    rng = random.Random(seed)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect((target.address, target.port))
        udp.setblocking(False)
        for number in range(count):
            udp.send(garbage(rng, number))
            if number % 16 == 0:
                drain(udp)


def drain(udp):
    try:
        while True:
            message.parse(udp.recv(65535))
    except BlockingIOError:
        pass  # nothing more has come


@suite.case("20,000 random and damaged packets: every answer is a message, and it still serves")
def random_packets(_scene):
    flood(daemon(), GARBAGE_PACKETS, SEED)
    expect_equal(daemon().client.ask(NAME).texts(), ["10.0.0.1"], "afterwards, UDP")
    expect_equal(daemon().client.ask_tcp(NAME).texts(), ["10.0.0.1"], "afterwards, TCP")
    metrics = daemon().metrics()
    expect(metrics.total("local53_queries_total", transport="udp") > GARBAGE_PACKETS / 4, "queries counted")
    expect(metrics.total("local53_dropped_total", reason="short") > 0, "short packets counted")
    expect(metrics.total("local53_dropped_total", reason="response") > 0, "responses counted")


@suite.case("20,000 bad packets leave no memory behind")
def no_leak(scene):
    one = start(scene, binary=PLAIN)  # the memory of a sanitized program grows by itself
    flood(one, 8000, SEED + 1)
    one.client.ask(NAME)
    before = one.resident_kib()
    for number in range(2):
        flood(one, 10000, SEED + 2 + number)
    one.client.ask(NAME)
    grown = one.resident_kib() - before
    expect(grown < 4096, f"{grown} KiB more after 20,000 packets")


if __name__ == "__main__":
    suite.main()
