"""Runs Valkey's own test suite against a server of this build, unit by unit, and tells what differs.

Usage: STAVE_BIN=<path to stave> python3 valkey_suite.py --checkout <valkey 8.0> [--units unit/type/list,unit/multi] [--known FILE]

The checkout is yours (git clone --branch 8.0 https://github.com/valkey-io/valkey); nothing of it is kept here. Each unit meets a
fresh server, in the suite's external mode, without what its tags say needs a replica, DEBUG or the server's own files. Lines of
--known (valkey_known.txt beside this file) are failures that docs/redis-differences.md gives reasons for; the exit code is 1 if
there are others.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

STAVE = os.environ.get("STAVE_BIN", "build/stave")
UNITS = """unit/type/string unit/type/incr unit/type/hash unit/type/list unit/type/list-2 unit/type/list-3 unit/type/set
unit/type/zset unit/type/stream unit/type/stream-cgroups unit/keyspace unit/sort unit/scan unit/expire unit/dump unit/auth
unit/protocol unit/quit unit/info unit/acl unit/acl-v2 unit/multi unit/pubsub unit/pubsubshard unit/scripting unit/functions
unit/bitops unit/bitfield unit/geo unit/hyperloglog unit/other unit/querybuf unit/introspection unit/introspection-2 unit/slowlog
unit/latency-monitor unit/limits unit/networking unit/pause unit/tracking unit/obuf-limits unit/lazyfree unit/maxmemory
unit/client-eviction unit/violations unit/wait unit/info-command unit/info-keysizes unit/replybufsize""".split()
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="stave-suite-")
        self.port = free_port()
        self.log = open(os.path.join(self.directory, "log"), "w")
        self.process = subprocess.Popen(
            [STAVE, "serve", "--port", str(self.port), "--http-port", "0", "--dir", os.path.join(self.directory, "data"), "--sync", "os"],
            stdout=subprocess.DEVNULL, stderr=self.log)
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def end(self):
        died = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory)
        return died


def run_unit(checkout, unit, seconds):
    """(passed, failures): a failure is its unit and the test's name, or what ended the unit."""
    server = Server()
    command = ["./runtest", "--host", "127.0.0.1", "--port", str(server.port), "--single", unit, "--ignore-encoding", "--tags", "-needs:repl -needs:debug"]
    runner = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True)
    try:
        text = COLOUR.sub("", runner.communicate(timeout=seconds)[0])
    except subprocess.TimeoutExpired:
        os.killpg(runner.pid, signal.SIGKILL)  # its own children as well
        text = COLOUR.sub("", runner.communicate()[0]) + "\n[exception]: the unit took more than %d s" % seconds
    died = server.end()
    failures = []
    if died is not None:
        failures.append("%s: the server ended with %d" % (unit, died))
    for line in text.splitlines():
        if line.startswith("[err]:"):
            failures.append("%s: %s" % (unit, line[7:].split(" in tests/unit")[0].split("\n")[0]))
        elif line.startswith("[exception]:"):
            failures.append("%s: %s" % (unit, line))
    return len(re.findall(r"^\[ok\]", text, re.MULTILINE)), failures, text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--checkout", required=True, type=pathlib.Path)
    parser.add_argument("--units", default=",".join(UNITS))
    parser.add_argument("--known", type=pathlib.Path, default=pathlib.Path(__file__).with_name("valkey_known.txt"))
    parser.add_argument("--logs", type=pathlib.Path, help="where each unit's output is kept")
    parser.add_argument("--seconds", type=int, default=600, help="how long a unit may take")
    options = parser.parse_args()
    known = set()
    if options.known.exists():
        known = {line.strip() for line in options.known.read_text().splitlines() if line.strip() and not line.startswith("#")}
    passed, failed, new = 0, 0, []
    for unit in options.units.split(","):
        if not (options.checkout / "tests" / (unit + ".tcl")).exists():
            continue
        ok, failures, text = run_unit(options.checkout, unit, options.seconds)
        if options.logs:
            options.logs.mkdir(parents=True, exist_ok=True)
            (options.logs / (unit.replace("/", "_") + ".log")).write_text(text)
        passed += ok
        failed += len(failures)
        print("%-28s %4d passed, %d failed" % (unit, ok, len(failures)), flush=True)
        for failure in failures:
            if failure not in known:
                new.append(failure)
                print("  " + failure, flush=True)
    print("%d passed, %d failed, of which %d are not known" % (passed, failed, len(new)))
    return 1 if new else 0


if __name__ == "__main__":
    sys.exit(main())
