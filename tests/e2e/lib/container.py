"""A container without an engine: the root file system of the image, made by the script the Dockerfile runs, and local53
started in it as a container's process is: chroot, a read-only root, a user without rights, capabilities as granted."""
import ctypes
import os
import subprocess

from . import dnsbench
from .cases import Skip, expect, expect_equal
from .daemon import PLAIN, ROOT

LOCAL53 = "/usr/bin/local53"
USER, ANOTHER_USER = 65532, 1000730001
NET_BIND_SERVICE, NET_ADMIN = 10, 12
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, CAPABILITIES = 24, 38, 64
libc = ctypes.CDLL(None)


def maps_users():
    """True when any user may be become: in the machine's own user namespace."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return any(int(line.split()[2]) > ANOTHER_USER for line in file)


def make_image(scene):
    """The folder of the root file system."""
    for program in (PLAIN, dnsbench.PLAIN):
        expect(os.path.exists(program), f"there is no {program}: cmake --build build")
    if os.geteuid() != 0:
        raise Skip("needs root, to give a file capabilities")
    folder = scene.path("image")
    script = os.path.join(ROOT, "deploy", "image-root.sh")
    done = subprocess.run([script, folder, PLAIN, dnsbench.PLAIN], capture_output=True, text=True, check=False,
                          timeout=60)
    expect_equal((done.returncode, done.stderr), (0, ""), "deploy/image-root.sh")
    os.mkdir(os.path.join(folder, "proc"))  # as an engine does
    return folder


class Container:
    """The image as a container's root: read-only, /proc, the configuration and a writable /run/local53 laid over it."""

    def __init__(self, scene, image, configuration="", name="container"):
        if not maps_users():
            raise Skip("needs root, to become a user without rights")
        self.root, self._etc = scene.path(name, "root"), scene.path(name, "etc")
        os.makedirs(self.root)
        os.mkdir(self._etc)
        self._mounts, self._processes = [], []
        scene.add(self)
        self.configure(configuration)
        self._mount("--bind", image, self.root)
        self._mount("--bind", self._etc, self.root + "/etc/local53")
        self._mount("-t", "proc", "proc", self.root + "/proc")
        self._mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", self.root + "/run/local53")
        self._mount("-o", "remount,bind,ro", self.root)

    def configure(self, text):
        with open(os.path.join(self._etc, "local53.yaml"), "w", encoding="utf-8") as file:
            file.write(text)

    def _mount(self, *words):
        subprocess.run(["mount", *words], check=True, timeout=10)
        if "remount,bind,ro" not in words:
            self._mounts.append(words[-1])

    def _become(self, user, granted):
        """In the child: as "drop: [ALL], add: granted" leaves a container's process; with none granted also as
        "allowPrivilegeEscalation: false" does."""
        os.chroot(self.root)
        os.chdir("/")
        for capability in set(range(CAPABILITIES)) - set(granted):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        if not granted:
            libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)

    def start(self, *words, user=USER, program=LOCAL53, granted=(), environment=()):
        environment = {"SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt", "PATH": "/usr/bin", **dict(environment)}
        process = subprocess.Popen([program, *words], preexec_fn=lambda: self._become(user, granted),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=environment)
        self._processes.append(process)
        return process

    def run(self, *words, **options):
        """(exit, standard output, standard error) of a command that ends."""
        process = self.start(*words, **options)
        told = process.communicate(timeout=20)
        return process.returncode, *told

    def close(self):
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=10)
        for place in reversed(self._mounts):
            subprocess.run(["umount", "--lazy", place], check=True, timeout=10)
