"""DNS messages on the wire: a builder and a parser that share nothing with the code under test."""
import dataclasses
import ipaddress
import random
import struct

TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "HINFO": 13, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "DNAME": 39, "OPT": 41, "DS": 43, "RRSIG": 46, "NSEC": 47, "DNSKEY": 48, "SVCB": 64, "HTTPS": 65,
         "TKEY": 249, "TSIG": 250, "IXFR": 251, "AXFR": 252, "ANY": 255}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
EDE_OPTION, COOKIE_OPTION = 15, 10
QR, AA, TC, RD, RA, AD, CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010


class Malformed(Exception):
    """The octets are no DNS message."""


def type_number(kind):
    return kind if isinstance(kind, int) else TYPES[kind]


DOT = "\ue02e"  # stands for a dot inside a label, in names as text

# ---- Names ---------------------------------------------------------------------------------------

def encode_name(text):
    """Octets of a name without compression; "." is the root."""
    wire = b""
    for label in text.rstrip(".").split("."):
        if label:
            octets = label.replace(DOT, ".").encode("latin-1")
            wire += bytes([len(octets)]) + octets
    return wire + b"\0"


def decode_name(wire, at):
    """(text, offset behind it); the case is kept, the text ends with a dot."""
    labels, end, jumps = [], None, 0
    while True:
        if at >= len(wire):
            raise Malformed("name past the end")
        length = wire[at]
        if length >= 0xc0:
            if at + 1 >= len(wire) or jumps > 100:
                raise Malformed("pointer")
            end = at + 2 if end is None else end
            at = (length & 0x3f) << 8 | wire[at + 1]
            jumps += 1
            continue
        if length == 0:
            return ".".join(labels) + ".", (at + 1 if end is None else end)
        if length > 63 or at + 1 + length > len(wire):
            raise Malformed("label")
        labels.append(wire[at + 1:at + 1 + length].decode("latin-1").replace(".", DOT))
        at += 1 + length


# ---- Records -------------------------------------------------------------------------------------

@dataclasses.dataclass
class Record:
    """One resource record; data is RDATA with names uncompressed."""
    owner: str
    type: int
    ttl: int
    data: bytes
    rdclass: int = 1

    @property
    def text(self):
        """Addresses and names as text; other types as hexadecimal octets."""
        if self.type in (1, 28):
            return str(ipaddress.ip_address(self.data))
        if self.type in (2, 5, 12, 39):
            return decode_name(self.data, 0)[0]
        return self.data.hex()

    @property
    def minimum(self):
        """MINIMUM of a SOA."""
        return struct.unpack("!I", self.data[-4:])[0]

    def wire(self):
        fixed = struct.pack("!HHIH", self.type, self.rdclass, self.ttl, len(self.data))
        return encode_name(self.owner) + fixed + self.data


def a(owner, address, ttl=300):
    packed = ipaddress.ip_address(address).packed
    return Record(owner, 1 if len(packed) == 4 else 28, ttl, packed)


def cname(owner, target, ttl=300):
    return Record(owner, 5, ttl, encode_name(target))


def soa(owner, ttl=300, minimum=300):
    numbers = struct.pack("!IIIII", 1, 3600, 600, 86400, minimum)
    return Record(owner, 6, ttl, encode_name("ns." + owner) + encode_name("admin." + owner) + numbers)


def txt(owner, *texts, ttl=300):
    return Record(owner, 16, ttl, b"".join(bytes([len(t)]) + t.encode("ascii") for t in texts))


def _expand(wire, kind, start, length):
    """RDATA with compressed names written out."""
    if kind in (2, 5, 12, 39):
        return encode_name(decode_name(wire, start)[0])
    if kind == 15:
        return wire[start:start + 2] + encode_name(decode_name(wire, start + 2)[0])
    if kind == 6:
        mname, at = decode_name(wire, start)
        rname, at = decode_name(wire, at)
        return encode_name(mname) + encode_name(rname) + wire[at:start + length]
    return wire[start:start + length]


# ---- EDNS ----------------------------------------------------------------------------------------

@dataclasses.dataclass
class Edns:
    """An OPT record (RFC 6891)."""
    size: int = 1232
    version: int = 0
    dnssec_ok: bool = False
    rcode_high: int = 0
    options: list = dataclasses.field(default_factory=list)

    def wire(self):
        data = b"".join(struct.pack("!HH", code, len(value)) + value for code, value in self.options)
        ttl = self.rcode_high << 24 | self.version << 16 | (0x8000 if self.dnssec_ok else 0)
        return b"\0" + struct.pack("!HHIH", 41, self.size, ttl, len(data)) + data

    @staticmethod
    def of(record):
        options, at = [], 0
        while at < len(record.data):
            code, length = struct.unpack_from("!HH", record.data, at)
            options.append((code, record.data[at + 4:at + 4 + length]))
            at += 4 + length
        return Edns(record.rdclass, record.ttl >> 16 & 0xff, bool(record.ttl & 0x8000), record.ttl >> 24, options)


# ---- Messages ------------------------------------------------------------------------------------

@dataclasses.dataclass
class Message:
    """A whole message, read or to be written."""
    id: int = 0
    flags: int = 0
    opcode: int = 0
    rcode_low: int = 0
    questions: list = dataclasses.field(default_factory=list)  # (name, type, class)
    answer: list = dataclasses.field(default_factory=list)
    authority: list = dataclasses.field(default_factory=list)
    additional: list = dataclasses.field(default_factory=list)
    opts: list = dataclasses.field(default_factory=list)
    length: int = 0

    @property
    def edns(self):
        return self.opts[0] if self.opts else None

    @property
    def rcode(self):
        return self.rcode_low | (self.opts[0].rcode_high << 4 if self.opts else 0)

    @property
    def name(self):
        return self.questions[0][0]

    @property
    def type(self):
        return self.questions[0][1]

    @property
    def key(self):
        """(folded name, type) of the question."""
        return self.name.lower(), self.type

    def has(self, flag):
        return bool(self.flags & flag)

    def texts(self, kind="A"):
        return [r.text for r in self.answer if r.type == type_number(kind)]

    @property
    def ede(self):
        """INFO-CODE of the extended error (RFC 8914), or None."""
        for code, value in self.edns.options if self.edns else []:
            if code == EDE_OPTION:
                return struct.unpack("!H", value[:2])[0]
        return None

    def wire(self):
        sections = (self.answer, self.authority, self.additional)
        counts = [len(self.questions), *(len(s) for s in sections)]
        counts[3] += len(self.opts)
        flags = self.flags | self.opcode << 11 | self.rcode_low
        wire = struct.pack("!HHHHHH", self.id, flags, *counts)
        for name, kind, rdclass in self.questions:
            wire += encode_name(name) + struct.pack("!HH", kind, rdclass)
        wire += b"".join(r.wire() for s in sections for r in s)
        return wire + b"".join(o.wire() for o in self.opts)


def query(name, kind="A", **settings):
    """A query; settings: id, flags, opcode, edns (Edns or None), rdclass."""
    edns = settings.get("edns")
    number = settings.get("id")
    return Message(id=random.randrange(65536) if number is None else number, flags=settings.get("flags", RD),
                   opcode=settings.get("opcode", 0),
                   questions=[(name.rstrip(".") + ".", type_number(kind), settings.get("rdclass", 1))],
                   opts=[edns] if edns else [])


def response(asked, answer=(), authority=(), rcode=0, flags=0):
    """The response to a parsed query, with an OPT if it had one."""
    return Message(asked.id, QR | RA | (asked.flags & RD) | flags, asked.opcode, rcode & 15, list(asked.questions),
                   list(answer), list(authority), [], [Edns(rcode_high=rcode >> 4)] if asked.opts else [])


def _read_record(wire, at):
    owner, at = decode_name(wire, at)
    if at + 10 > len(wire):
        raise Malformed("record past the end")
    kind, rdclass, ttl, length = struct.unpack_from("!HHIH", wire, at)
    at += 10
    if at + length > len(wire):
        raise Malformed("data past the end")
    return Record(owner, kind, ttl, _expand(wire, kind, at, length), rdclass), at + length


def parse(wire):
    """Reads a message; Malformed when it is none or something follows it."""
    if len(wire) < 12:
        raise Malformed("header")
    number, flags, *counts = struct.unpack_from("!HHHHHH", wire)
    message = Message(number, flags & 0x87f0, flags >> 11 & 15, flags & 15, length=len(wire))
    at = 12
    for _ in range(counts[0]):
        name, at = decode_name(wire, at)
        if at + 4 > len(wire):
            raise Malformed("question")
        message.questions.append((name, *struct.unpack_from("!HH", wire, at)))
        at += 4
    for section, count in zip((message.answer, message.authority, message.additional), counts[1:]):
        for _ in range(count):
            record, at = _read_record(wire, at)
            if record.type == TYPES["OPT"]:
                message.opts.append(Edns.of(record))
            else:
                section.append(record)
    if at != len(wire):
        raise Malformed(f"{len(wire) - at} octets behind the last record")
    return message
