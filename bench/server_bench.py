#!/usr/bin/env python3
"""The server beside redis-server, in one run: rates, CPU time per operation, memory per key, time to open.

    bench/server_bench.py --stave build/bench/stave [--keys 5000000] [--rounds 3] [--scale 1.0] [--only throughput,…]

Both servers run at once on ports of their own and are measured in turn, A B A B; figures are medians. CPU time is
user + system of the server process, from /proc, divided by the number of requests, and so says nothing about the client.
"""

import argparse
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

PARTS = ("throughput", "commands", "collections", "always", "memory", "json")
TICKS = 100  # of /proc/*/stat per second, fixed by the kernel's interface


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process with its data in a folder of its own."""

    def __init__(self, name, command, folder):
        self.name, self.folder, self.port = name, folder, free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self.command = [word.format(dir=folder, port=self.port) for word in command]
        self.process = None

    def start(self, timeout=300):
        """Returns the seconds until it answered."""
        begin = time.monotonic()
        self.log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log)
        while time.monotonic() - begin < timeout:
            if self.process.poll() is not None:
                sys.exit("%s ended: %s" % (self.name, (self.folder / "server.log").read_text(errors="replace")[-2000:]))
            try:
                if self.call("PING").startswith(b"+PONG"):
                    return time.monotonic() - begin
            except OSError:
                pass
            time.sleep(0.005)
        sys.exit("%s does not answer" % self.name)

    def call(self, *words):
        with socket.create_connection(("127.0.0.1", self.port), timeout=120) as connection:
            connection.sendall(request(*[str(word).encode() for word in words]))
            return connection.recv(65536)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=300)
        self.log.close()

    def cpu(self):
        """User and system seconds so far."""
        fields = pathlib.Path("/proc/%d/stat" % self.process.pid).read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self):
        for line in pathlib.Path("/proc/%d/status" % self.process.pid).read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        return 0

    def keys(self):
        return int(self.call("DBSIZE")[1:])


def request(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def load(server, count, value_bytes):
    """Sets key:000000000000 and so on, in pipelines."""
    value = b"x" * value_bytes
    pattern = b"*3\r\n$3\r\nSET\r\n$16\r\nkey:%%012d\r\n$%d\r\n%s\r\n" % (value_bytes, value)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        for first in range(0, count, 5000):
            block = range(first, min(first + 5000, count))
            connection.sendall(b"".join([pattern % i for i in block]))
            left = 5 * len(block)
            while left > 0:
                reply = connection.recv(min(left, 1 << 16))
                if not reply or reply[:1] == b"-":
                    sys.exit("%s refused a SET: %r" % (server.name, reply[:200]))
                left -= len(reply)


VALUE = "v" * 64
# What redis-benchmark has no test of its own for: name, the call, how many keys it has.
COMMANDS = (
    ("INCR", "INCR counter:__rand_int__", 1),
    ("APPEND", "APPEND text:__rand_int__ x", 1),
    ("SETEX", "SETEX key:__rand_int__ 1000 " + VALUE, 1),
    ("DEL", "DEL key:__rand_int__", 1),
    ("HSET", "HSET hash:__rand_int__ field " + VALUE, 1),
    ("MSET of 10", "MSET" + (" key:__rand_int__ " + VALUE) * 10, 10),
    ("MGET of 10", "MGET" + " key:__rand_int__" * 10, 10),
)
# One key of many elements, and what is to be reached: name, the call, the ratio.
COLLECTIONS = (
    ("HSET", "HSET hash field:__rand_int__ " + "v" * 32, 0.4),
    ("HGET", "HGET hash field:__rand_int__", 0.4),
    ("SADD", "SADD set member:__rand_int__", 0.4),
    ("LPUSH", "LPUSH list " + "e" * 32, 0.8),
    ("ZADD", "ZADD zset __rand_int__ member:__rand_int__", 0.35),
    ("ZSCORE", "ZSCORE zset member:__rand_int__", 0.4),
    ("ZRANK", "ZRANK zset member:__rand_int__", 0.4),
    ("LRANGE of 100", "LRANGE list 1000 1099", 0.5),
    ("ZRANGE of 100", "ZRANGE zset 1000 1099", 0.5),
)


def benchmark_call(server, call, requests, pipeline, keys, clients=50):
    """As `benchmark`, of a call that is given whole. Its keys are drawn from `keys`."""
    before = server.cpu()
    begin = time.monotonic()
    subprocess.run(
        ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-n", str(requests), "-P", str(pipeline), "-c", str(clients),
         "-r", str(keys), "-q"] + call.split(),
        capture_output=True, text=True, check=True,
    )
    return requests / (time.monotonic() - begin), (server.cpu() - before) * 1e6 / requests


def benchmark(server, test, requests, pipeline, keys, clients=50, value_bytes=64):
    """(requests per second, microseconds of server CPU per request) of one redis-benchmark run."""
    before = server.cpu()
    answer = subprocess.run(
        ["redis-benchmark", "-h", "127.0.0.1", "-p", str(server.port), "-t", test, "-n", str(requests), "-P", str(pipeline),
         "-c", str(clients), "-r", str(keys), "-d", str(value_bytes), "--csv"],
        capture_output=True, text=True, check=True,
    )
    row = [line for line in answer.stdout.splitlines() if line.upper().startswith('"%s"' % test.upper())]
    if not row:
        sys.exit("redis-benchmark said: %s%s" % (answer.stdout, answer.stderr))
    return float(row[-1].split(",")[1].strip('"')), (server.cpu() - before) * 1e6 / requests


class Report:
    def __init__(self):
        self.targets = []

    def row(self, what, text):
        print("%-34s %s" % (what, text), flush=True)

    def target(self, what, value, bar, at_least):
        self.targets.append((what, value, bar, value >= bar if at_least else value <= bar, ">=" if at_least else "<="))

    def finish(self):
        print("\n%-58s %10s %9s" % ("target", "bar", "measured"))
        for what, value, bar, reached, sign in self.targets:
            print("%-58s %s %7.2f %9.2f  %s" % (what, sign, bar, value, "ok" if reached else "not reached"))


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder, self.report, self.count = options, folder, Report(), 0

    def stave(self, sync):
        self.count += 1
        return Server("stave %s" % sync, [self.options.stave, "serve", "--dir", "{dir}", "--port", "{port}", "--http-port", "0", "--sync", sync]
                      + self.options.stave_args.split(), self.folder / ("stave-%d" % self.count))

    def redis(self, name, *extra):
        self.count += 1
        return Server("redis %s" % name, ["redis-server", "--port", "{port}", "--dir", "{dir}", "--bind", "127.0.0.1", "--save", ""]
                      + list(extra), self.folder / ("redis-%d" % self.count))

    def in_turn(self, servers, measure):
        """Runs `measure` on the servers one after the other, several rounds; medians of (rate, cpu) per server."""
        samples = [[] for _ in servers]
        for _ in range(self.options.rounds):
            for index, server in enumerate(servers):
                samples[index].append(measure(server))
        return [(statistics.median(s[0] for s in rows), statistics.median(s[1] for s in rows)) for rows in samples]

    def compare(self, what, servers, measure):
        medians = self.in_turn(servers, measure)
        self.report.row(what, "   ".join("%s %9.0f/s %6.2f us CPU" % (s.name, m[0], m[1]) for s, m in zip(servers, medians)))
        return medians

    def throughput(self):
        keys, scale = 1000000, self.options.scale
        servers = [self.stave("os"), self.redis("AOF everysec", "--appendonly", "yes", "--appendfsync", "everysec",
                                                "--auto-aof-rewrite-percentage", "0")]
        for server in servers:
            server.start()
            load(server, keys, 64)
        for test in ("get", "set"):
            for pipeline, requests in ((1, 200000), (16, 2000000), (64, 4000000)):
                ours, theirs = self.compare("%s, 50 clients, pipeline %d" % (test.upper(), pipeline), servers,
                                            lambda server: benchmark(server, test, int(requests * scale), pipeline, keys))
                if pipeline == 1:
                    self.report.target("%s/s at pipeline 1 beside redis-server" % test.upper(), ours[0] / theirs[0], 1.0, True)
                if pipeline == 64:
                    self.report.target("CPU per %s at pipeline 64 beside redis-server" % test.upper(), ours[1] / theirs[1],
                                       0.35 if test == "get" else 0.4, False)
        for server in servers:
            server.stop()

    def commands(self):
        """What changes a key that it looks at first, and several keys at once; redis-server without persistence."""
        keys, pipeline = 1000000, 64
        servers = [self.stave("os"), self.redis("no AOF")]
        for server in servers:
            server.start()
            load(server, keys, 64)
        for name, call, count in COMMANDS:
            requests = int(2000000 / count * self.options.scale)

            def measure(server):
                if name == "DEL":  # of keys that are there, as long as there are any
                    load(server, keys, 64)
                return benchmark_call(server, call, min(requests, keys) if name == "DEL" else requests, pipeline, keys)

            ours, theirs = self.compare("%s, 50 clients, pipeline %d" % (name, pipeline), servers, measure)
            self.report.target("CPU per %s at pipeline %d beside redis-server" % (name, pipeline), ours[1] / theirs[1], 0.4, False)
        for server in servers:
            server.stop()

    def collections(self):
        """One key of up to a million elements, drawn at random; redis-server without persistence. The first round fills it."""
        servers = [self.stave("os"), self.redis("no AOF")]
        for server in servers:
            server.start()
        for name, call, ratio in COLLECTIONS:
            requests = int((100000 if name.endswith("100") else 1000000) * self.options.scale)

            def measure(server):
                return benchmark_call(server, call, requests, 64, int(1000000 * self.options.scale))

            ours, theirs = self.compare("%s, one key, 50 clients, pipeline 64" % name, servers, measure)
            self.report.target("CPU per %s of one key beside redis-server" % name, ours[1] / theirs[1], ratio, False)
        for server in servers:
            server.stop()

    def always(self):
        servers = [self.stave("always"), self.redis("AOF always", "--appendonly", "yes", "--appendfsync", "always"), self.stave("os")]
        for server in servers:
            server.start()
        always, redis, relaxed = self.compare("SET, 50 clients, pipeline 16", servers,
                                              lambda server: benchmark(server, "set", int(400000 * self.options.scale), 16, 1000000))
        self.report.target("SET/s at sync=always beside appendfsync always", always[0] / redis[0], 1.3, True)
        self.report.target("SET/s at sync=always beside our sync=os", always[0] / relaxed[0], 0.8, True)
        for server in servers:
            server.stop()

    def memory(self):
        per_key, opened = [], []
        for server in (self.stave("os"), self.redis("no AOF")):
            server.start()
            begin = time.monotonic()
            load(server, self.options.keys, 64)
            seconds = time.monotonic() - begin
            keys, resident = server.keys(), server.resident()
            per_key.append(resident / keys)
            self.report.row("memory, %s" % server.name, "%d keys, %.1f MB resident, %.1f bytes per key (loaded in %.0f s)"
                            % (keys, resident / 1e6, resident / keys, seconds))
            if server.name.startswith("redis"):
                server.call("SAVE")
            server.stop()
            opened.append(server.start())
            if server.keys() != keys:
                sys.exit("%s came back with %d keys" % (server.name, server.keys()))
            self.report.row("open after %d keys, %s" % (keys, server.name), "%.2f s" % opened[-1])
            server.stop()
        self.report.target("memory per key beside redis-server", per_key[0] / per_key[1], 0.55, False)

    def json(self):
        path = self.folder / "data.json"
        script = b"".join(b"SET key:%012d value:%058d\n" % (i, i) for i in range(100000)) + b"SNAPSHOT\nEXIT\n"
        seconds = []
        for _ in range(self.options.rounds):
            path.unlink(missing_ok=True)
            begin = time.monotonic()
            subprocess.run([self.options.stave, "shell", "--file", str(path)], input=script, stdout=subprocess.DEVNULL, check=True)
            all_of_it = time.monotonic() - begin
            begin = time.monotonic()
            subprocess.run([self.options.stave, "shell", "--file", str(path)], input=b"SNAPSHOT\nEXIT\n", stdout=subprocess.DEVNULL, check=True)
            seconds.append(time.monotonic() - begin)
        self.report.row("JSON file of 100K entries", "%.2f s to load and write it twice (SNAPSHOT, EXIT); 100K SETs typed in and written %.2f s; %.1f MB"
                        % (statistics.median(seconds), all_of_it, path.stat().st_size / 1e6))
        self.report.target("100K entries into a JSON file, seconds", statistics.median(seconds), 1.0, False)

    def run(self):
        for part in self.options.only.split(","):
            getattr(self, part)()
        self.report.finish()


def main():
    parser = argparse.ArgumentParser(description="the server beside redis-server")
    parser.add_argument("--stave", required=True, help="the program")
    parser.add_argument("--stave-args", default="", help="more options for `stave serve`")
    parser.add_argument("--keys", type=int, default=5000000, help="for memory and open time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual number of requests")
    parser.add_argument("--only", default=",".join(PARTS), help="parts: " + ", ".join(PARTS))
    parser.add_argument("--dir", type=pathlib.Path, help="where the data lie (default: a temporary folder)")
    options = parser.parse_args()
    version = subprocess.run(["redis-server", "--version"], capture_output=True, text=True, check=True).stdout.split()[2]
    print("server: beside redis-server %s, 16 B keys, 64 B values, medians of %d rounds\n" % (version, options.rounds))
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        Bench(options, pathlib.Path(folder)).run()


if __name__ == "__main__":
    main()
