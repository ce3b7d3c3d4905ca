"""Ports for servers of tests. They lie below those that the system gives to connections that go out (32768 and up), so that a
server which ends finds its port free when it begins again."""

import random
import socket


def free_port():
    while True:
        port = random.SystemRandom().randrange(10240, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
