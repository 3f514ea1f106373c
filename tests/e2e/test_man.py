#!/usr/bin/env python3
"""What is installed beside the programs: manual pages and completion, held to --help and to the configuration's keys."""
import os
import re
import subprocess

from lib.cases import Suite, expect, expect_equal
from lib.daemon import BINARY, ROOT, run
from lib.servers import find

suite = Suite("man")
BUILD = os.environ.get("LOCAL53_BUILD", os.path.dirname(os.path.abspath(BINARY)))
DNSBENCH = os.environ.get("DNSBENCH", os.path.join(BUILD, "dnsbench"))
PROGRAMS = {"local53": BINARY, "dnsbench": DNSBENCH}
OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")
ROW = re.compile(r'^    \{"([a-z_.\[\]]+)", SCHEMA_(\w+), [^,]+, [^,]+, (NULL|"(?:[^"\\]|\\.)*"), (?:.*)', re.MULTILINE)
PAGES = ("man1/local53.1", "man1/dnsbench.1", "man5/local53.yaml.5")
WIDE = 1000  # columns: hardly a text is folded


@suite.once
def installed(scene):
    """The folder a whole install went to."""
    folder = scene.path("prefix")
    done = subprocess.run(["cmake", "--install", BUILD, "--prefix", folder], capture_output=True, text=True, check=False,
                          timeout=50)
    expect_equal(done.returncode, 0, f"cmake --install: {done.stdout[-300:]} {done.stderr[-600:]}")
    return folder


def page(name):
    path = os.path.join(installed(), "share/man", name)
    expect(os.path.exists(path), f"{name} is not installed")
    return path


def shown(name):
    """The page as a reader sees it, in lines that are not folded."""
    done = subprocess.run([find("mandoc"), "-T", "ascii", "-O", f"width={WIDE}", page(name)], capture_output=True, text=True,
                          check=True, timeout=20)
    return re.sub(r".\x08", "", done.stdout)


def part(text, heading, indent=""):
    """What stands below a heading, to the next of its kind or above."""
    found = re.search(rf"^{indent}{re.escape(heading)}\n(.*?)(?=^ {{0,{len(indent)}}}\S|\Z)", text, re.MULTILINE | re.DOTALL)
    expect(found, f"no part '{heading}'")
    return found[1]


def tags(text):
    """The tags of a page's lists: what is explained, a line each."""
    return re.findall(r"^ {5}(\S.*)", text, re.MULTILINE)


def options_explained(text):
    return {option for tag in tags(text) if tag.startswith("-") for option in OPTION.findall(tag)}


# ---- What --help tells ------------------------------------------------------------------------------

def help_of(program, *words):
    return run([*words, "--help"], binary=PROGRAMS[program]).stdout


def commands_of(program):
    listed = help_of(program).split("Commands:\n")[1].split("\n\n")[0]
    return re.findall(r"^  ([a-z]+) ", listed, re.MULTILINE)


def options_of(program, command):
    """The options of a command's help, without its example and what it says of other commands."""
    text = re.split(r"\nExamples?:", help_of(program, command))[0]
    return set(OPTION.findall(re.sub(r"(?:see local53|of: aws) .*", "", text)))


# ---- Manual pages -----------------------------------------------------------------------------------

@suite.case("an install brings programs, pages, completion and the sample configuration")
def files(_scene):
    for path in ("bin/local53", "bin/dnsbench", *(f"share/man/{name}" for name in PAGES),
                 "share/bash-completion/completions/local53", "share/bash-completion/completions/dnsbench",
                 "share/doc/local53/local53.yaml", "share/doc/local53/corp.internal.zone"):
        expect(os.path.getsize(os.path.join(installed(), path)) > 200, f"{path} is nearly empty")


@suite.case("the pages are rendered without a warning")
def warnings(_scene):
    for name in PAGES:
        done = subprocess.run([find("mandoc"), "-T", "lint", "-W", "warning", page(name)], capture_output=True, text=True,
                              check=False, timeout=20)
        expect_equal((done.returncode, done.stdout + done.stderr), (0, ""), f"mandoc of {name}")


@suite.case("each command and option of local53's help is explained in its page, and no other")
def page_of_local53(_scene):
    text = part(shown("man1/local53.1"), "COMMANDS")
    expect_equal(re.findall(r"^ {3}([a-z]+)$", text, re.MULTILINE), commands_of("local53"), "commands of the page")
    for command in commands_of("local53"):
        explained = options_explained(part(text, command, indent="   "))
        expect_equal(explained, options_of("local53", command), f"options of {command} in the page")


@suite.case("each word of ctl is explained in the page")
def words_of_ctl(_scene):
    words = {tag.split()[0] for tag in tags(part(part(shown("man1/local53.1"), "COMMANDS"), "ctl", indent="   "))}
    expect(ctl_words() and ctl_words() <= words, f"explained: {words}, in the help: {ctl_words()}")


def ctl_words():
    return set(re.findall(r"^  ([a-z]+)\b(?: NAME)?(?: \[TYPE\])? ", help_of("local53", "ctl"), re.MULTILINE))


@suite.case("each command and option of dnsbench's help is explained in its page, and no other")
def page_of_dnsbench(_scene):
    text = shown("man1/dnsbench.1")
    commands, shared = part(text, "COMMANDS"), options_explained(part(text, "OPTIONS"))
    expect_equal(re.findall(r"^ {3}([a-z]+)$", commands, re.MULTILINE), commands_of("dnsbench"), "commands of the page")
    everywhere = set()
    for command in commands_of("dnsbench"):
        explained, told = options_explained(part(commands, command, indent="   ")), options_of("dnsbench", command)
        expect(explained <= told, f"{command} has no {explained - told}")
        expect(told <= explained | shared, f"{command}: {told - explained - shared} is not explained")
        everywhere |= told
    expect(shared <= everywhere, f"no command has {shared - everywhere}")


@suite.case("the exit codes of the help are those of the pages")
def exit_codes(_scene):
    for program in PROGRAMS:
        told = re.findall(r"(?:^|[:,] +|\s)(\d) ", help_of(program).split("Exit codes:")[1])
        explained = [tag.split()[0] for tag in tags(part(shown(f"man1/{program}.1"), "EXIT STATUS")) if tag[0].isdigit()]
        expect_equal(explained, told, f"exit codes of {program}")


@suite.case("each key of the configuration stands in its page with its default, or that it is required")
def keys(_scene):
    with open(os.path.join(ROOT, "src/config/schema.c"), encoding="utf-8") as file:
        source = file.read()
    rows = ROW.findall(source)
    expect_equal(len(rows), len(re.findall(r'^    \{"', source, re.MULTILINE)), "rows of the schema that are understood")
    text = part(shown("man5/local53.yaml.5"), "KEYS").split("\n\n", 1)[1]
    expect_equal({tag.split()[0] for tag in tags(text)}, {row[0] for row in rows}, "keys of the page")
    for path, kind, default in rows:
        item = re.search(rf"^ {{5}}{re.escape(path)}(.*?)(?=^ {{5}}\S|\Z)", text, re.MULTILINE | re.DOTALL)[1]
        wanted = "Required" if default == "NULL" else "Default: " + default[1:-1].replace('\\"', '"')
        if wanted != "Default: " and not kind.startswith("MAP"):
            expect(wanted in " ".join(item.split()), f"{path}: no '{wanted}' in {item}")


# ---- Completion -------------------------------------------------------------------------------------

def completed(scene, line):
    """What bash offers at the end of a line."""
    programs = scene.path("bin")
    os.makedirs(programs, exist_ok=True)
    if not os.path.exists(os.path.join(programs, "local53")):
        os.symlink(os.path.abspath(BINARY), os.path.join(programs, "local53"))
    words = re.findall(r"=|[^ =]+", line) + ([""] if line.endswith(" ") else [])
    file = os.path.join(installed(), "share/bash-completion/completions", words[0])
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1"; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-uc", script, "bash", file, *words], cwd=scene.folder, capture_output=True, text=True,
                          check=False, timeout=20, env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    expect_equal((done.returncode, done.stderr), (0, ""), f"completion of '{line}'")
    return set(done.stdout.split())


@suite.case("completion offers each command and each option of it, and no other")
def completion_options(scene):
    for program in PROGRAMS:
        expect_equal({word for word in completed(scene, f"{program} ") if word[0] != "-"}, set(commands_of(program)), program)
        for command in commands_of(program):
            expect_equal(completed(scene, f"{program} {command} -") - {"--help"}, options_of(program, command),
                         f"options of {program} {command}")
    expect("--rate" in completed(scene, "dnsbench -"), "options of dnsbench without a command")


@suite.case("completion offers words, services and files where they are taken")
def completion_values(scene):
    scene.write("a.yaml", "")
    expect_equal(completed(scene, "local53 ctl "), ctl_words(), "words of ctl")
    expect_equal(completed(scene, "local53 ctl -s a.sock re"), {"ready", "reload"}, "words of ctl behind an option")
    expect_equal(completed(scene, "local53 services ecr."), {"ecr.api", "ecr.dkr"}, "services")
    for line in ("local53 check -c a", "local53 check --config=a", "local53 run --config a", "local53 diff a",
                 "local53 diff --replay a", "local53 diff a.yaml a", "local53 import vpc-endpoints a",
                 "local53 import vpc-endpoints --region=eu-west-1 a", "dnsbench run --json a", "dnsbench report a"):
        expect_equal(completed(scene, line), {"a.yaml"}, line)
    for line, wanted in (("local53 import ", {"vpc-endpoints", "route53"}), ("local53 node ", {"clean"}),
                         ("local53 services --region ", set()), ("local53 check a", set()),
                         ("local53 ctl ready ", set()), ("dnsbench run --transport u", {"udp", "udp+tc"}),
                         ("dnsbench --profile ", {"k8s-aws", "hit", "nx", "miss"}), ("dnsbench run --rate ", set())):
        expect_equal(completed(scene, line), wanted, line)
    expect("merge" in completed(scene, "dnsbench report "), "words of report")


if __name__ == "__main__":
    suite.main()
