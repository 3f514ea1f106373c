#!/usr/bin/env python3
"""Clients people have: dig, kdig, and the getaddrinfo of glibc and musl, each asking local53 on port 53."""
import os
import re
import socket
import subprocess

from lib import fake_dns, message, namespace
from lib.cases import Suite, expect, expect_equal
from lib.daemon import Daemon, forward
from lib.servers import find

suite = Suite("clients")
NODE = "169.254.20.10"
ENDPOINT = "api.ecr.eu-west-1.amazonaws.com"
BIG = [f"10.20.{n // 250}.{n % 250}" for n in range(200)]
GETADDRINFO = r"""
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void print_one(const struct addrinfo *one)
{
    char text[INET6_ADDRSTRLEN];
    const void *from = one->ai_family == AF_INET
        ? (const void *)&((const struct sockaddr_in *)(const void *)one->ai_addr)->sin_addr
        : (const void *)&((const struct sockaddr_in6 *)(const void *)one->ai_addr)->sin6_addr;

    printf("%s\n", inet_ntop(one->ai_family, from, text, sizeof(text)));
}

int main(int argc, char **argv)
{
    struct addrinfo hints, *list = NULL;
    int i, err;

    for (i = 1; i < argc; i++) {
        memset(&hints, 0, sizeof(hints));
        hints.ai_socktype = SOCK_STREAM;
        err = getaddrinfo(argv[i], "443", &hints, &list);
        if (err != 0) {
            printf("error %d\n", err == EAI_NONAME ? 1 : err == EAI_AGAIN ? 2 : 3);
            continue;
        }
        for (const struct addrinfo *one = list; one != NULL; one = one->ai_next) {
            print_one(one);
        }
        freeaddrinfo(list);
    }
    return 0;
}
"""


class World:
    """An upstream with a few names, the daemon at the node address, and the resolver file pointing at it."""

    def __init__(self, scene):
        namespace.add_address(NODE)
        self.upstream = scene.add(fake_dns.FakeDns("127.53.3.1", 53, {
            "www.example.": fake_dns.addresses("192.0.2.1", "2001:db8::1"),
            "four.example.": fake_dns.addresses("192.0.2.4"),
            "six.example.": fake_dns.addresses("2001:db8::6"),
            "alias.example.": alias, "big.example.": TRUNCATED,
            "web.default.svc.cluster.local.": fake_dns.addresses("10.100.0.7"),
            "broken.example.": fake_dns.Reply(rcode=message.SERVFAIL)}))
        self.daemon = Daemon(scene, {"endpoints": [
            {"service": "ecr.api", "region": "eu-west-1", "addresses": ["10.0.1.1", "10.0.2.1"]},
            {"names": ["both.corp.example"], "addresses": ["10.0.3.1", "2001:db8:3::1"]}],
            "forward": [*forward(self.upstream), {"zone": "cluster.local", "servers": [self.upstream.server]}]},
            address=NODE, port=53).wait_ready()
        namespace.set_resolver([NODE], ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"], ["ndots:5"])


def alias(asked):
    records = {1: [message.a("www.example.", "192.0.2.1")], 28: [message.a("www.example.", "2001:db8::1")]}
    return fake_dns.Reply([message.cname(asked.name, "www.example."), *records.get(asked.type, [])])


TRUNCATED = {"udp": fake_dns.Reply(flags=message.TC), "tcp": fake_dns.addresses(*BIG)}


@suite.once
def world(scene):
    return World(scene)


def tool(program, *arguments):
    """Output of dig or kdig."""
    done = subprocess.run([find(program), f"@{NODE}", *arguments], capture_output=True, text=True, check=False,
                          timeout=30)
    return done.stdout + done.stderr


def status(output):
    found = re.search(r"status: (\w+)", output)
    expect(found, f"no status in: {output[-400:]}")
    return found[1]


# ---- dig and kdig ---------------------------------------------------------------------------------

@suite.case("dig gets an endpoint's addresses and a forwarded name", namespace_needed=True)
def dig_plain(_scene):
    world()
    expect_equal(sorted(tool("dig", "+short", ENDPOINT).split()), ["10.0.1.1", "10.0.2.1"], "endpoint")
    expect_equal(tool("dig", "+short", "www.example", "AAAA").split(), ["2001:db8::1"], "forwarded AAAA")
    expect_equal(status(tool("dig", "nowhere.example")), "NXDOMAIN", "missing name")
    expect_equal(tool("dig", "+short", "-x", "127.0.0.1").strip(), "localhost.", "reverse of the loopback")


@suite.case("dig takes an answer that was truncated over UDP by TCP", namespace_needed=True)
def dig_truncated(_scene):
    world()
    output = tool("dig", "big.example")
    expect("retrying in TCP" in output, "no retry after TC")
    expect_equal(len(re.findall(r"\bIN\s+A\s+10\.20\.", output)), len(BIG), "records")
    expect("flags: qr tc" in re.sub(r"flags: qr (aa )?tc", "flags: qr tc", tool("dig", "+ignore", "big.example")), "TC")


@suite.case("dig with a cookie, padding and a subnet is answered without any of them", namespace_needed=True)
def dig_options(_scene):
    world()
    output = tool("dig", "+cookie", "+subnet=192.0.2.0/24", "+nsid", "+padding=128", "options.example", "MX")
    expect_equal(status(output), "NXDOMAIN", "status")
    answer = output.split("OPT PSEUDOSECTION")[1]
    expect(not re.search("COOKIE|CLIENT-SUBNET|NSID|PAD", answer), f"an option came back: {answer}")
    asked, = world().upstream.queries("options.example.", "MX")
    expect_equal(asked.message.edns.options, [], "options upstream")


@suite.case("kdig over TCP, with keepopen and several questions", namespace_needed=True)
def kdig_tcp(_scene):
    world()
    output = tool("kdig", "+tcp", "+keepopen", "www.example", "A", ENDPOINT, "A", "four.example", "A")
    expect_equal(output.count("status: NOERROR"), 3, "answers")


@suite.case("kdig +bufsize 512, 1232 and 4096 get TC or a fitting answer", namespace_needed=True)
def kdig_bufsize(_scene):
    world()
    for size in (0, 512, 1232, 4096):
        output = tool("kdig", f"+bufsize={size}", "+ignore", "big.example")
        expect(re.search(r"Flags: qr .*\btc\b", output), f"no TC at {size}: {output[:300]}")
        received = int(re.search(r"Received (\d+) B", output)[1])
        expect(received <= 1232, f"{received} octets at {size}")


@suite.case("kdig with EDNS version 1 gets BADVERS", namespace_needed=True)
def kdig_badvers(_scene):
    world()
    for name in ("www.example", ENDPOINT):
        output = tool("kdig", "+edns=1", name)
        expect("BADVERS" in output, f"{name}: {output[:400]}")
        expect_equal(len(re.findall(r"Version: 0", output)), 1, "our version in the answer")


@suite.case("kdig with unknown EDNS options is answered", namespace_needed=True)
def kdig_ednsopt(_scene):
    world()
    for name in ("www.example", ENDPOINT):
        expect_equal(status(tool("kdig", "+ednsopt=65001:c0ffee", "+padding=64", name)), "NOERROR", name)


@suite.case("dig with opcodes other than QUERY gets NOTIMP", namespace_needed=True)
def dig_opcodes(_scene):
    world()
    for opcode in (1, 2, 4, 6, 15):
        expect_equal(status(tool("dig", f"+opcode={opcode}", "www.example")), "NOTIMP", f"opcode {opcode}")


@suite.case("dig with header flags set is answered and AD, CD reach the upstream", namespace_needed=True)
def dig_flags(_scene):
    world()
    expect_equal(status(tool("dig", "+adflag", "+cdflag", "+zflag", "four.example", "MX")), "NOERROR", "status")
    asked = world().upstream.queries("four.example.", "MX")[-1].message
    expect(asked.has(message.CD) and asked.has(message.AD), f"flags {asked.flags:#x} reached the upstream")


@suite.case("zone transfers are refused", namespace_needed=True)
def transfers(_scene):
    world()
    expect("REFUSED" in tool("kdig", "+tcp", "example", "AXFR"), "AXFR")


# ---- getaddrinfo ----------------------------------------------------------------------------------

def compile_client(scene, compiler, *flags):
    source = scene.write("client.c", GETADDRINFO)
    program = scene.path("client")
    subprocess.run([find(compiler), "-O1", "-o", program, source, *flags], check=True, capture_output=True, timeout=60)
    return program


def resolve(program, name):
    done = subprocess.run([program, name], capture_output=True, text=True, check=False, timeout=30)
    return sorted(done.stdout.split("\n"))[1:]


def check_getaddrinfo(program):
    table = {
        ENDPOINT: ["10.0.1.1", "10.0.2.1"],
        ENDPOINT + ".": ["10.0.1.1", "10.0.2.1"],
        "both.corp.example": ["10.0.3.1", "2001:db8:3::1"],
        "www.example": ["192.0.2.1", "2001:db8::1"],
        "four.example": ["192.0.2.4"],
        "six.example": ["2001:db8::6"],
        "alias.example": ["192.0.2.1", "2001:db8::1"],
        "web": ["10.100.0.7"],
        "web.default.svc": ["10.100.0.7"],
        "nowhere.example": ["error 1"],
        "broken.example.": ["error 2"],
    }
    for name, wanted in table.items():
        expect_equal(resolve(program, name), wanted, name)


@suite.case("glibc's getaddrinfo - pairs, search list, chains, errors, truncation", namespace_needed=True)
def glibc(scene):
    world()
    program = compile_client(scene, "gcc")
    check_getaddrinfo(program)
    expect_equal(resolve(program, "big.example."), sorted(BIG), "addresses taken by TCP after TC")


@suite.case("musl's getaddrinfo - pairs, search list, chains, errors", namespace_needed=True)
def musl(scene):
    world()
    check_getaddrinfo(compile_client(scene, "musl-gcc", "-static"))


@suite.case("the first try of a search list never takes the endpoint's place", namespace_needed=True)
def search_list(_scene):
    world()
    reply = world().daemon.client.ask(ENDPOINT + ".default.svc.cluster.local")
    expect_equal(reply.rcode, message.NXDOMAIN, "name with a search suffix")


@suite.case("A and AAAA of one name agree on its existence", namespace_needed=True)
def pairs(_scene):
    for name in (ENDPOINT, "both.corp.example", "www.example", "four.example", "six.example", "nowhere.example"):
        rcodes = {world().daemon.client.ask(name, kind).rcode for kind in ("A", "AAAA")}
        expect_equal(len(rcodes), 1, f"rcodes of {name}: {rcodes}; one")


@suite.case("a pair of questions on one socket gets both answers", namespace_needed=True)
def pair_on_one_socket(_scene):
    for name in (ENDPOINT, "www.example", f"fresh-{os.getpid()}.example"):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(5)
            udp.connect((NODE, 53))
            sent = [message.query(name, kind) for kind in ("A", "AAAA")]
            for asked in sent:
                udp.send(asked.wire())
            got = {message.parse(udp.recv(4096)).id for _ in sent}
            expect_equal(got, {asked.id for asked in sent}, f"answers of {name}")


if __name__ == "__main__":
    suite.main()
