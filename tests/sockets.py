"""Bytes from a raw socket, for tests that speak a protocol by hand."""


def receive_all(connection):
    """Everything until the server closes."""
    got = b""
    while True:
        try:
            piece = connection.recv(1 << 16)
        except ConnectionResetError:
            return got
        if not piece:
            return got
        got += piece


def receive_until(connection, end):
    """Everything up to `end` at least, or until the server closes."""
    got = b""
    while end not in got:
        piece = connection.recv(1 << 16)
        if not piece:
            break
        got += piece
    return got
