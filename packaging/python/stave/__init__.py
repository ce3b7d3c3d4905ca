"""A durable key-value store in your process.

    import stave

    with stave.open("./data") as store:
        store["user:1"] = "Alice"               # on disk when it returns
        store["user:1"]                         # b"Alice"
        store.hash_of("user:1:profile")["city"] = "Zurich"

Keys and values are bytes; a `str` is taken as its UTF-8. What comes back is bytes. Times are seconds. Failures are exceptions: `StaveError`,
by kind. Any number of threads may use one store; while a call waits for the disk other threads of Python run. One process has a directory at
a time. Nothing of a store may be used after `close`.
"""

from ._collections import Hash, List, Set, SortedSet
from ._errors import (
    AbortedError,
    BusyError,
    ConflictError,
    CorruptError,
    DiskError,
    InvalidArgumentError,
    NoMemoryError,
    NoSpaceError,
    NotANumberError,
    NotFoundError,
    OverflowError,
    PermissionError,
    ReadOnlyError,
    ReplyError,
    StaveError,
    TooLargeError,
    UnsupportedError,
    WrongTypeError,
)
from ._store import Batch, KeyVersion, Session, Store, Txn, Versioned, library_version, open, restore

__all__ = [
    "AbortedError", "Batch", "BusyError", "ConflictError", "CorruptError", "DiskError", "Hash", "InvalidArgumentError", "KeyVersion", "List",
    "NoMemoryError", "NoSpaceError", "NotANumberError", "NotFoundError", "OverflowError", "PermissionError", "ReadOnlyError", "ReplyError",
    "Session", "Set", "SortedSet", "StaveError", "Store", "TooLargeError", "Txn", "UnsupportedError", "Versioned", "WrongTypeError",
    "library_version", "open", "restore",
]
__version__ = "0.1.0"
