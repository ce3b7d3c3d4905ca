#!/usr/bin/env python3
"""The shell from outside: pipes, a terminal, one-shot commands, JSON files and servers.

Usage: shell_test.py path/to/stave [unittest arguments]
"""
import base64
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

from ports import free_port

STAVE = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "build/stave"
DEADLINE = 20  # Seconds until a test that waits for a process gives up.

TRANSCRIPT = [
    ("SET user:1 Alice", "OK"),
    ("GET user:1", "Alice"),
    ("SET user:2 Bob", "OK"),
    ("KEYS user:*", "user:1\nuser:2"),
    ("DELETE user:1", "OK"),
    ("SNAPSHOT", "Saved snapshot to data.json"),
    ("EXIT", "Goodbye!"),
]


class Case(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.TemporaryDirectory()
        self.addCleanup(self.home.cleanup)
        self.cwd = self.home.name
        self.env = {**os.environ, "HOME": self.cwd, "TERM": "xterm", "LC_ALL": "C.UTF-8"}
        self.env.pop("STAVE_PASSWORD", None)
        self.make_store()

    def make_store(self, name="store"):
        subprocess.run([STAVE, "shell", "--create", name, "PING"], check=True, capture_output=True, cwd=self.cwd, env=self.env, timeout=DEADLINE)

    def shell(self, *args, input=b"", code=0):
        """Runs the shell with `input` on its pipe; returns what it printed."""
        if isinstance(input, str):
            input = input.encode()
        done = subprocess.run([STAVE, "shell", *args], input=input, capture_output=True, cwd=self.cwd, env=self.env,
                              timeout=DEADLINE)
        self.assertEqual(done.returncode, code, (done.stdout, done.stderr))
        self.stderr = done.stderr.decode(errors="replace")
        return done.stdout

    def text(self, *args, **kwargs):
        return self.shell(*args, **kwargs).decode()

    def path(self, name):
        return os.path.join(self.cwd, name)

    def load(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def save(self, name, document):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(document if isinstance(document, str) else json.dumps(document))


class Pipes(Case):
    def test_the_transcript_works_to_the_letter(self):
        lines = "".join(command + "\n" for command, _ in TRANSCRIPT)
        answers = "".join(answer + "\n" for _, answer in TRANSCRIPT)
        self.assertEqual(self.text("--file", "data.json", input=lines), answers)
        document = self.load("data.json")
        self.assertEqual(document["version"], 1)
        self.assertRegex(document["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(document["data"], {"user:2": "Bob"})
        self.assertEqual(sorted(os.listdir(self.cwd)), ["data.json", "store"], "no temporary file, no lock, no history is left")

    def test_a_directory_keeps_what_was_written(self):
        self.assertEqual(self.text("store", input="SET a 1\nINCR a\n"), "OK\n(integer) 2\n")
        self.assertEqual(self.text("store", input="GET a\nGET b"), "2\n(nil)\n")
        self.assertEqual(self.text("store", input="SNAPSHOT\nSNAPSHOT mine.json\n"),
                         "Saved snapshot to snapshot.json\nSaved snapshot to mine.json\n")
        self.assertEqual(self.load("mine.json")["data"], {"a": "2"})

    def test_the_default_directory_is_data(self):
        self.make_store("data")
        self.text(input="SET a 1\n")
        self.assertTrue(os.path.isdir(self.path("data")))

    def test_a_failed_command_makes_the_exit_code_1_and_the_rest_goes_on(self):
        out = self.text("store", input="SET a x\nINCR a\nGET a\n", code=1)
        self.assertEqual(out, "OK\n(error) ERR value is not an integer or out of range\nx\n")
        self.assertIn("(error)", self.text("store", input="NOSUCH\n", code=1))
        self.assertIn("(error)", self.text("store", input='SET a "b\n', code=1))
        self.text("store", input="INCR a\nEXIT\n", code=1)

    def test_blank_lines_are_nothing(self):
        self.assertEqual(self.text("store", input="\n   \nPING\n\n"), "PONG\n")

    def test_delete_says_whether_there_was_something(self):
        out = self.text("store", input="SET a 1\nDELETE a\nDELETE a\nSET a 1\nDEL a\nDEL a\n")
        self.assertEqual(out, "OK\nOK\n(not found)\nOK\n(integer) 1\n(integer) 0\n")

    def test_quotes_carry_any_byte(self):
        out = self.shell("store", "--raw", input=b'SET a "\\x00\\xff\\n\\"x"\nGET a\n')
        self.assertEqual(out, b'OK\n\x00\xff\n"x\n')

    def test_raw_and_json(self):
        commands = "SET a 1\nGET a\nINCR a\nMGET a none\nGET none\n"
        self.assertEqual(self.text("store", "--raw", input=commands), "OK\n1\n2\n2\n\n\n")
        out = self.text("store", "--json", input="FLUSHALL\n" + commands)
        self.assertEqual([json.loads(line) for line in out.splitlines()], ["OK", "OK", "1", 2, ["2", None], None])
        out = self.text("store", "--json", input='SET b "\\xff"\nGET b\nINCR b\n', code=1)
        replies = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(replies[1], {"base64": "/w=="})
        self.assertIn("not an integer", replies[2]["error"])

    def test_databases(self):
        self.assertEqual(self.text("store", "-n", "3", input="SET a three\nSELECT 0\nGET a\n"), "OK\nOK\n(nil)\n")
        self.assertEqual(self.text("store", "-n", "3", "GET", "a"), "three\n")
        self.shell("store", "-n", "99", input="PING\n", code=1)

    def test_help_explains(self):
        out = self.text("store", input="HELP\nHELP get\nHELP @string\n")
        self.assertIn("SNAPSHOT", out)
        self.assertIn("GET key", out)
        self.assertIn("GETRANGE", out)
        self.assertIn("(error)", self.text("store", input="HELP nosuch\n", code=1))

    def test_a_directory_in_use_is_refused_and_the_way_out_named(self):
        with subprocess.Popen([STAVE, "shell", "store"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.cwd,
                              env=self.env) as first:
            first.stdin.write(b"PING\n")
            first.stdin.flush()
            self.assertEqual(first.stdout.readline(), b"PONG\n")
            self.shell("store", input="PING\n", code=1)
            self.assertIn("--connect", self.stderr)
            first.stdin.close()
            first.wait(DEADLINE)


class OneShot(Case):
    def test_a_command_in_the_arguments(self):
        self.assertEqual(self.text("store", "SET", "a", "Hello World"), "OK\n")
        self.assertEqual(self.text("store", "GET", "a"), "Hello World\n")
        self.assertEqual(self.text("store", "GETRANGE", "a", "-5", "-1"), "World\n")
        self.assertEqual(self.text("store", "--json", "GET", "a"), '"Hello World"\n')
        self.assertIn("(error)", self.text("store", "INCR", "a", code=1))

    def test_the_last_argument_comes_from_the_pipe(self):
        value = bytes(range(256)) * 10
        self.shell("store", "-x", "SET", "a", input=value)
        self.assertEqual(self.shell("store", "--raw", "GET", "a"), value + b"\n")
        self.shell("store", "-x", input=b"x", code=2)

    def test_arguments_without_sense_are_told(self):
        self.shell("--nosuch", code=2)
        self.shell("store", "--connect", "localhost:1", code=2)
        self.shell("--connect", code=2)
        self.shell("-n", "x", code=2)
        self.assertIn("--connect", self.text("--help"))

    def test_a_file_is_saved_when_it_was_changed_and_only_then(self):
        self.assertEqual(self.text("--file", "d.json", "SET", "a", "1"), "OK\n")
        self.assertEqual(self.load("d.json")["data"], {"a": "1"})
        before = os.stat(self.path("d.json"))
        self.assertEqual(self.text("--file", "d.json", "GET", "a"), "1\n")
        after = os.stat(self.path("d.json"))
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))


class JsonFiles(Case):
    def test_any_bytes_survive(self):
        value = bytes(range(256))
        self.shell("--file", "d.json", "-x", "SET", "bytes", input=value)
        self.shell("--file", "d.json", input=b'SET "\\xff\\xfe" text\nSET caf\xc3\xa9 "\\x00"\n')
        document = self.load("d.json")
        self.assertEqual(document["data"], {"café": "\0"})
        decoded = {base64.b64decode(k): base64.b64decode(v) for k, v in document["data_base64"].items()}
        self.assertEqual(decoded, {b"bytes": value, b"\xff\xfe": b"text"})
        self.assertEqual(self.shell("--file", "d.json", "--raw", "GET", "bytes"), value + b"\n")

    def test_expiries_and_databases_survive(self):
        self.shell("--file", "d.json", input="SET a 1 EX 1000\nSELECT 3\nSET b 2\nSET c 3 PX 60000000\n")
        document = self.load("d.json")
        self.assertEqual(document["data"], {"a": "1"})
        self.assertEqual(document["databases"]["3"]["data"], {"b": "2", "c": "3"})
        self.assertAlmostEqual(document["expires_at"]["a"] / 1000, time.time() + 1000, delta=60)
        out = self.text("--file", "d.json", "--raw", input="TTL a\nSELECT 3\nTTL b\nTTL c\n").split()
        self.assertLess(900, int(out[0]))
        self.assertEqual(out[2], "-1")
        self.assertLess(50000, int(out[3]))

    def test_a_person_may_write_the_file(self):
        self.save("d.json", '{"version": 1, "timestamp": "2024-01-15T10:30:00Z", "data": {"user:1": "Alice"}}')
        self.assertEqual(self.text("--file", "d.json", "GET", "user:1"), "Alice\n")

    def test_what_is_not_understood_is_refused_and_left_alone(self):
        for text, what in [('{"version": 3, "data": {}}', "later"), ('{\n"version": 1,\n"data" {}}', "line 3"),
                           ('{"version": 1, "extra": {}}', "extra"), ("", "malformed")]:
            self.save("d.json", text)
            self.shell("--file", "d.json", input="SET a 1\nEXIT\n", code=1)
            self.assertIn(what, self.stderr)
            with open(self.path("d.json"), encoding="utf-8") as file:
                self.assertEqual(file.read(), text)

    def test_the_work_of_somebody_else_is_not_overwritten(self):
        with subprocess.Popen([STAVE, "shell", "--file", "d.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, cwd=self.cwd, env=self.env) as mine:
            mine.stdin.write(b"SET a mine\n")
            mine.stdin.flush()
            self.assertEqual(mine.stdout.readline(), b"OK\n")
            self.shell("--file", "d.json", "SET", "a", "theirs")
            out, _ = mine.communicate(b"SNAPSHOT\nSNAPSHOT mine.json\nEXIT\nEXIT\n", DEADLINE)
        self.assertEqual(mine.returncode, 1)
        self.assertIn(b"somebody else", out)
        self.assertTrue(out.endswith(b"Goodbye!\n"))
        self.assertEqual(self.load("d.json")["data"], {"a": "theirs"})
        self.assertEqual(self.load("mine.json")["data"], {"a": "mine"})

    def test_a_path_that_cannot_be_written_is_an_error(self):
        self.assertIn("(error)", self.text("store", "SNAPSHOT", "no/such/directory/a.json", code=1))

    def test_a_signal_saves(self):
        with subprocess.Popen([STAVE, "shell", "--file", "d.json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              cwd=self.cwd, env=self.env) as shell:
            shell.stdin.write(b"SET a 1\n")
            shell.stdin.flush()
            self.assertEqual(shell.stdout.readline(), b"OK\n")
            shell.send_signal(signal.SIGTERM)
            self.assertEqual(shell.wait(DEADLINE), 0)
        self.assertEqual(self.load("d.json")["data"], {"a": "1"})

    def test_a_hundred_thousand_entries_are_written_fast(self):
        data = {f"key:{i:06}": "value " * 10 + str(i) for i in range(100_000)}
        self.save("d.json", {"version": 1, "data": data})
        began = time.monotonic()
        self.shell("--file", "d.json", "SET", "one", "more")
        took = time.monotonic() - began
        self.assertEqual(self.load("d.json")["data"], {**data, "one": "more"})
        # Start, load and save together; generous because sanitizers run this too. The benchmark has the figure.
        self.assertLess(took, 10)


class Terminal:
    """The shell on a pseudo-terminal."""

    def __init__(self, case, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            termios.tcsetwinsize(0, (25, 110))
            os.chdir(case.cwd)
            os.execve(STAVE, [STAVE, "shell", *args], case.env)
        self.seen = b""
        self.code = None

    def type(self, text):
        if any(character < " " and character != "\n" for character in text):
            self.wait_for_editor()
        os.write(self.fd, text.encode())

    def wait_for_editor(self):
        """A control character that comes before the line editor has taken over would be the terminal's own."""
        deadline = time.monotonic() + DEADLINE
        while termios.tcgetattr(self.fd)[3] & termios.ICANON:
            if time.monotonic() > deadline:
                raise AssertionError("the line editor does not take over the terminal")
            time.sleep(0.005)

    def until(self, pattern):
        """Reads until the pattern has appeared; returns everything up to its end."""
        deadline = time.monotonic() + DEADLINE
        while True:
            found = re.search(pattern, self.seen, re.S)
            if found:
                text, self.seen = self.seen[:found.end()], self.seen[found.end():]
                return self.plain(text)
            if time.monotonic() > deadline:
                raise AssertionError(f"no {pattern!r} in {self.seen!r}")
            if select.select([self.fd], [], [], 0.1)[0]:
                try:
                    more = os.read(self.fd, 65536)
                except OSError:
                    more = b""
                if not more:
                    raise AssertionError(f"the end came before {pattern!r}: {self.seen!r}")
                self.seen += more

    @staticmethod
    def plain(text):
        text = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", text)
        return text.replace(b"\r", b"").decode(errors="replace")

    def ends(self):
        while True:
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


PROMPT = rb"(?:^|\n|\r)> (?:\x1b\[K)?$"


class Directories(Case):
    def test_a_misspelt_directory_is_told_and_not_made(self):
        self.shell("dtaa", "GET", "a", code=1)
        self.assertIn("--create", self.stderr)
        self.assertFalse(os.path.exists(self.path("dtaa")))
        self.assertEqual(self.text("--create", "dtaa", "SET", "a", "1"), "OK\n")
        self.assertEqual(self.text("dtaa", "GET", "a"), "1\n")

    def test_what_reads_makes_no_store(self):
        for line in (["import", "nofile", "--dir", "new"], ["load", "nofile", "--dir", "new"], ["snapshot", "out.json", "--dir", "new"],
                     ["backup", "b", "--dir", "new"], ["doctor", "new"], ["log", "dump", "new"], ["restore", "new", "other"]):
            done = subprocess.run([STAVE, *line], capture_output=True, cwd=self.cwd, env=self.env, timeout=DEADLINE)
            self.assertNotEqual(done.returncode, 0, line)
            self.assertFalse(os.path.exists(self.path("new")), line)
            self.assertFalse(os.path.exists(self.path("other")), line)


class Surveys(Case):
    def fill(self):
        lines = ["SET s%d %s" % (i, "x" * i) for i in range(1, 1200)] + ["RPUSH list a b c", "HSET hash f v", "SADD set a b", "ZADD zset 1 a", "XADD stream * f v", 'SET "an \\x1b odd\\n one" v']
        self.text("store", input="\n".join(lines) + "\n")

    def test_the_largest_keys(self):
        self.fill()
        told = self.text("--bigkeys", "store")
        self.assertIn("1205 keys", told)
        self.assertRegex(told, r"string +1200 keys +%d bytes, .* largest: s1199 with 1199" % (sum(range(1200)) + 1))
        self.assertRegex(told, r"list +1 keys +3 elements, 3.00 each; largest: list with 3")
        self.assertRegex(told, r"zset +1 keys +1 members")
        self.assertRegex(self.text("--bigkeys", "--pattern", "s1?", "store"), r"string +10 keys +145 bytes, 14.50 each; largest: s19 with 19")
        self.assertRegex(self.text("--memkeys", "store"), r"string +1200 keys +\d+ bytes, .* largest: s11\d\d with 1\d\d\d\n")

    def test_the_names_of_keys(self):
        self.fill()
        self.assertEqual(sorted(self.text("--scan", "--pattern", "s100?", "store").split()), ["s%d" % i for i in range(1000, 1010)])
        self.assertEqual(self.shell("--scan", "--pattern", "an*", "store"), b"an \x1b odd\n one\n")
        self.assertEqual(self.text("--scan", "-n", "3", "store"), "")

    def test_from_moment_to_moment(self):
        self.assertRegex(self.text("--latency", "-i", "0.05", "-r", "2", "store"), r"^(min [\d.]+ ms, mean [\d.]+ ms, 99% within [\d.]+ ms, max [\d.]+ ms \(\d+ answers\)\n){2}$")
        told = self.text("--stat", "-i", "0.05", "-r", "3", "store").splitlines()
        self.assertEqual(len(told), 4)
        self.assertEqual(told[0].split()[:2], ["keys", "memory"])
        self.assertEqual(len(self.text("--stat", "store").splitlines()), 2, "once, when nobody watches")

    def test_what_makes_no_sense_is_told(self):
        for words in (("--bigkeys", "--scan", "store"), ("--bigkeys", "store", "PING"), ("-i", "x", "--stat", "store"), ("-r", "0", "--stat", "store"), ("-i",), ("--bigkeys=x", "store")):
            self.shell(*words, code=2)


class OnTerminal(Case):
    def test_what_deletes_everything_is_asked_about(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        terminal.type("SET a 1\n")
        terminal.until(rb"OK\r\n")
        for answer, then in (("no", rb"Not done"), ("", rb"Not done"), ("yes", rb"\r\nOK\r\n")):
            terminal.until(rb"> ")
            terminal.type("flushall\n")
            self.assertIn("deletes all keys of all databases", terminal.until(rb"Go on\? \(yes or no\) "))
            terminal.type(answer + "\n")
            terminal.until(then)
        # In a transaction nothing is asked of the store for it.
        for command in ("MULTI", "SET b 1", "KEYS *"):
            terminal.until(rb"> ")
            terminal.type(command + "\n")
        terminal.until(rb"> ")
        terminal.type("FLUSHDB\n")
        terminal.until(rb"Go on\? \(yes or no\) ")
        terminal.type("y\n")
        terminal.until(rb"QUEUED")
        terminal.until(rb"> ")
        terminal.type("EXEC\n")
        self.assertNotIn("4)", terminal.until(rb"3\) OK\r\n"))
        terminal.until(rb"> ")
        terminal.type("EXIT\n")
        self.assertEqual(terminal.ends(), 0)
        # Without a person nothing is asked, nor with --yes.
        self.assertEqual(self.text("store", input="FLUSHALL\n"), "OK\n")
        terminal = Terminal(self, "--yes", "store")
        terminal.until(rb"> ")
        terminal.type("FLUSHALL\n")
        terminal.until(rb"\r\nOK\r\n")
        terminal.type("EXIT\n")
        self.assertEqual(terminal.ends(), 0)

    def test_the_transcript_works_to_the_letter(self):
        terminal = Terminal(self, "--file", "data.json")
        terminal.until(rb"> ")
        for command, answer in TRANSCRIPT:
            terminal.type(command + "\n")
            wanted = answer.replace("\n", "\r\n").encode()
            terminal.until(rb"\n" + re.escape(wanted) + rb"\r\n")
            if command != "EXIT":
                terminal.until(rb"> ")
        self.assertEqual(terminal.ends(), 0)
        self.assertEqual(self.load("data.json")["data"], {"user:2": "Bob"})

    def test_the_prompt_names_the_database(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        terminal.type("SELECT 3\n")
        terminal.until(rb"OK\r\n")
        terminal.until(rb"\[3\]> ")
        terminal.type("EXIT\n")
        terminal.until(rb"Goodbye!")
        self.assertEqual(terminal.ends(), 0)

    def test_tab_completes_and_ctrl_c_drops_the_line(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        terminal.type("getr\t")
        terminal.until(rb"ange")
        terminal.type("\x03")
        terminal.until(rb"> ")
        terminal.type("SNAP\t x.json\n")
        terminal.until(rb"Saved snapshot to x.json\r\n")
        terminal.type("EXIT\n")
        terminal.until(rb"Goodbye!")
        self.assertEqual(terminal.ends(), 0)

    def test_a_blank_brings_the_syntax_as_a_hint(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        terminal.type("GETRANGE ")
        terminal.until(rb"start end")
        terminal.type("\x03")
        terminal.type("EXIT\n")
        terminal.until(rb"Goodbye!")
        self.assertEqual(terminal.ends(), 0)

    def test_a_hint_leaves_nothing_behind(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        terminal.type("SET ")
        # Cut to the window's width when it does not fit; the cursor goes back before it.
        terminal.until(rb"\x1b7\x1b\[2mkey value [^\x1b]*\.\.\.\x1b\[0m\x1b8")
        terminal.type("k")
        # Wiped before the key is shown, which is not dim.
        terminal.until(rb"\x1b\[Kk")
        terminal.type("\x03")
        terminal.type("EXIT\n")
        terminal.until(rb"Goodbye!")
        self.assertEqual(terminal.ends(), 0)

    def test_the_end_of_input_leaves_and_saves(self):
        terminal = Terminal(self, "--file", "d.json")
        terminal.until(rb"> ")
        terminal.type("SET a 1\n")
        terminal.until(rb"OK\r\n")
        terminal.until(rb"> ")
        terminal.type("\x04")
        terminal.until(rb"Goodbye!")
        self.assertEqual(terminal.ends(), 0)
        self.assertEqual(self.load("d.json")["data"], {"a": "1"})

    def test_history_is_kept_without_passwords(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        for line in ["SET remembered 1", "AUTH hunter2", "EXIT"]:
            terminal.type(line + "\n")
            terminal.until(rb"(OK|error|Goodbye!)[^\n]*\r\n")
        self.assertEqual(terminal.ends(), 0)
        path = self.path(".stave_history")
        with open(path, encoding="utf-8") as file:
            history = file.read()
        self.assertIn("remembered", history)
        self.assertNotIn("hunter2", history)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_values_cannot_steer_the_terminal(self):
        terminal = Terminal(self, "store")
        terminal.until(rb"> ")
        terminal.type('SET a "\\x1b[2J"\n')
        terminal.until(rb"OK\r\n")
        terminal.type("GET a\n")
        terminal.until(rb"\n\\x1b\[2J\r\n")
        terminal.type("EXIT\n")
        terminal.until(rb"Goodbye!")
        self.assertEqual(terminal.ends(), 0)


class OnServer(Case):
    def serve(self, *args):
        port = free_port()
        server = subprocess.Popen([STAVE, "serve", "--dir", self.path("served"), "--port", str(port), "--http-port", "0", *args],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.cwd, env=self.env)

        def stop():
            server.terminate()
            server.wait(DEADLINE)

        self.addCleanup(stop)
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return f"127.0.0.1:{port}"
            except OSError:
                if server.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def test_commands_go_to_the_server(self):
        address = self.serve()
        out = self.text("--connect", address, input="SET a 1\nINCR a\nKEYS *\nDELETE a\nDELETE a\nEXIT\n")
        self.assertEqual(out, "OK\n(integer) 2\na\nOK\n(not found)\nGoodbye!\n")
        self.assertEqual(self.text("--connect", address, "-n", "2", "SET", "b", "x"), "OK\n")
        self.assertEqual(self.text("--connect", address, "GET", "b"), "(nil)\n")
        self.assertIn("(error)", self.text("--connect", address, "INCR", code=1))

    def test_a_password_is_asked_for_and_taken(self):
        address = self.serve("--requirepass", "secret")
        self.assertEqual(self.text("--connect", address, "--password", "secret", "PING"), "PONG\n")
        self.env["STAVE_PASSWORD"] = "secret"
        self.assertEqual(self.text("--connect", address, "PING"), "PONG\n")
        self.env["STAVE_PASSWORD"] = "wrong"
        self.shell("--connect", address, "PING", code=1)

    def test_hot_keys_are_watched_for(self):
        address = self.serve()
        host, port = address.split(":")
        with socket.create_connection((host, int(port))) as connection:
            stop = threading.Event()

            def load():
                while not stop.is_set():
                    connection.sendall(b"SET hot " + b"x" * 1000 + b"\r\n" + b"GET cold\r\n")
                    connection.recv(100)

            thread = threading.Thread(target=load)
            thread.start()
            try:
                told = self.text("--connect", address, "--hotkeys", "-i", "0.5")
            finally:
                stop.set()
                thread.join()
        self.assertIn("By microseconds", told)
        self.assertRegex(told.split("By bytes")[1], r" \d\d\.\d %  hot\n")
        self.assertRegex(self.text("--connect", address, "--latency", "-i", "0.1"), "min .* answers")
        # What somebody else began is left alone.
        self.text("--connect", address, "HOTKEYS", "START", "METRICS", "1", "NET")
        self.assertIn("By bytes", self.text("--connect", address, "--hotkeys", "-i", "0.1"))
        self.assertIn("in progress", self.text("--connect", address, "HOTKEYS", "RESET", code=1))

    def test_nobody_there_is_an_error(self):
        self.shell("--connect", f"127.0.0.1:{free_port()}", "PING", code=1)
        self.assertIn("cannot connect", self.stderr)

    def test_the_client_example_works_against_it(self):
        example = os.path.join(os.path.dirname(STAVE), "examples", "example_client")
        if not os.path.exists(example):
            self.skipTest("the examples were not built")
        host, port = self.serve().split(":")
        out = subprocess.run([example, host, port], capture_output=True, timeout=DEADLINE, check=True).stdout
        self.assertEqual(out, b"user:1 is Alice\n5 bytes\nvisits: 100\n")


if __name__ == "__main__":
    unittest.main()
