#!/usr/bin/env python3
"""CPU per call of streams, HyperLogLogs and bitmaps beside redis-server: seconds of both processes for the same calls, one after the other.

Usage: STAVE_BIN=<path to stave> python3 types_bench.py [calls]. Needs redis-server; both listen on free loopback ports and end with it.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
PIPELINE = 50


def encode(words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Peer:
    def __init__(self, command):
        self.directory = tempfile.mkdtemp(prefix="stave-bench-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen(command(self.directory, str(port)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
                break
            except OSError:
                time.sleep(0.1)
        self.socket.settimeout(60)

    def cpu(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def run(self, calls):
        """Sends them in pipelines, each ended by an ECHO whose answer ends the reading: answers of any form may come before it."""
        before = self.cpu()
        for begin in range(0, len(calls), PIPELINE):
            mark = b"end-of-%d-" % begin
            self.socket.sendall(b"".join(calls[begin:begin + PIPELINE]) + encode(["ECHO", mark]))
            tail = b""
            while not tail.endswith(mark + b"\r\n"):
                tail = tail[-64:] + self.socket.recv(1 << 20)
        return self.cpu() - before

    def end(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def cases(calls):
    entries = [encode(["XADD", "s", "*", "field", "value %d" % i, "other", i]) for i in range(calls)]
    yield "XADD", [], entries
    # What follows reads that stream.
    yield "XREAD of 100", [], [encode(["XREAD", "COUNT", 100, "STREAMS", "s", "0"])] * (calls // 10)
    given = [encode(["XADD", "g", "%d-0" % (i + 1), "field", "value %d" % i]) for i in range(calls)]
    delivered = []
    for i in range(calls // 2):
        delivered += [encode(["XREADGROUP", "GROUP", "g", "c", "COUNT", 1, "STREAMS", "g", ">"]), encode(["XACK", "g", "g", "%d-0" % (i + 1)])]
    yield "XREADGROUP of 1 and XACK", given + [encode(["XGROUP", "CREATE", "g", "g", 0])], delivered
    yield "PFADD", [], [encode(["PFADD", "h", "element %d" % i]) for i in range(calls)]
    yield "PFCOUNT of one that is known", [], [encode(["PFCOUNT", "h"])] * calls
    yield "PFADD and PFCOUNT", [], [call for i in range(calls // 20) for call in (encode(["PFADD", "h", "more %d" % i]), encode(["PFCOUNT", "h"]))]
    yield "SETBIT in 1 MB", [encode(["SETBIT", "b", 8_000_000, 1])], [encode(["SETBIT", "b", i * 7919 % 8_000_000, 1]) for i in range(calls // 10)]


def main():
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    stave = Peer(lambda directory, port: [os.environ["STAVE_BIN"], "serve", "--dir", directory, "--port", port, "--threads", "1", "--sync", "os"])
    redis = Peer(lambda directory, port: ["redis-server", "--port", port, "--dir", directory, "--save", "", "--appendonly", "yes", "--appendfsync", "no"])
    try:
        print("%-32s%12s%12s%8s" % ("CPU, microseconds per call", "stave", "redis", "ratio"))
        for name, before, work in cases(calls):
            used = []
            for peer in (stave, redis):
                peer.run(before)
                used.append(peer.run(work) / len(work) * 1e6)
            ratio = "%8.2f" % (used[0] / used[1]) if used[1] else "%8s" % "-"
            print("%-32s%12.2f%12.2f%s" % (name, *used, ratio), flush=True)
    finally:
        stave.end()
        redis.end()


if __name__ == "__main__":
    main()
