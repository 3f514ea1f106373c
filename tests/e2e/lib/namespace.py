"""A network, mount and process namespace of the test's own.

The whole test file runs again inside it: its own loopback with every port free, its own /etc/resolv.conf, and when
the test ends, however it ends, the kernel stops everything it started. Needs root or unprivileged user namespaces;
without them the file runs outside and the cases that need a namespace are skipped.
"""
import os
import subprocess
import sys
import tempfile

MARK = "LOCAL53_E2E_NAMESPACE"
OUTER_PROC = "LOCAL53_E2E_OUTER_PROC"


def enter():
    """Runs this program again inside namespaces; returns at once when it is inside, or cannot be."""
    if MARK in os.environ:
        if is_own():
            _prepare()
        return
    command = _command()
    works = subprocess.run([*command, "true"], capture_output=True, text=True, check=False, timeout=20)
    if works.returncode != 0:
        os.environ[MARK] = f"namespaces are refused here: {works.stderr.strip()}"
        return
    os.environ[MARK] = "yes"
    os.environ[OUTER_PROC] = str(os.open("/proc", os.O_RDONLY | os.O_DIRECTORY))
    os.set_inheritable(int(os.environ[OUTER_PROC]), True)
    os.execvp(command[0], [*command, sys.executable, *sys.argv])


def is_own():
    return os.environ.get(MARK) == "yes"


def why_not():
    return os.environ.get(MARK, "not inside a namespace")


def outer_proc():
    """Descriptor of the /proc outside, which has the processes of the whole machine; None when not inside."""
    return int(os.environ[OUTER_PROC]) if is_own() and OUTER_PROC in os.environ else None


def set_resolver(servers, search=(), options=()):
    """Writes the namespace's /etc/resolv.conf in place."""
    lines = [f"nameserver {server}" for server in servers]
    if search:
        lines.append("search " + " ".join(search))
    if options:
        lines.append("options " + " ".join(options))
    with open("/etc/resolv.conf", "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")


def add_address(address):
    """Puts a further address on the namespace's loopback."""
    subprocess.run(["ip", "address", "replace", f"{address}/32", "dev", "lo"], check=True, timeout=10)


def own_run():
    """An empty /run/local53, where the defaults of local53 live."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True, timeout=10)
    os.makedirs("/run/local53")


def _command():
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return command if os.geteuid() == 0 else [*command, "--map-root-user"]


def _prepare():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, timeout=10)
    for path, text in (("/etc/resolv.conf", "nameserver 127.0.0.1\n"),
                       ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
                       ("/etc/gai.conf", "")):
        if os.path.exists(path):
            _put_over(path, text)


def _put_over(path, text):
    """Binds a file of our own over one of the machine's, in this namespace only."""
    descriptor, own = tempfile.mkstemp(prefix="local53-e2e-etc-")
    os.write(descriptor, text.encode("ascii"))
    os.fchmod(descriptor, 0o644)
    os.close(descriptor)
    subprocess.run(["mount", "--bind", own, os.path.realpath(path)], check=True, timeout=10)
    os.unlink(own)
