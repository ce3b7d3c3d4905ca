#!/usr/bin/env python3
"""CPU per call of streams, HyperLogLogs, bitmaps and large strings beside redis-server: seconds of both processes for the same calls, one after
the other; and how many bytes of log a call took.

Usage: STAVE_BIN=<path to stave> python3 types_bench.py [calls [part of the names]]. Needs redis-server; both listen on free loopback ports and end with it.
"""

import os
import random
import re
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

    def logged(self):
        self.socket.sendall(encode(["INFO", "everything"]) + encode(["ECHO", b"end-of-info"]))
        answer = b""
        while not answer.endswith(b"end-of-info\r\n"):
            answer += self.socket.recv(1 << 20)
        found = re.search(rb"stave_log_tail:(\d+)", answer)
        return int(found.group(1)) if found else 0

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
    generator = random.Random(1)
    size = 64 << 20
    # The first change of a part is that of the preparation: it lays a string out in pages.
    large = [encode(["SET", "l", generator.randbytes(size)]), encode(["SETRANGE", "l", 0, "x"])]
    yield "SETBIT in 64 MB", large, [encode(["SETBIT", "l", generator.randrange(size * 8), generator.randrange(2)]) for _ in range(calls)]
    yield "SETRANGE of 20 in 64 MB", [], [encode(["SETRANGE", "l", generator.randrange(size - 20), "x" * 20]) for _ in range(calls)]
    yield "BITFIELD INCRBY in 64 MB", [], [encode(["BITFIELD", "l", "INCRBY", "u16", "#%d" % generator.randrange(size // 2), 1]) for _ in range(calls)]
    yield "GETBIT in 64 MB", [], [encode(["GETBIT", "l", generator.randrange(size * 8)]) for _ in range(calls)]
    yield "GETRANGE of 100 in 64 MB", [], [encode(["GETRANGE", "l", at, at + 99]) for at in (generator.randrange(size) for _ in range(calls))]
    yield "BITCOUNT of 64 MB", [], [encode(["BITCOUNT", "l"])] * 100
    yield "GET of 64 MB", [], [encode(["GET", "l"])] * 10
    yield "APPEND of 20 to 64 MB", [], [encode(["APPEND", "l", "x" * 20])] * calls
    yield "BITCOUNT of 64 MB in one piece", [encode(["SET", "w", generator.randbytes(size)])], [encode(["BITCOUNT", "w"])] * 100


def main():
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    stave = Peer(lambda directory, port: [os.environ["STAVE_BIN"], "serve", "--dir", directory, "--port", port, "--threads", "1", "--sync", "os"])
    redis = Peer(lambda directory, port: ["redis-server", "--port", port, "--dir", directory, "--save", "", "--appendonly", "yes", "--appendfsync", "no"])
    try:
        print("%-32s%12s%12s%8s%10s" % ("CPU, microseconds per call", "stave", "redis", "ratio", "logged"))
        for name, before, work in cases(calls):
            if only not in name:
                continue
            used = []
            bytes_per_call = 0
            for peer in (stave, redis):
                peer.run(before)
                begin = peer.logged()
                used.append(peer.run(work) / len(work) * 1e6)
                bytes_per_call = bytes_per_call or (peer.logged() - begin) / len(work)
            ratio = "%8.2f" % (used[0] / used[1]) if used[1] else "%8s" % "-"
            print("%-32s%12.2f%12.2f%s%10.1f" % (name, *used, ratio, bytes_per_call), flush=True)
    finally:
        stave.end()
        redis.end()


if __name__ == "__main__":
    main()
