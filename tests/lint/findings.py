"""Shared by the checks: the tree under check, its exemptions and what was found."""
import fnmatch
import json
import os
import re
import subprocess

C_FOLDERS = ("src", "include", "tests", "bench")
TEXT_SUFFIXES = (".c", ".h", ".py", ".sh", ".cmake", ".txt", ".md", ".yaml", ".yml")


def matches(path, pattern):
    """Pattern match where * stays inside one folder."""
    parts, wanted = path.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


class Exemption:
    def __init__(self, line_number, check, path, function):
        self.line_number = line_number
        self.check = check
        self.path = path
        self.function = function
        self.used = False

    def covers(self, check, path, function):
        if check != self.check or not matches(path, self.path):
            return False
        return self.function in (None, function)


class Tree:
    """A checkout: its files, read once, and the findings of one run."""

    def __init__(self, root):
        self.root = root
        self.findings = []
        self.exemptions = []
        self.tag_cache = None
        self.read_exemptions()

    def read_exemptions(self):
        pattern = re.compile(r"^(\S+)\s+([^\s:]+)(?::(\w+))?\s+(\S.*)$")
        for number, line in enumerate(self.lines("tests/lint/exemptions.txt"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = pattern.match(line)
            if match is None:
                self.found("tests/lint/exemptions.txt", number,
                           "no exemption: write <check> <path>[:<function>] <reason>")
                continue
            self.exemptions.append(Exemption(number, *match.groups()[:3]))

    def found(self, path, line, text):
        self.findings.append(f"{path}:{line}: {text}")

    def exempt(self, check, path, function=None):
        for exemption in self.exemptions:
            if exemption.covers(check, path, function):
                exemption.used = True
                return True
        return False

    def lines(self, path):
        try:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def files(self, folders, suffixes):
        """Paths below the folders, relative to the root, sorted."""
        found = []
        for folder in folders:
            for where, names, files in os.walk(os.path.join(self.root, folder)):
                names[:] = [n for n in names if n != "__pycache__"]
                found += [os.path.relpath(os.path.join(where, f), self.root)
                          for f in files if f.endswith(tuple(suffixes))]
        return sorted(found)

    def c_files(self):
        return self.files(C_FOLDERS, (".c", ".h"))

    def tags(self):
        """Functions, prototypes and members of every C file, as universal-ctags sees them."""
        paths = self.c_files()
        if self.tag_cache is None and paths:
            output = subprocess.run(
                ["ctags", "--output-format=json", "--language-force=C", "--kinds-C=fpm",
                 "--fields=+neSK", "--sort=no", "-f", "-", *paths],
                cwd=self.root, check=True, capture_output=True, text=True).stdout
            self.tag_cache = [json.loads(line) for line in output.splitlines()]
        return self.tag_cache or []
