"""The checks of tests/lint/lint.sh: each finds what breaks a convention and says how to mend it.

Usage: lint.py ROOT [CHECK...]. Prints "file:line: what" for each finding, then PASS, FAIL or SKIPPED a check.
Exit 1 when a check failed.
"""
import glob
import os
import re
import subprocess
import sys

from findings import Tree, matches

MAX_FUNCTION_LINES = 70
MAX_FILE_LINES = 600
MAX_PARAMETERS = 5
FORMAT_VERSION = 14
TOP_LEVEL = {"CMakeLists.txt", "src", "include", "conf", "tests", "bench", "deploy", "README.md", "LICENSE"}
ROOMS = ("src/", "include/", "bench/dnsbench/")  # where every file belongs to a layer
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


class Skip(Exception):
    """The check cannot run here; the text says why."""


# ---- Includes ----------------------------------------------------------------------------------

class Table:
    """tests/lint/layers.txt."""

    def __init__(self, tree):
        self.layers, self.generated, self.doors, self.libc = {}, {}, {}, []
        for line in tree.lines("tests/lint/layers.txt"):
            kind, _, rest = line.partition(" ")
            name, _, values = rest.partition(":")
            if kind == "layer":
                self.layers[name] = set(values.split()) | {name}
            elif kind == "generated":
                self.generated[name] = set(values.split())
            elif kind == "door":
                self.doors[name] = values.split()
            elif kind == "libc":
                self.libc += rest.split()

    @staticmethod
    def names(entry, header):
        return header == entry or (entry.endswith("/") and header.startswith(entry))

    def door_of(self, header):
        return next((d for d in self.doors if self.names(d, header)), None)


def layer_of(path):
    """The layer a file belongs to, or None (helpers of the tests, benchmarks)."""
    match = re.match(r"(?:src|include/local53|bench/dnsbench|tests/unit)/([^/]+)/", path)
    return match.group(1) if match else None


def includes_of(tree, path):
    for number, line in enumerate(tree.lines(path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_own_include(tree, table, path, number, header):
    layer = layer_of(path)
    if header in table.generated:
        if layer in table.layers and layer not in table.generated[header]:
            tree.found(path, number, f"{header} is only for {sorted(table.generated[header])}; take it as an argument")
        return
    bench = re.match(r"(\w+)/\w+\.h$", header)
    if bench and os.path.exists(os.path.join(tree.root, "bench/dnsbench", header)):
        check_layer_use(tree, table, (path, number), (layer, bench.group(1)))
        return
    if not header.startswith("local53/"):
        here = os.path.join(tree.root, os.path.dirname(path), header)
        if path.startswith(ROOMS) and (".." in header or not os.path.exists(here)):
            tree.found(path, number, f'"{header}" is no door; include "local53/<layer>/<module>.h"')
        return
    check_layer_use(tree, table, (path, number), (layer, header.split("/")[1]))


def check_layer_use(tree, table, place, use):
    """A file of one layer includes a door of another."""
    (path, number), (layer, target) = place, use
    if target not in table.layers:
        tree.found(path, number, f"no layer {target}; see tests/lint/layers.txt")
    elif layer in table.layers and target not in table.layers[layer]:
        tree.found(path, number, f"{layer} may not include {target}; it may use "
                   f"{sorted(table.layers[layer])}: move the shared part down, or pass it in")


def check_layers(tree):
    table = Table(tree)
    for path in tree.files(("src", "include", "bench/dnsbench", "tests"), (".c", ".h")):
        layer = layer_of(path)
        if layer is not None and layer not in table.layers:
            tree.found(path, 1, f"no layer {layer}; name it in tests/lint/layers.txt or move the file")
        for number, quote, header in includes_of(tree, path):
            if quote == '"':
                check_own_include(tree, table, path, number, header)


def check_doors_third_party(tree):
    table = Table(tree)
    for path in tree.files(("src", "include", "bench/dnsbench", "tests"), (".c", ".h")):
        for number, _, header in includes_of(tree, path):
            door = table.door_of(header)
            if door is not None:
                if not any(matches(path, p) for p in table.doors[door]):
                    tree.found(path, number, f"{header} belongs behind its door: {' '.join(table.doors[door])}")
            elif INCLUDE.match(tree.lines(path)[number - 1]).group(1) == "<" and \
                    not any(table.names(entry, header) for entry in table.libc):
                tree.found(path, number, f"{header} has no door; give it one in tests/lint/layers.txt")


# ---- Sizes -------------------------------------------------------------------------------------

def count_parameters(signature):
    inner, depth, count = signature.strip()[1:-1].strip(), 0, 1
    if inner in ("", "void"):
        return 0
    for char in inner:
        depth += char in "([{"
        depth -= char in ")]}"
        count += char == "," and depth == 0
    return count - (1 if inner.endswith("...") else 0)


def check_function_length(tree):
    for tag in tree.tags():
        length = tag.get("end", tag["line"]) - tag["line"] + 1
        if tag["kind"] == "function" and length > MAX_FUNCTION_LINES and \
                not tree.exempt("function-length", tag["path"], tag["name"]):
            tree.found(tag["path"], tag["line"], f"{tag['name']} has {length} lines, at most {MAX_FUNCTION_LINES}; "
                       "split it into named steps")


def check_parameters(tree):
    for tag in tree.tags():
        if tag["kind"] not in ("function", "prototype"):
            continue
        count = count_parameters(tag.get("signature", "()"))
        if count > MAX_PARAMETERS and not tree.exempt("parameters", tag["path"], tag["name"]):
            tree.found(tag["path"], tag["line"], f"{tag['name']} takes {count} parameters, at most {MAX_PARAMETERS}; "
                       "pass a struct")


def check_file_length(tree):
    for path in tree.files(("src", "include", "tests", "bench", "deploy"), (".c", ".h", ".py", ".sh")):
        length = len(tree.lines(path))
        if length > MAX_FILE_LINES and not tree.exempt("file-length", path):
            tree.found(path, length, f"{length} lines, at most {MAX_FILE_LINES}; split the module or the test")


# ---- Words -------------------------------------------------------------------------------------

def statement_end(lines, start):
    """Index of the line where the declaration that starts at this index ends."""
    for index in range(start, len(lines)):
        if ";" in lines[index].split("/*")[0]:
            return index
    return start


def member_is_documented(lines, first):
    """A comment right before, alone on its line, or at the end of the member's own lines."""
    last = statement_end(lines, first)
    before = lines[first - 1].rstrip()
    return (before.endswith("*/") and ";" not in before.split("/*")[0]) or \
        "/*" in " ".join(lines[first:last + 1])


def prototype_is_documented(lines, first):
    """A comment at line end, or one that opens the paragraph: it speaks for the prototypes up to the blank line."""
    if "/*" in " ".join(lines[first:statement_end(lines, first) + 1]):
        return True
    for line in reversed(lines[:first]):
        if not line.strip():
            return False
        if line.startswith(("/*", " *")):
            return True
    return False


def check_door_comments(tree):
    for tag in tree.tags():
        path, lines, first = tag["path"], tree.lines(tag["path"]), tag["line"] - 1
        if not path.startswith("include/") and not re.match(r"bench/dnsbench/.*\.h$", path):
            continue
        if tag["kind"] == "member" and not member_is_documented(lines, first):
            tree.found(path, tag["line"], f"{tag['name']} has no comment; say its units, owner and limits, "
                       "right before it or at line end")
        if tag["kind"] == "prototype" and not prototype_is_documented(lines, first):
            tree.found(path, tag["line"], f"{tag['name']} has no comment; say what it gives, owns and how it fails, "
                       "right before it")


def check_words(tree):
    word = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b|not implemented")
    paths = tree.files(("src", "include", "tests", "bench", "deploy", "conf"),
                       (".c", ".h", ".py", ".sh", ".bash", ".cmake", ".txt", ".md", ".yaml", ".yml"))
    for path in [*paths, "CMakeLists.txt", "README.md"]:
        if path.startswith(("tests/lint/", "tests/fuzz/corpus/")):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = word.search(line)
            if match:
                tree.found(path, number, f"'{match.group(0)}': finish it, or file it outside the code")


# ---- The tree ----------------------------------------------------------------------------------

def check_module_test(tree):
    modules = {}
    for path in tree.files(("src", "include/local53", "bench/dnsbench"), (".c", ".h")):
        match = re.match(r"(?:src|include/local53|bench/dnsbench)/([^/]+)/([^/]+)\.[ch]$", path)
        in_door = path.startswith("include/")
        if match and path.endswith(".h" if in_door else ".c"):
            modules[match.groups()] = modules.get(match.groups(), path) if in_door else path
    for (layer, module), path in sorted(modules.items()):
        test = f"tests/unit/{layer}/test_{module}.c"
        if not os.path.exists(os.path.join(tree.root, test)) and not tree.exempt("module-test", path):
            tree.found(path, 1, f"no unit test; write {test}, or merge the module into the one that uses it")


def check_top_level(tree):
    for name in sorted(os.listdir(tree.root)):
        if name.startswith(".") or name in TOP_LEVEL or re.match(r"build(-.*)?$", name):
            continue
        tree.found(name, 1, f"not at the top level, which holds only {' '.join(sorted(TOP_LEVEL))} and dot files")


def clang_format():
    for program in (f"clang-format-{FORMAT_VERSION}", "clang-format"):
        try:
            text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        except (FileNotFoundError, subprocess.CalledProcessError):
            continue
        if f"version {FORMAT_VERSION}." in text:
            return program
    raise Skip(f"needs clang-format {FORMAT_VERSION}; other versions lay out differently")


def check_format(tree):
    program, paths = clang_format(), tree.c_files()
    if not paths:
        return
    output = subprocess.run([program, "--dry-run", "-Werror", "--style=file", *paths],
                            cwd=tree.root, capture_output=True, text=True, check=False).stderr
    told = set()
    for match in re.finditer(r"^(\S+?):(\d+):\d+: error: ", output, re.MULTILINE):
        if match.group(1) not in told:
            told.add(match.group(1))
            tree.found(match.group(1), match.group(2), f"layout; run {program} -i {match.group(1)}")


def check_shell(tree):
    scripts = tree.files(("tests", "deploy", "bench"), (".sh", ".bash"))
    scripts += [os.path.relpath(p, tree.root) for p in glob.glob(os.path.join(tree.root, ".ci", "*"))]
    if not scripts:
        return
    output = subprocess.run(["shellcheck", "-x", "-S", "style", "-f", "gcc", *scripts],
                            cwd=tree.root, capture_output=True, text=True, check=False).stdout
    for match in re.finditer(r"^(\S+?):(\d+):\d+: (.*)$", output, re.MULTILINE):
        tree.found(match.group(1), match.group(2), match.group(3))


CHECKS = {
    "layers": check_layers,
    "third-party": check_doors_third_party,
    "function-length": check_function_length,
    "parameters": check_parameters,
    "file-length": check_file_length,
    "door-comments": check_door_comments,
    "module-test": check_module_test,
    "words": check_words,
    "top-level": check_top_level,
    "format": check_format,
    "shell": check_shell,
}


def check_exemptions(tree):
    """Last, when every other check has marked the lines it used."""
    for exemption in tree.exemptions:
        if not exemption.used:
            tree.found("tests/lint/exemptions.txt", exemption.line_number,
                       f"exempts nothing in {exemption.path} from {exemption.check}; remove the line")


def run_check(tree, name, check):
    tree.findings = []
    try:
        check(tree)
    except Skip as reason:
        print(f"SKIPPED lint.{name}: {reason}")
        return True
    for finding in tree.findings:
        print(finding)
    if tree.findings:
        print(f"FAIL lint.{name}: {len(tree.findings)} findings")
        return False
    print(f"PASS lint.{name}")
    return True


def main(arguments):
    if not arguments or not set(arguments[1:]) <= set(CHECKS):
        print(f"usage: lint.py ROOT [{'|'.join(CHECKS)}]...", file=sys.stderr)
        return 2
    tree = Tree(arguments[0])
    malformed = tree.findings
    wanted = arguments[1:] or list(CHECKS)
    good = [run_check(tree, name, CHECKS[name]) for name in wanted]

    def check_whole_list(checked):
        checked.findings = list(malformed)
        check_exemptions(checked)
    if not arguments[1:]:
        good.append(run_check(tree, "exemptions", check_whole_list))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
