"""Requests per second and p99 of the HTTP door, beside nginx (GET, from memory) and etcd (PUT, durable), driven by wrk.

Usage: python3 http_bench.py --stave <path to stave> [--seconds 5] [--connections 50] [--parts get,put]

Every server runs alone, one after the other, on this machine, with the same number of threads. Absolute figures belong to the machine; the ratios are
what is compared. nginx returns 100 B from its configuration and serves 100 KB from the page cache; etcd writes through its JSON gateway.
"""

import argparse
import base64
import contextlib
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
import urllib.request

SIZES = {"100 B": 100, "100 KB": 100_000}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, port, **options):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("no server: " + " ".join(command))
            time.sleep(0.05)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def wrk(url, seconds, connections, script=None):
    """(requests per second, p99 in ms)"""
    command = ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        if script:
            file.write(script)
            file.flush()
            command += ["-s", file.name]
        text = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(text)
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return rate, float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def put_script(method, path, content_type, body_lua):
    return """
local id, next = 0, 0
function setup(thread) thread:set("id", id); id = id + 1 end
function request()
  next = next + 1
  return wrk.format("%s", %s, {["Content-Type"] = "%s"}, %s)
end
""" % (method, path, content_type, body_lua)


def stave(options, folder, *more):
    port = free_port()
    return [options.stave, "serve", "--dir", str(folder / "stave"), "--port", "-1", "--bind", "127.0.0.1", "--http-port", str(port),
            "--http-threads", str(options.threads), *more], port


def nginx(options, folder, sizes):
    port = free_port()
    for name, size in sizes.items():
        (folder / name.replace(" ", "")).write_bytes(b"x" * size)
    config = folder / "nginx.conf"
    config.write_text("""
daemon off; worker_processes %d; pid %s/nginx.pid; error_log /dev/null;
events { worker_connections 1024; }
http { access_log off; sendfile on; keepalive_requests 1000000000; open_file_cache max=10; default_type application/octet-stream;
  client_body_temp_path %s; proxy_temp_path %s; fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path %s;
  server { listen 127.0.0.1:%d; root %s; location = /100B { return 200 "%s"; } } }
""" % (options.threads, folder, *[folder / name for name in ("b", "p", "f", "u", "s")], port, folder, "x" * 100), encoding="utf-8")
    return ["nginx", "-c", str(config), "-p", str(folder)], port


def wait_until_ready(port):
    while True:
        with contextlib.suppress(OSError):
            urllib.request.urlopen("http://127.0.0.1:%d/readyz" % port).read()
            return
        time.sleep(0.05)


def put(url, body):
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": "application/octet-stream"})
    urllib.request.urlopen(request).read()


def gets(options, folder):
    rows = {}
    command, port = stave(options, folder)
    with running(command, port):
        wait_until_ready(port)
        for name, size in SIZES.items():
            put("http://127.0.0.1:%d/db/%d" % (port, size), b"x" * size)
            rows["stave", name] = wrk("http://127.0.0.1:%d/db/%d" % (port, size), options.seconds, options.connections)
    if shutil.which("nginx"):
        command, port = nginx(options, folder, SIZES)
        with running(command, port):
            for name in SIZES:
                rows["nginx", name] = wrk("http://127.0.0.1:%d/%s" % (port, name.replace(" ", "")), options.seconds, options.connections)
    return rows


def puts(options, folder):
    rows = {}
    command, port = stave(options, folder, "--sync", "always")
    with running(command, port):
        wait_until_ready(port)
        for name, size in SIZES.items():
            script = 'local body = string.rep("x", %d)\n' % size + put_script(
                "PUT", '"/db/" .. (next % 10000)', "application/octet-stream", "body")
            rows["stave", name] = wrk("http://127.0.0.1:%d" % port, options.seconds, options.connections, script)
    etcd = shutil.which("etcd")
    if etcd:
        client, peer = free_port(), free_port()
        command = [etcd, "--data-dir", str(folder / "etcd"), "--listen-client-urls", "http://127.0.0.1:%d" % client, "--advertise-client-urls",
                   "http://127.0.0.1:%d" % client, "--listen-peer-urls", "http://127.0.0.1:%d" % peer, "--initial-advertise-peer-urls",
                   "http://127.0.0.1:%d" % peer, "--initial-cluster", "default=http://127.0.0.1:%d" % peer, "--log-level", "error"]
        with running(command, client, env={**os.environ, "ETCD_UNSUPPORTED_ARCH": "arm64"}):
            time.sleep(2)  # until it has elected itself
            for name, size in SIZES.items():
                keys = [base64.b64encode(b"%d" % i).decode() for i in range(1000)]
                script = "local keys = {%s}\nlocal value = \"%s\"\n" % (
                    ",".join('"%s"' % key for key in keys), base64.b64encode(b"x" * size).decode()) + put_script(
                    "POST", '"/v3/kv/put"', "application/json", "'{\"key\":\"' .. keys[next % 1000 + 1] .. '\",\"value\":\"' .. value .. '\"}'")
                rows["etcd", name] = wrk("http://127.0.0.1:%d" % client, options.seconds, options.connections, script)
    return rows


def show(title, rows, peer):
    print("\n%s\n\n|size|server|requests/s|p99 ms|ratio|\n|-|-|-|-|-|" % title)
    for (server, size), (rate, p99) in rows.items():
        ratio = "%.2f" % (rate / rows[peer, size][0]) if (peer, size) in rows else ""
        print("|%s|%s|%.0f|%.2f|%s|" % (size, server, rate, p99, ratio))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stave", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--parts", default="get,put")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is not installed")
    for part, work, title, peer in (("get", gets, "GET, %d connections" % options.connections, "nginx"),
                                    ("put", puts, "Durable PUT, %d connections" % options.connections, "etcd")):
        if part in options.parts.split(","):
            with tempfile.TemporaryDirectory(prefix="stave-http-bench-") as folder:
                os.chmod(folder, 0o755)
                show(title, work(options, pathlib.Path(folder)), peer)


if __name__ == "__main__":
    main()
