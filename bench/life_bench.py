#!/usr/bin/env python3
"""Restart, and what looking after the data costs, beside redis-server.

    bench/life_bench.py --stave build/bench/stave [--keys 5000000] [--dir DIR] [--part restart|upkeep] [--rounds 3]

Restart: from the start of the process to the first correct read. Redis loads its RDB, then its AOF; Stave is stopped in good
order, and then killed. Upkeep: latency of SET (redis-benchmark, 16 clients) while Redis runs BGSAVE or BGREWRITEAOF and while
Stave takes a snapshot, writes an image and cleans, and how much memory each takes meanwhile.
"""

import argparse
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from server_bench import free_port

VALUE = 100


def request(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


class Server:
    def __init__(self, name, command, folder):
        self.name, self.folder, self.port = name, folder, free_port()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.command = [word.format(dir=folder, port=self.port) for word in command]
        self.process = None

    def start(self, key=None, extra=()):
        """Returns the seconds until it answered, with the right value if a key is given."""
        begin = time.monotonic()
        log = open(self.folder / "server.log", "ab")
        self.process = subprocess.Popen(self.command + list(extra), stdout=log, stderr=log)
        while time.monotonic() - begin < 600:
            if self.process.poll() is not None:
                sys.exit("%s ended: %s" % (self.name, (self.folder / "server.log").read_text(errors="replace")[-2000:]))
            try:
                answer = self.call("GET", key) if key else self.call("PING")
                if answer.startswith(b"$%d" % VALUE if key else b"+PONG"):
                    return time.monotonic() - begin
            except OSError:
                pass
            time.sleep(0.002)
        sys.exit("%s does not answer" % self.name)

    def call(self, *words, timeout=600):
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            connection.sendall(request(*words))
            answer = connection.recv(65536)
            while answer.startswith(b"$") and b"\r\n" in answer:
                head, rest = answer.split(b"\r\n", 1)
                if int(head[1:]) < 0 or len(rest) >= int(head[1:]) + 2:
                    break
                answer += connection.recv(65536)
            return answer

    def info(self, field):
        found = re.search(rb"^%s:(.*?)\r?$" % field.encode(), self.call("INFO"), re.M)
        return found.group(1).decode() if found else ""

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait()

    def memory(self):
        """Bytes that are the process's own, its children's included."""
        total = 0
        children = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        for pid in [str(self.process.pid)] + children.stdout.split():
            try:
                text = pathlib.Path("/proc/%s/smaps_rollup" % pid).read_text()
                total += sum(int(n) for n in re.findall(r"^Private_\w+:\s+(\d+) kB", text, re.M)) * 1024
            except OSError:
                pass
        return total


def fill(server, keys):
    """Through redis-cli --pipe, in the order of the keys."""
    pipe = subprocess.Popen(["redis-cli", "-p", str(server.port), "--pipe"], stdin=subprocess.PIPE,
                            stdout=subprocess.DEVNULL)
    for first in range(0, keys, 10_000):
        pipe.stdin.write(b"".join(request(b"SET", b"key:%012d" % i, (b"%09d" % i) * 11 + b"x")
                                  for i in range(first, min(first + 10_000, keys))))
    pipe.stdin.close()
    pipe.wait()


def restart(stave, redis, keys):
    probe = "key:%012d" % (keys // 2)
    redis.call("SAVE")
    redis.end()
    rdb = redis.start(probe)
    redis.call("CONFIG", "SET", "appendonly", "yes")
    time.sleep(1)
    while redis.info("aof_rewrite_in_progress") != "0":
        time.sleep(0.2)
    redis.end()
    aof = redis.start(probe, ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])
    stave.end()
    clean = stave.start(probe)
    stave.end(signal.SIGKILL)
    killed = stave.start(probe)
    print("restart, %d keys: redis RDB %.2f s, AOF (RDB preamble) %.2f s; stave %.3f s, after kill -9 %.3f s; "
          "%.0fx sooner than the faster" % (keys, rdb, aof, clean, killed, min(rdb, aof) / clean))


def latencies(server, keys, seconds):
    """p50, p99, p99.9 in ms and the rate of SETs over all keys."""
    count = max(20_000, int(seconds * 60_000))
    out = subprocess.run(["redis-benchmark", "-p", str(server.port), "-c", "16", "-n", str(count), "-r", str(keys), "-d",
                          str(VALUE), "SET", "key:__rand_int__", "x" * VALUE], capture_output=True, text=True,
                         check=True).stdout
    spread = [(float(p), float(ms)) for p, ms in re.findall(r"^([\d.]+)% <= ([\d.]+) milliseconds", out, re.M)]
    rate = float(re.search(r"throughput summary: ([\d.]+)", out).group(1))
    at = lambda wanted: next((ms for p, ms in spread if p >= wanted), spread[-1][1])
    return at(50), at(99), at(99.9), rate


def under(server, begin, keys, seconds):
    """Latencies as above while `begin` is called again and again, and the most memory the server took."""
    peak = [0]
    stop = threading.Event()

    def watch():
        while not stop.wait(0.05):
            peak[0] = max(peak[0], server.memory())

    def keep_going():
        while not stop.is_set():
            begin()
            time.sleep(0.2)

    threads = [threading.Thread(target=watch)] + ([threading.Thread(target=keep_going)] if begin else [])
    for thread in threads:
        thread.start()
    result = latencies(server, keys, seconds)
    stop.set()
    for thread in threads:
        thread.join()
    return result, peak[0]


def settle(server):
    """Until its memory stands still: after a restart Stave brings values back."""
    last = -1
    while abs(server.memory() - last) > 1 << 20:
        last = server.memory()
        time.sleep(1)


def upkeep(stave, redis, options):
    settle(stave)
    settle(redis)

    def calls(server, *commands):
        return lambda: [server.call(command) for command in commands]

    runs = [(redis, "alone", None), (stave, "alone", None), (redis, "BGSAVE, no log", calls(redis, "BGSAVE")),
            (redis, "BGSAVE", calls(redis, "BGSAVE")), (stave, "snapshot", calls(stave, "BGSAVE")), (stave, "image", calls(stave, "STAVE.CHECKPOINT")),
            (redis, "BGREWRITEAOF", calls(redis, "BGREWRITEAOF")), (stave, "cleaner", calls(stave, "STAVE.CLEAN")),
            (stave, "snapshot, image, cleaner", calls(stave, "BGSAVE", "STAVE.CHECKPOINT", "STAVE.CLEAN"))]
    before = {server: server.memory() for server in (stave, redis)}
    best = {}
    most = {}
    for _ in range(options.rounds):
        for server, name, begin in runs:
            # Both keep a log (Redis its append-only file, synced every second), but where it is said that Redis does not.
            if server is redis:
                redis.call("CONFIG", "SET", "appendonly", "no" if name == "BGSAVE, no log" else "yes")
                while redis.info("aof_rewrite_in_progress") != "0" or redis.info("rdb_bgsave_in_progress") != "0":
                    time.sleep(0.1)
            result, peak = under(server, begin, options.keys, options.seconds)
            held = best.get((server, name), result)
            best[server, name] = (*map(min, held[:3], result[:3]), max(held[3], result[3]))
            most[server, name] = max(most.get((server, name), 0), peak)
    print("SET, 16 clients, the best figures of %d rounds:" % options.rounds)
    for server, name, _ in runs:
        print("  %-6s %-25s p50 %.2f, p99 %.2f, p99.9 %.2f ms, %.0f/s, memory +%.1f %%"
              % (server.name, name, *best[server, name], 100 * (most[server, name] / before[server] - 1)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stave", required=True)
    parser.add_argument("--dir", default="life-data")
    parser.add_argument("--keys", type=int, default=5_000_000)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--part", choices=("restart", "upkeep"))
    parser.add_argument("--rounds", type=int, default=1)
    options, _ = parser.parse_known_args()
    root = pathlib.Path(options.dir).resolve()
    stave = Server("stave", [str(pathlib.Path(options.stave).resolve()), "serve", "--dir", "{dir}/data", "--port", "{port}",
                             "--http-port", "0", "--sync", "os"], root / "stave-server")
    redis = Server("redis", ["redis-server", "--port", "{port}", "--dir", "{dir}", "--save", "", "--appendonly", "no"],
                   root / "redis-server")
    try:
        stave.start()
        redis.start()
        fill(stave, options.keys)
        fill(redis, options.keys)
        if options.part != "upkeep":
            restart(stave, redis, options.keys)
        if options.part != "restart":
            upkeep(stave, redis, options)
    finally:
        for server in (stave, redis):
            if server.process is not None and server.process.poll() is None:
                server.end(signal.SIGKILL)
            shutil.rmtree(server.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
