#!/usr/bin/env python3
"""The image: its root file system, made by the script the Dockerfile runs, and local53 started in it as a container is.

No engine and no registry is needed: chroot, a read-only root, a user without rights, no capability to be had. What an
engine does with the Dockerfile's other lines is not run; they are read.
"""
import os
import re
import subprocess

from lib.cases import Suite, expect, expect_equal, wait_until
from lib.client import Client, NoAnswer
from lib.container import ANOTHER_USER, LOCAL53, NET_ADMIN, NET_BIND_SERVICE, USER, Container, make_image
from lib.daemon import ROOT, free_port

suite = Suite("image")
DEPLOY = os.path.join(ROOT, "deploy")
CONTROL = "/run/local53/control.sock"
SIZE_MAX = 40 << 20


@suite.once
def image(scene):
    """The root file system; tests of one run share it."""
    return make_image(scene)


def files_of(folder):
    """Path in the image -> path here, of all that is no folder."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            found["/" + os.path.relpath(path, folder)] = path
    return found


def configuration(listen, node=""):
    return f"""listen: ["{listen}"]
{node}metrics: []
endpoints:
  - {{names: [ingress.private.eu2.coralogix.com], addresses: [10.60.1.7]}}
forward:
  - {{zone: ".", servers: ["127.0.0.1:9"]}}
"""


def asked(port, where="127.0.0.1"):
    """The addresses of the endpoint; none while nobody answers."""
    try:
        reply = Client(where, port).ask("ingress.private.eu2.coralogix.com", timeout_s=1)
    except (NoAnswer, OSError):  # also: nobody has that address yet
        return []
    return reply.texts("A")


# ---- What is in it ---------------------------------------------------------------------------------

@suite.case("the root file system holds programs and their libraries only, below 40 MB")
def contents(_scene):
    files = files_of(image())
    size = sum(os.path.getsize(path) for path in files.values())
    expect(size < SIZE_MAX, f"it has {size} octets")
    allowed = re.compile(r"/usr/bin/(local53|dnsbench)$|/etc/(passwd|group|nsswitch\.conf)$"
                         r"|/etc/ssl/certs/ca-certificates\.crt$|(/usr)?/lib\w*/.*\.so[.0-9]*$")
    expect_equal([path for path in files if not allowed.match(path)], [], "files that nobody needs")
    print(f"  {size / 1e6:.1f} MB in {len(files)} files", flush=True)


@suite.case("local53 has its two capabilities as permitted only, dnsbench none")
def capabilities(_scene):
    found = subprocess.run(["getcap", "-r", image()], capture_output=True, text=True, check=True, timeout=10,
                           env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"}).stdout.split()
    expect_equal(found, [image() + LOCAL53, "cap_net_bind_service,cap_net_admin=p"], "getcap")


@suite.case("nothing in it makes its caller somebody else")
def no_set_user(_scene):
    expect_equal([path for path, here in files_of(image()).items() if os.lstat(here).st_mode & 0o6000], [],
                 "files with set-user or set-group")


# ---- Started in it ---------------------------------------------------------------------------------

@suite.case("--version and check run without rights on a read-only root", namespace_needed=True)
def commands(scene):
    container = Container(scene, image(), configuration("127.0.0.1:5353"))
    code, told, error = container.run("--version")
    expect_equal((code, error), (0, ""), "--version")
    expect(re.match(r"local53 \d+\.\d+", told), told)
    code, told, error = container.run("check", "--strict")
    expect_equal((code, error), (0, ""), "check --strict of /etc/local53/local53.yaml")
    expect("10.60.1.7" in told, told)
    code, told, error = container.run("--version", program="/usr/bin/dnsbench")
    expect_equal((code, error), (0, ""), "dnsbench --version")


@suite.case("run answers, tells its probes so, and stops in order, for the image's user and any other",
            namespace_needed=True)
def serving(scene):
    for user in (USER, ANOTHER_USER):
        port = free_port()
        container = Container(scene, image(), configuration(f"127.0.0.1:{port}")) if user == USER else container
        container.configure(configuration(f"127.0.0.1:{port}"))
        served = container.start("run", user=user)
        wait_until(lambda: asked(port) == ["10.60.1.7"] or served.poll() is not None, 10, "the endpoint's address")
        if served.poll() is not None:
            raise AssertionError(f"ended with {served.returncode}: {served.communicate()}")
        for word in ("ready", "alive", "status"):
            expect_equal(container.run("ctl", "-s", CONTROL, word, user=user)[0], 0, f"ctl {word} as {user}")
        served.terminate()
        told = served.communicate(timeout=10)
        expect_equal(served.returncode, 0, f"exit as {user}: {told}")


@suite.case("with both capabilities a user without rights has port 53 and the node's address, and gives it back",
            namespace_needed=True)
def on_a_node(scene):
    container = Container(scene, image(), configuration("169.254.20.10", "node: {intercept: owner}\n"))
    served = container.start("run", granted=(NET_BIND_SERVICE, NET_ADMIN))
    wait_until(lambda: asked(53, "169.254.20.10") == ["10.60.1.7"] or served.poll() is not None, 10, "an answer")
    if served.poll() is not None:
        raise AssertionError(f"ended with {served.returncode}: {served.communicate()}")
    served.terminate()
    told = served.communicate(timeout=10)
    expect_equal(served.returncode, 0, f"exit: {told}")
    left = subprocess.run(["ip", "-brief", "address"], capture_output=True, text=True, check=True, timeout=10).stdout
    expect("169.254.20.10" not in left, left)


@suite.case("where they are not granted it says which is missing, and ends with 3", namespace_needed=True)
def not_granted(scene):
    container = Container(scene, image(), configuration("169.254.20.10", "node: {intercept: owner}\n"))
    code, _, told = container.run("run", granted=(NET_BIND_SERVICE,))
    expect_equal(code, 3, told)
    expect("NET_ADMIN" in told, told)
    container.configure(configuration("127.0.0.1:53"))
    code, _, told = container.run("run")
    expect_equal((code, "NET_BIND_SERVICE" in told), (3, True), told)


@suite.case("the root is read-only and there is no shell to be had", namespace_needed=True)
def nothing_else(scene):
    container = Container(scene, image())
    for program in ("/bin/sh", "/usr/bin/sh", "/bin/bash"):
        expect(not os.path.lexists(container.root + program), f"{program} is there")
    try:
        with open(container.root + "/etc/passwd", "a", encoding="ascii"):
            raise AssertionError("the root can be written")
    except OSError:
        pass


# ---- The Dockerfile, read --------------------------------------------------------------------------

def instructions():
    """(word, rest) of each, continued lines joined."""
    with open(os.path.join(DEPLOY, "Dockerfile"), encoding="utf-8") as file:
        text = re.sub(r"(?m)^#.*\n", "", file.read()).replace("\\\n", "")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


@suite.case("the Dockerfile builds as README says and takes over what image-root.sh has made")
def dockerfile(_scene):
    lines = instructions()
    stages = [rest for word, rest in lines if word == "FROM"]
    expect_equal(stages, ["debian:${DEBIAN}-slim AS build", "scratch"], "stages")
    runs = " ".join(rest for word, rest in lines if word == "RUN")
    for command in ("deploy/install-deps.sh --build", "cmake -S . -B", "cmake --build", "cmake --install",
                    "deploy/image-root.sh /image /usr/local/bin/local53 /usr/local/bin/dnsbench"):
        expect(command in runs, f"no {command}")
    last = lines[[word for word, _ in lines].index("FROM", 3):]
    for wanted in (("COPY", "--from=build /image/ /"), ("USER", f"{USER}:{USER}"), ("HEALTHCHECK", "NONE"),
                   ("ENTRYPOINT", f'["{LOCAL53}"]'), ("CMD", '["run"]')):
        expect(wanted in last, f"no {wanted} in the last stage: {last}")
    expect(not re.search(r"amd64|x86_64|arm64|aarch64", str(lines)), "it names a processor")


@suite.case("what the Dockerfile's context lets through is enough to configure the build and to run its scripts")
def context(scene):
    with open(os.path.join(DEPLOY, "Dockerfile.dockerignore"), encoding="utf-8") as file:
        taken = [line[1:].strip() for line in file if line.startswith("!")]
    for path in taken:
        expect(os.path.exists(os.path.join(ROOT, path)), f"there is no {path}")
        os.makedirs(os.path.dirname(scene.path("src", path)), exist_ok=True)
        os.symlink(os.path.join(ROOT, path), scene.path("src", path))
    done = subprocess.run(["cmake", "-S", scene.path("src"), "-B", scene.path("build")], capture_output=True, text=True,
                          check=False, timeout=50)
    expect_equal(done.returncode, 0, f"cmake: {done.stderr[-500:]}")
    targets = subprocess.run(["cmake", "--build", scene.path("build"), "--target", "help"], capture_output=True,
                             text=True, check=True, timeout=20).stdout
    expect(all(re.search(rf"\b{name}\b", targets) for name in ("local53", "dnsbench")), "a program is no target")
    for script in re.findall(r"deploy/[\w-]+\.sh", str(instructions())):
        expect(script in taken, f"{script} is not in the context")
    with open(scene.path("build", "cmake_install.cmake"), encoding="utf-8") as file:
        installed = re.findall(rf'"({re.escape(scene.path("src"))}/[^"]+)"', file.read())
    expect(any(path.endswith(".1") for path in installed), f"no manual page is installed: {installed}")
    for path in installed:
        expect(os.path.exists(path), f"{path} is installed, but not in the context")


if __name__ == "__main__":
    suite.main()
