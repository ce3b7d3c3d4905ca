#!/usr/bin/env python3
"""Change streams: changes a second to one consumer through each door, and what a hundred consumers cost those who write.

Usage: STAVE_BIN=<path to stave> python3 changes_bench.py [changes]. The server listens on free loopback ports and ends with it. Writers, server
and readers share this machine's processors, so what is measured for the writers is an upper bound of what readers cost.
"""

import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

READY = re.compile(r"is ready on 127\.0\.0\.1:(\d+) and http://127\.0\.0\.1:(\d+)")
CONSUMERS = 100
PIPELINE = 500


def encode(words):
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


class Server:
    def __init__(self, sync):
        self.directory = tempfile.mkdtemp(prefix="stave-bench-")
        self.process = subprocess.Popen([os.environ["STAVE_BIN"], "serve", "--port", "-1", "--http-port", "-1", "--bind", "127.0.0.1", "--dir", self.directory, "--sync", sync,
                                         "--history-bytes", "100gb"],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port, self.http = map(int, READY.search(self.process.stdout.readline()).groups())

    def connect(self, port):
        connection = socket.create_connection(("127.0.0.1", port), timeout=600)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def cpu(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def write(server, count):
    """SETs, in pipelines; seconds."""
    value = b"v" * 100
    batches = [b"".join(encode(["SET", "key:%d" % (i % 100_000), value]) for i in range(begin, min(begin + PIPELINE, count))) for begin in range(0, count, PIPELINE)]
    with server.connect(server.port) as connection:
        begun = time.monotonic()
        for i, batch in enumerate(batches):
            connection.sendall(batch)
            expected = 5 * min(PIPELINE, count - i * PIPELINE)
            while expected:
                expected -= len(connection.recv(min(expected, 1 << 20)))
        return time.monotonic() - begun


def over_http(server, lines):
    accept = b"Accept: application/x-ndjson\r\n" if lines else b""
    mark = b'"lsn":'
    with server.connect(server.http) as connection:
        begun = time.monotonic()
        connection.sendall(b"GET /changes?since=oldest&follow=false HTTP/1.0\r\n" + accept + b"\r\n")
        count, tail = 0, b""
        while True:
            more = connection.recv(1 << 20)
            if not more:
                return count / (time.monotonic() - begun)
            count += (tail + more).count(mark)
            tail = more[-len(mark) + 1:]


def over_resp(server):
    with server.connect(server.port) as connection:
        position, count = b"-", 0
        begun = time.monotonic()
        while True:
            connection.sendall(encode(["STAVE.CHANGES", "FROM", position, "COUNT", 10_000]) + encode(["ECHO", "the-end"]))
            got = bytearray()
            while not got.endswith(b"the-end\r\n"):
                got += connection.recv(1 << 20)
            head = bytes(got[:64]).split(b"\r\n")
            position, told = head[1][1:], int(head[2][1:])
            count += told
            if not told:
                return count / (time.monotonic() - begun)


def drain(connection):
    try:
        while connection.recv(1 << 16):
            pass
    except OSError:
        pass


def writers_beside(server, consumers, path, count):
    """How long writers take with so many consumers that follow, and the processor time of the server."""
    connections = []
    for _ in range(consumers):
        connection = server.connect(server.http)
        connection.sendall(b"GET " + path + b" HTTP/1.0\r\n\r\n")
        connection.recv(1 << 10)  # it is served
        connections.append(connection)
    readers = [threading.Thread(target=drain, args=(connection,)) for connection in connections]
    for reader in readers:
        reader.start()
    cpu = server.cpu()
    seconds = write(server, count)
    cpu = server.cpu() - cpu
    for connection in connections:
        connection.shutdown(socket.SHUT_RDWR)
    for reader in readers:
        reader.join()
    for connection in connections:
        connection.close()
    return seconds, cpu


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    server = Server("os")
    try:
        write(server, count)
        print("one consumer, %d changes of 100 bytes" % count)
        print("  HTTP, lines   %9.0f changes/s" % over_http(server, True))
        print("  HTTP, events  %9.0f changes/s" % over_http(server, False))
        print("  Redis port    %9.0f changes/s" % over_resp(server))
        few = count // 5
        for name, path in (("none of theirs", b"/changes?prefix=nothing:"), ("one in a hundred each", b"/changes?match=key:*42")):
            alone, beside, cpus = [], [], []
            for _ in range(5):  # by turns, for the machine is not always the same
                alone.append(writers_beside(server, 0, path, few)[0])
                seconds, cpu = writers_beside(server, CONSUMERS, path, few)
                beside.append(seconds)
                cpus.append(cpu)
            print("writers beside %d consumers (%s): %.2f of alone (%.0f against %.0f SET/s)" % (
                CONSUMERS, name, statistics.median(alone) / statistics.median(beside), few / statistics.median(beside), few / statistics.median(alone)))
    finally:
        server.end()


if __name__ == "__main__":
    main()
