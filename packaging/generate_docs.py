#!/usr/bin/env python3
"""Writes the program's man pages and its completions for bash, zsh and fish.

    generate_docs.py <program> <version> <folder>

Everything comes from the program itself, from what `--help` and `stave options` print, so that an option cannot be there and be
missing here. Writes <folder>/man/*.{1,5} and <folder>/completion/{stave.bash,_stave,stave.fish}.
"""

import datetime
import os
import pathlib
import re
import subprocess
import sys
from dataclasses import dataclass, field

import completions
import man_pages


@dataclass
class Option:
    names: list  # ["-h", "--help"]
    value: str  # What it takes, as the help says; "" for a flag.
    help: str
    choices: list = field(default_factory=list)

    @property
    def takes(self):
        """What kind of word completes the value: "directory", "file" or nothing known."""
        word = self.names[-1].lstrip("-")
        if word in ("dir", "directory", "to", "target", "destination") or self.value in ("DIR", "DIRECTORY"):
            return "directory"
        if word in ("config", "file", "from", "out", "output") or word.startswith("tls-") or self.value in ("FILE", "PATH"):
            return "file"
        return ""


@dataclass
class Subcommand:
    name: str
    help: str
    description: str = ""
    usage: str = ""
    options: list = field(default_factory=list)
    children: list = field(default_factory=list)  # Subcommands of its own: `stave log dump`.

    @property
    def places(self):
        """What its arguments that are no options name: "directory", "file" or nothing."""
        if self.name in ("backup", "restore", "doctor", "log", "dump", "verify"):
            return "directory"
        return "file" if self.name in ("import", "load", "snapshot") else ""


@dataclass
class ServerOption:
    """A row of `stave options`."""

    name: str
    default: str
    unit: str
    bounds: str
    change: str
    help: str


@dataclass
class Program:
    version: str
    date: str
    description: str
    options: list
    subcommands: list
    server_options: list
    store_commands: list


def output_of(program, *arguments):
    answer = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60, check=False)
    return answer.stdout if answer.returncode == 0 else ""


def read_options(text):
    """The options of a help text: a line begins with two blanks and a dash, what follows further in belongs to it."""
    options = []
    for line in text.splitlines():
        match = re.match(r"^  (-.*?)(?:\s{2,}(\S.*))?$", line)
        if match:
            head = re.sub(r"\s*(?:REQUIRED|Needs:.*|Excludes:.*|\[\S*\] \.\.\.|\.\.\.)$", "", match.group(1))
            names = re.match(r"-[\w?-]+(?:, ?-[\w-]+)*", head).group(0)
            value = head[len(names) :].strip(" =")
            options.append(Option([name.strip() for name in names.split(",")], value, match.group(2) or ""))
        elif options and re.match(r"^\s{10,}\S", line):
            options[-1].help = (options[-1].help + " " + line.strip()).strip()
        elif line.strip() and not line.startswith(" "):
            continue
    return options


def read_description(text):
    """What a help text says before its options: its sentences, and its line of usage."""
    sentences, usage = [], ""
    for line in text.splitlines():
        if re.match(r"^(Options|Subcommands|Positionals|\[Option Group.*)(:|$)|^  +-", line):
            break
        if line.startswith("Usage:"):
            usage = line.removeprefix("Usage:").strip()
        elif line.strip():
            sentences.append(line.strip())
    return " ".join(sentences), usage


def read_subcommands(text):
    """Name and sentence of each line below "Subcommands:"."""
    found = []
    inside = False
    for line in text.splitlines():
        match = re.match(r"^  ([a-z][\w-]*)\s{2,}(\S.*)$", line)
        if line.startswith("Subcommands:"):
            inside = True
        elif inside and match:
            found.append(Subcommand(match.group(1), match.group(2)))
        elif inside and found and re.match(r"^\s{10,}\S", line):
            found[-1].help += " " + line.strip()
    return found


def read_server_options(text):
    rows = []
    for line in text.splitlines():
        cells = [cell.strip().strip("`").replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if line.startswith("|`") and len(cells) == 6:
            rows.append(ServerOption(*cells))
    return rows


def read_program(program, version):
    overview = output_of(program, "--help")
    if not overview:
        sys.exit("generate_docs: %s --help prints nothing" % program)
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", "0")) or None
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc) if seconds else datetime.datetime.now(datetime.timezone.utc)
    found = Program(
        version=version,
        date=moment.strftime("%Y-%m-%d"),
        description=read_description(overview)[0],
        options=read_options(overview),
        subcommands=read_subcommands(overview),
        server_options=read_server_options(output_of(program, "options")),
        store_commands=sorted({name for name in re.findall(r"^\|`([A-Z.]+)", output_of(program, "commands"), re.MULTILINE)}),
    )
    if not found.subcommands or not found.server_options or not found.store_commands:
        sys.exit("generate_docs: the help of %s is not what this script reads" % program)
    words = r"[a-z][a-z0-9-]*( [a-z][a-z0-9-]*)+"
    choices = {row.name: row.bounds.split() for row in found.server_options if re.fullmatch(words, row.bounds) and " to " not in row.bounds}
    for subcommand in found.subcommands:
        text = output_of(program, subcommand.name, "--help")
        subcommand.description, subcommand.usage = read_description(text)
        subcommand.options = read_options(text)
        for option in subcommand.options:
            option.choices = choices.get(option.names[-1].removeprefix("--"), [])
        # Its sentence in the overview names those that it has: "stave log dump DIR".
        for name in re.findall(r"stave %s ([a-z]+) DIR" % subcommand.name, subcommand.help):
            child = Subcommand(name, "")
            text = output_of(program, subcommand.name, name, "--help")
            child.description, child.usage = read_description(text)
            child.options = read_options(text)
            subcommand.children.append(child)
    return found


def main(arguments):
    if len(arguments) != 3:
        sys.exit(__doc__)
    program = read_program(arguments[0], arguments[1])
    folder = pathlib.Path(arguments[2])
    files = {"man/" + name: text for name, text in man_pages.pages(program).items()}
    files.update({"completion/" + name: text for name, text in completions.scripts(program).items()})
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    print("generate_docs: wrote %d files" % len(files))


if __name__ == "__main__":
    main(sys.argv[1:])
