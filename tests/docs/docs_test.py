#!/usr/bin/env python3
"""What the pages show is run as it is written: C++, C, Python and JavaScript is compiled and run, and so is what begins with `$`.

Usage: docs_test.py <build directory> <C++ compiler> <C compiler> [unittest arguments]

A piece of C++ or C without a `main` is put into one: its #includes go to the top, and `report` prints and fails. What begins with `$` is run by
a shell in a folder of the page's own, where `build/stave` and `stave` are the program, with a server at work on ./data; only the ports are
replaced. So is what is a list of calls of curl, which have to succeed. Lines behind `127.0.0.1:6379>` and `>` go to the program that was
started before them. What a page shows as the answer has to be the answer; a line with `…` stands for any number of lines.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD, CXX, CC = (pathlib.Path(sys.argv.pop(1)).resolve(), sys.argv.pop(1), sys.argv.pop(1)) if len(sys.argv) > 3 else (None, "c++", "cc")
PATIENCE = 120
PAGES = ["README.md", "docs/library.md", "docs/history.md", "docs/http.md", "docs/operations.md", "docs/changes.md"]
#: What a page takes for granted when it comes to the line with this text, as its reader does it; and numbers that are the reader's own.
BEFORE = {
    "README.md": {"--to-time": ["sleep 1.1"]},  # the second in which the store was made has begun before it was
    "docs/http.md": {"@cat.png": ["head -c 5000 /dev/urandom > cat.png"]},
    "docs/history.md": {"stave restore ./data ./undone": ["redis-cli SET some:key x", "redis-cli FLUSHALL"]},
}
OWN_NUMBERS = {"docs/history.md": {"123456": "redis-cli --no-raw STAVE.HISTORY some:key COUNT 1"}}

CXX_PRELUDE = """#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
"""
C_PRELUDE = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
"""
CXX_REPORT = """
[[maybe_unused]] static int report(const std::string& what) {
  std::fprintf(stderr, "%s\\n", what.c_str());
  return 1;
}
"""


class Block:
    def __init__(self, page, line, kind, text):
        self.page, self.line, self.kind, self.text = page, line, kind, text

    def __str__(self):
        return "%s:%d" % (self.page, self.line)


def blocks_of(page):
    """Fenced blocks with their language ("$" for a shell's), and indented ones that begin with `$`."""
    found, fenced, indented, start = [], None, None, 0
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines() + [""], 1):
        if fenced is not None:
            if line.startswith("```"):
                kind = fenced[0] or ("$" if fenced[1:] and fenced[1].startswith("$ ") else "")
                found.append(Block(page, start, kind, fenced[1:]))
                fenced = None
            else:
                fenced.append(line)
            continue
        if line.startswith("```"):
            fenced, start = [line[3:].strip()], number
        elif line.startswith("    "):
            if indented is None:
                indented, start = [], number
            indented.append(line[4:])
        elif indented is not None:
            if any(row.startswith("$ ") for row in indented):
                found.append(Block(page, start, "$", indented))
            elif all(row.startswith("curl ") for row in indented):
                found.append(Block(page, start, "$", ["$ " + row for row in indented]))
            indented = None
    return found


class Server:
    """A server on ./data of a folder, on ports that the system chose."""

    READY = re.compile(r"is ready on 127\.0\.0\.1:(\d+).* and https?://127\.0\.0\.1:(\d+)")

    def __init__(self, folder, command, environment):
        self.process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        match = self.READY.search(self.process.stdout.readline())
        if not match:
            self.end()
            raise AssertionError("no server: %s" % command)
        self.port, self.http_port = match.groups()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process.stdout.close()


class Docs(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stave-docs-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        (self.folder / "build").mkdir()
        (self.folder / "build" / "stave").symlink_to(BUILD / "stave")
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "stave").symlink_to(BUILD / "stave")
        self.server = None
        self.addCleanup(lambda: self.server and self.server.end())
        self.environment = {
            **os.environ, "PATH": "%s:%s" % (self.folder / "bin", os.environ["PATH"]), "STAVE_LIBRARY": str(BUILD / "libstave.so"),
            "PYTHONPATH": str(ROOT / "packaging/python"), "PYTHONDONTWRITEBYTECODE": "1", "LD_LIBRARY_PATH": str(BUILD),
        }

    # --- what is run ---

    def succeed(self, block, command, text=None, folder=None):
        done = subprocess.run(
            command, cwd=folder or self.folder, env=self.environment, input=text, capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, "%s: %s\n%s\n%s" % (block, command, done.stdout, done.stderr))
        return done.stdout

    def run_program(self, block, command):
        """A program that opens a store of its own: each in a folder of its own."""
        folder = self.folder / ("block%d" % block.line)
        folder.mkdir()
        self.succeed(block, command, folder=folder)

    def need_server(self):
        if self.server is None or self.server.process.poll() is not None:
            if self.server:
                self.server.end()
            command = [str(BUILD / "stave"), "serve", "--port", "-1", "--http-port", "-1", "--bind", "127.0.0.1", "--dir", "./data"]
            self.server = Server(self.folder, command, self.environment)
            self.shim("redis-cli", "-p %s --no-raw -e" % self.server.port)
            self.shim("curl", "--silent --show-error --fail-with-body")

    def shim(self, name, options):
        """What the pages call gets these options, too."""
        path = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if one)
        real = shutil.which(name, path=path)
        self.assertTrue(real, name + " is not installed")
        shim = self.folder / "bin" / name
        shim.write_text('#!/bin/sh\nexec %s %s "$@"\n' % (real, options), encoding="utf-8")
        shim.chmod(0o755)

    def with_ports(self, text):
        """The server's own ports, for those that pages name."""
        if not re.search(r"\b(6379|8080)\b|redis-cli", text):
            return text
        self.need_server()
        return re.sub(r"\b6379\b", self.server.port, re.sub(r"\b8080\b", self.server.http_port, text))

    def compile_and_run(self, block, suffix, compiler, prelude, report, flags):
        text = self.with_ports("\n".join(block.text))
        includes = [line for line in text.splitlines() if line.startswith("#include")]
        rest = "\n".join(line for line in text.splitlines() if not line.startswith("#include"))
        if not re.search(r"^int main\(", rest, re.MULTILINE):
            rest = report + "int main(void) {\n" + rest + "\nreturn 0;\n}\n"
        source = self.folder / ("program%d%s" % (block.line, suffix))
        source.write_text(prelude + "\n".join(includes) + "\n" + rest, encoding="utf-8")
        program = str(source.with_suffix(""))
        self.succeed(block, [compiler, *flags, str(source), "-I", str(ROOT / "include"), "-L", str(BUILD), "-lstave", "-o", program])
        self.run_program(block, [program])

    def run_shell(self, block):
        """`$` lines, what is typed into what they started, and what was answered."""
        steps = []  # (line of the shell, lines typed into it, lines expected)
        for line in block.text:
            if line.startswith("$ "):
                steps.append((line[2:], [], []))
            elif not line.strip():
                continue
            elif re.match(r"(127\.0\.0\.1:6379)?> ", line):
                if steps:
                    steps[-1][1].append(line.split("> ", 1)[1])
            elif steps:
                steps[-1][2].append(line)
        for line, typed, expected in steps:
            for text, commands in BEFORE.get(block.page, {}).items():
                if text in line:
                    for command in commands:
                        self.succeed(block, ["bash", "-c", self.with_ports(command)])
            for text, command in OWN_NUMBERS.get(block.page, {}).items():
                if text in line:
                    answer = self.succeed(block, ["bash", "-c", self.with_ports(command)])
                    line = line.replace(text, re.search(r"\d{3,}", answer).group())
            if " serve " in line:  # goes on: it has to become ready
                ported = re.sub(r"--port \d+", "--port -1 --http-port -1", line)
                if ported == line:  # elsewhere than at the ports of whoever else is on this machine
                    ported = line.replace(" serve ", " serve --port -1 --http-port -1 ", 1)
                if "--dir" not in line:  # the page's own server has ./data
                    ported += " --dir ./another"
                Server(self.folder, ["bash", "-c", "exec " + ported], self.environment).end()
                continue
            text = "".join(re.sub(r"\s{2,}# .*", "", one) + "\n" for one in typed) if typed else None
            answer = self.succeed(block, ["bash", "-c", self.with_ports(line)], text)
            if "SHUTDOWN" in typed:
                self.server.process.wait(PATIENCE)
            if expected:
                self.compare(block, line, expected, [row for row in answer.splitlines() if row.strip()])

    def compare(self, block, line, expected, answer):
        pattern = "".join(r"(?:.*\n)*?" if "…" in row else re.escape(row.rstrip()) + r"[ ]*\n" for row in expected)
        self.assertRegex("\n".join(answer) + "\n", r"\A" + pattern + r"\Z", "%s: $ %s" % (block, line))

    def run_page(self, page):
        blocks = [block for block in blocks_of(page) if block.kind]
        self.assertTrue(blocks, "%s shows nothing that could be run" % page)
        for block in blocks:
            with self.subTest(block=str(block)):
                if block.kind == "cpp":
                    self.compile_and_run(block, ".cc", CXX, CXX_PRELUDE, CXX_REPORT, ["-std=c++23", "-O0"])
                elif block.kind == "c":
                    self.compile_and_run(block, ".c", CC, C_PRELUDE, "", ["-std=c99"])
                elif block.kind == "python":
                    self.run_program(block, [sys.executable, "-c", self.with_ports("\n".join(block.text))])
                elif block.kind in ("$", "console"):
                    self.run_shell(block)
                elif block.kind in ("js", "javascript"):
                    self.run_javascript(block)
                else:
                    self.fail("%s: nobody runs %s" % (block, block.kind))

    def run_javascript(self, block):
        modules = BUILD / "tests" / "node" / "modules"
        if not (modules / "stave/build/Release/stave.node").exists():
            return  # no headers of Node.js here: its package was not built
        self.environment["NODE_PATH"] = str(modules)
        self.run_program(block, ["node", "-e", self.with_ports("\n".join(block.text))])


def page_test(page):
    return lambda self: self.run_page(page)


for one in PAGES:
    setattr(Docs, "test_" + re.sub(r"\W", "_", one), page_test(one))


class Reading(unittest.TestCase):
    def test_blocks_are_found_with_their_kind(self):
        kinds = [block.kind for block in blocks_of("README.md")]
        for kind in ("cpp", "c", "$"):
            self.assertIn(kind, kinds)

    def test_no_other_page_shows_what_nobody_runs(self):
        """A page that begins to show such things belongs into PAGES."""
        for path in sorted([*ROOT.glob("docs/*.md"), *ROOT.glob("docs/how-to/*.md"), *ROOT.glob("docs/reference/*.md")]):
            page = str(path.relative_to(ROOT))
            if page in PAGES:
                continue
            for block in blocks_of(page):
                if "Authorization: Bearer" in block.text[0]:
                    continue  # wants a password, which that page is not about
                self.assertNotIn(block.kind, ("cpp", "c", "python", "js", "$", "console"), str(block))


if __name__ == "__main__":
    unittest.main()
