"""A store, its transactions and batches, and commands."""

import ctypes as c
import datetime
import math
import os
import threading
import weakref
from collections.abc import MutableMapping
from typing import Any, Callable, Dict, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar, Union
from typing import List as ListOf
from typing import Set as SetOf

from ._collections import Hash, List, Set, SortedSet
from ._errors import AbortedError, BusyError, ReplyError, StaveError
from ._library import (
    ABORTED, WORK, Bytes, KeyVersionStruct, Value, WriteOptions, array, as_bytes, call, call_in_txn, code_of, fetch, fetch_elements, lib, number,
    raise_error, sized, take,
)

SYNCS = {None: 0, "always": 1, "interval": 2, "os": 3}
POLICIES = [
    "spill", "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
]
PACKINGS = ["none", "lz4", "zstd"]
FORMATS = {None: 0, "binary": 1, "binary1": 2, "json": 3, "ndjson": 4}
TTL_NONE, TTL_KEEP, TTL_AFTER, TTL_SLIDING = 0, 1, 2, 4
ABSENT, PRESENT, VERSION, VALUE = 0, 1, 2, 3
NOW, AT_LSN, AT_TIME = 0, 1, 2

Path = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Moment = Union[int, float, datetime.datetime]
T = TypeVar("T")


class Versioned(NamedTuple):
    """A value with what is needed to change it safely."""

    value: bytes
    version: int
    expires_at: Optional[float]  #: Seconds since 1970; None: never.


class KeyVersion(NamedTuple):
    """Something that happened to a key."""

    version: int
    time: float  #: Seconds since 1970.
    kind: str  #: "set", "delete", "expire", …
    size: int  #: Of the value that it had from then on.
    alive: bool  #: Whether the key was there afterwards.
    expires_at: Optional[float]


def library_version() -> str:
    """That of libstave.so."""
    return str(lib.version().decode())


def open(directory: Path, **settings: Any) -> "Store":
    """Opens the store in a directory, recovering what is there. The settings are those of `Store`."""
    return Store(directory, **settings)


def restore(
    source: Path, target: Path, *, log: Optional[Path] = None, lsn: Optional[int] = None, time: Optional[Moment] = None
) -> None:
    """Makes a new store in `target` out of a backup or of a store's directory, which is only read.

    As of when: everything before `lsn`, or up to `time`. `log`: the directory of the same store, whose log goes on where the backup ends.
    """
    kind, point = (NOW, 0) if lsn is None and time is None else _point(lsn, time)
    call(lib.restore, os.fsencode(source), os.fsencode(target), None if log is None else os.fsencode(log), kind, point)


def _point(lsn: Optional[int], time: Optional[Moment]) -> Tuple[int, int]:
    if (lsn is None) == (time is None):
        raise TypeError("either lsn or time says when")
    if lsn is not None:
        return AT_LSN, lsn
    assert time is not None
    return AT_TIME, round((time.timestamp() if isinstance(time, datetime.datetime) else time) * 1000)


def _ttl(ttl: Optional[float], sliding: bool, keep: bool = False) -> Tuple[int, int]:
    if keep:
        return TTL_KEEP, 0
    if ttl is None:
        return TTL_NONE, 0
    if not math.isfinite(ttl):
        raise ValueError("a ttl is a number of seconds")
    return TTL_SLIDING if sliding else TTL_AFTER, round(ttl * 1000)


def _when(milliseconds: int) -> Optional[float]:
    return milliseconds / 1000 if milliseconds else None


def _settings(settings: Mapping[str, Any]) -> Any:
    names: Dict[str, Callable[[Any], int]] = {
        "sync": lambda value: SYNCS[value], "sync_interval_ms": int, "segment_bytes": int, "databases": int, "create_if_missing": int,
        "max_memory_bytes": int, "memory_policy": POLICIES.index, "packing": PACKINGS.index, "packing_level": int, "history_ms": int,
        "history_bytes": int, "key_bytes_max": int, "value_bytes_max": int,
    }
    options = lib.options_new()
    if not options:
        raise MemoryError
    try:
        for name, value in settings.items():
            if name not in names:
                raise TypeError("a store has no setting %r; there are: %s" % (name, ", ".join(sorted(names))))
            try:
                number_of_it = names[name](value)
            except (KeyError, ValueError):
                raise ValueError("%r is nothing that %s can be" % (value, name)) from None
            getattr(lib, "options_set_" + name)(options, number_of_it)
    except BaseException:
        lib.options_free(options)
        raise
    return options


#: Those that are open.
_stores: "weakref.WeakSet[Store]" = weakref.WeakSet()


def _forget_in_child() -> None:
    """A child of fork has none of the threads that a store lives by: to it, its parent's stores are closed."""
    for store in list(_stores):
        store._open = None


os.register_at_fork(after_in_child=_forget_in_child)


class Store(MutableMapping):  # type: ignore[type-arg]
    """A store: a mapping of keys to strings of bytes, and more.

    After `fork` it is the parent's; to the child it is closed.

    `directory`: ":memory:" is a store that has none and ends with `close`. Settings, as of `stave::Options`: sync ("always", "interval",
    "os"), sync_interval_ms, segment_bytes, databases, create_if_missing, max_memory_bytes, memory_policy ("spill", "allkeys-lru", …),
    packing ("none", "lz4", "zstd"), packing_level, history_ms, history_bytes, key_bytes_max, value_bytes_max.
    """

    def __init__(self, directory: Path, **settings: Any):
        self._open: Any = None
        self._database = 0
        self._owner: Optional["Store"] = None
        self._session: Optional[Session] = None
        self._lock = threading.Lock()
        self._selected = 0  # by the session of `execute`
        self._transacting = threading.local()
        self._sessions: "weakref.WeakSet[Session]" = weakref.WeakSet()
        options = _settings(settings)
        error = c.c_void_p()
        try:
            self._open = lib.open(os.fsencode(directory), options, c.byref(error))
        finally:
            lib.options_free(options)
        if not self._open:
            raise_error(10, error)
        _stores.add(self)

    # --- its life ---

    @property
    def _root(self) -> "Store":
        return self if self._owner is None else self._owner

    @property
    def _handle(self) -> Any:
        root = self._root
        if not root._open:
            raise StaveError("the store is closed")
        if getattr(root._transacting, "now", False):  # its locks are held: the call would wait for itself
            raise BusyError("a transaction is under way in this thread: use nothing of the store but what its function was given")
        return root._open

    def close(self) -> None:
        """Puts everything on disk and releases the directory. No other call may run, or follow. Again: nothing."""
        if self._owner is not None:
            return self._owner.close()
        if self._open:
            self._handle  # not from within a transaction
        handle, self._open = self._open, None
        if handle:
            for session in list(self._sessions):
                session.close()
            call(lib.close, handle)
        return None

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_owner", None) is None and getattr(self, "_open", None):
            try:
                self.close()
            except StaveError:
                pass

    def database(self, number: int) -> "Store":
        """The same store, and another of its databases."""
        view = Store.__new__(Store)
        view._open, view._session, view._lock = None, None, threading.Lock()
        view._owner = self._root
        view._database = number
        return view

    def sync(self) -> None:
        """Everything written so far on disk, whatever the setting."""
        call(lib.sync, self._handle)

    # --- a mapping ---

    def __getitem__(self, key: Bytes) -> bytes:
        value = self._get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Bytes, value: Bytes) -> None:
        self.set(key, value)

    def __delitem__(self, key: Bytes) -> None:
        if not self.delete(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, (bytes, str, bytearray, memoryview)):
            return False
        return bool(number(call, c.c_int, lib.exists, self._handle, self._database, *sized(key)))

    def __len__(self) -> int:
        return int(number(call, c.c_uint64, lib.size, self._handle, self._database))

    def __iter__(self) -> Iterator[bytes]:
        return (key for key, _, _ in self.scan())

    def __eq__(self, other: object) -> bool:
        return self is other  # a dict's way would read everything

    def __hash__(self) -> int:
        return id(self)

    def get(self, key: Bytes, default: Any = None) -> Any:
        """The value, or `default` when the key is absent."""
        value = self._get(key)
        return default if value is None else value

    def clear(self) -> None:
        """Removes every key of this database."""
        call(lib.flush, self._handle, self._database)

    def update(self, *others: Any, **values: Bytes) -> None:
        """All at one instant, or none."""
        self.set_many(dict(*others, **values))

    def scan(self, prefix: Bytes = b"") -> Iterator[Tuple[bytes, bytes, str]]:
        """Every key that begins with `prefix`, its value (of a collection: nothing) and its type, in no order.

        Nothing is held meanwhile. What is there all the time is shown, mostly once; what comes or goes meanwhile may be.
        """
        cursor = lib.cursor_new(self._handle, self._database, *sized(prefix))
        if not cursor:
            raise MemoryError
        key, key_size, value, value_size, kind = c.c_void_p(), c.c_size_t(), c.c_void_p(), c.c_size_t(), c.c_char_p()
        try:
            while call(lib.cursor_next, cursor, *map(c.byref, (key, key_size, value, value_size, kind))):
                yield c.string_at(key, key_size.value), c.string_at(value, value_size.value), (kind.value or b"").decode()
                self._handle  # still open?
        finally:
            lib.cursor_free(cursor)

    # --- strings ---

    def _get(self, key: Bytes) -> Optional[bytes]:
        return fetch(call, lib.get, self._handle, self._database, *sized(key))

    def _options(self, ttl: Tuple[int, int] = (TTL_NONE, 0), sync: Optional[str] = None) -> Any:
        if sync not in SYNCS:
            raise ValueError("sync is 'always', 'interval' or 'os'")
        return c.byref(WriteOptions(database=self._database, sync=SYNCS[sync], ttl=ttl[0], ttl_ms=ttl[1]))

    def get_versioned(self, key: Bytes) -> Optional[Versioned]:
        """The value with its version and expiry; None: the key is absent."""
        data, size, version, expires = c.c_void_p(), c.c_size_t(), c.c_uint64(), c.c_int64()
        places = map(c.byref, (data, size, version, expires))
        if not call(lib.get_versioned, self._handle, self._database, *sized(key), *places):
            return None
        return Versioned(take(data, size), version.value, _when(expires.value))

    def get_many(self, keys: Iterable[Bytes]) -> "ListOf[Optional[bytes]]":
        """All values at one instant, in the order of the keys; None: absent."""
        views, count = array(keys)
        found = (Value * count)()
        call(lib.mget, self._handle, self._database, views, count, found)
        values: "ListOf[Optional[bytes]]" = []
        for one in found:
            values.append(c.string_at(one.data, one.size) if one.data else None)
            lib.free(one.data)
        return values

    def set(
        self, key: Bytes, value: Bytes, *, ttl: Optional[float] = None, sliding: bool = False, keep_ttl: bool = False,
        sync: Optional[str] = None
    ) -> int:
        """Sets the key; it dies `ttl` seconds from now, or, when `sliding`, after its last use. Returns the new version."""
        options = self._options(_ttl(ttl, sliding, keep_ttl), sync)
        return int(number(call, c.c_uint64, lib.set, self._handle, *sized(key), *sized(value), options))

    def set_if(
        self, key: Bytes, value: Bytes, *, absent: bool = False, present: bool = False, version: Optional[int] = None,
        value_is: Optional[Bytes] = None, ttl: Optional[float] = None, sliding: bool = False, sync: Optional[str] = None
    ) -> bool:
        """Sets the key if the one condition holds; False, and nothing changed, when it does not."""
        options = self._options(_ttl(ttl, sliding), sync)
        condition = _condition(absent, present, version, value_is)
        return bool(number(call, c.c_int, lib.set_if, self._handle, *sized(key), *sized(value), *condition, options))

    def set_many(self, values: Mapping[Bytes, Bytes], *, ttl: Optional[float] = None, sync: Optional[str] = None) -> None:
        """All at one instant, or none."""
        keys, count = array(values.keys())
        contents, _ = array(values.values())
        call(lib.mset, self._handle, keys, contents, count, self._options(_ttl(ttl, False), sync))

    def delete(self, key: Bytes, *, sync: Optional[str] = None) -> bool:
        """False: it was not there."""
        return bool(number(call, c.c_int, lib.delete, self._handle, *sized(key), self._options(sync=sync)))

    def increment(self, key: Bytes, by: int = 1, *, sync: Optional[str] = None) -> int:
        """Adds to the number in the key (absent: 0) and returns the sum."""
        return int(number(call, c.c_int64, lib.increment, self._handle, *sized(key), by, self._options(sync=sync)))

    def append(self, key: Bytes, suffix: Bytes, *, sync: Optional[str] = None) -> int:
        """Returns the new length."""
        return int(number(call, c.c_uint64, lib.append, self._handle, *sized(key), *sized(suffix), self._options(sync=sync)))

    def get_range(self, key: Bytes, first: int, last: int) -> bytes:
        """Bytes `first` to `last`, both included; negative ones count from the end."""
        return fetch(call, lib.get_range, self._handle, self._database, *sized(key), first, last) or b""

    def set_range(self, key: Bytes, offset: int, value: Bytes, *, sync: Optional[str] = None) -> int:
        """Overwrites from `offset`; returns the new length."""
        return int(number(call, c.c_uint64, lib.set_range, self._handle, *sized(key), offset, *sized(value), self._options(sync=sync)))

    def expire(self, key: Bytes, ttl: Optional[float], *, sliding: bool = False, sync: Optional[str] = None) -> bool:
        """Gives the key an expiry, or takes it away (None); False: there is no such key."""
        return call(lib.expire, self._handle, *sized(key), self._options(_ttl(ttl, sliding), sync))

    # --- collections ---

    def hash_of(self, key: Bytes) -> Hash:
        """The key's hash, as a dict."""
        return Hash(self, key)

    def list_of(self, key: Bytes) -> List:
        """The key's list."""
        return List(self, key)

    def set_of(self, key: Bytes) -> Set:
        """The key's set, as a set."""
        return Set(self, key)

    def sorted_set_of(self, key: Bytes) -> SortedSet:
        """The key's sorted set, as a dict of scores."""
        return SortedSet(self, key)

    # --- several as one ---

    def batch(self, *, sync: Optional[str] = None) -> "Batch":
        """Writes that happen together when its `with` ends, or not at all when that ends by an exception."""
        return Batch(self, sync)

    def transact(self, keys: Iterable[Bytes], work: "Callable[[Txn], T]", *, sync: Optional[str] = None) -> T:
        """Runs `work(txn)` with the keys locked and returns what it returns, once that is on disk.

        Nobody sees anything of it before; when it raises, everything is undone and the exception goes on. It may use other keys too, but
        then it may run several times, each on what was there before the first. Be quick, and use nothing of the store but `txn`.
        """
        views, count = array(keys)
        outcome: "ListOf[T]" = []
        raised: "ListOf[BaseException]" = []

        def run(handle: Any, _context: Any) -> int:
            outcome.clear()
            raised.clear()
            txn = Txn(handle)
            try:
                outcome.append(work(txn))
                return 0
            except BaseException as problem:  # no exception crosses C
                raised.append(problem)
                return 1
            finally:
                txn._handle = None

        root, error, handle = self._root, c.c_void_p(), self._handle
        root._transacting.now = True
        try:
            code = lib.transact(handle, views, count, WORK(run), None, self._options(sync=sync), c.byref(error))
        finally:
            root._transacting.now = False
        if code == ABORTED and raised:
            lib.error_free(error)
            raise raised[0]
        if code:
            raise_error(code, error)
        return outcome[0]

    # --- the past, and files ---

    def history(self, key: Bytes, count: int = 100) -> "ListOf[KeyVersion]":
        """What happened to the key, newest first."""
        data, found = c.c_void_p(), c.c_size_t()
        call(lib.history, self._handle, self._database, *sized(key), count, c.byref(data), c.byref(found))
        if not data.value:
            return []
        try:
            versions = c.cast(data, c.POINTER(KeyVersionStruct))
            return [
                KeyVersion(
                    one.version, one.time_ms / 1000, lib.kind_name(one.kind).decode(), one.size, bool(one.alive), _when(one.expires_at_ms)
                )
                for one in (versions[i] for i in range(found.value))
            ]
        finally:
            lib.free(data)

    def get_at(self, key: Bytes, *, lsn: Optional[int] = None, time: Optional[Moment] = None) -> Optional[bytes]:
        """What the key held just after the record at `lsn` was written, or at a time; None: it was absent."""
        data, size = c.c_void_p(), c.c_size_t()
        places = (c.byref(data), c.byref(size), None)
        if not call(lib.get_at, self._handle, self._database, *sized(key), *_point(lsn, time), *places):
            return None
        return take(data, size)

    def revert(self, key: Bytes, *, lsn: Optional[int] = None, time: Optional[Moment] = None, sync: Optional[str] = None) -> bool:
        """Makes it that again, by a new change; False: it was like that already."""
        options = self._options(sync=sync)
        return bool(number(call, c.c_int, lib.revert, self._handle, *sized(key), *_point(lsn, time), options))

    def snapshot(self, path: Path, format: Optional[str] = None) -> int:
        """Writes everything as it is at this moment to a file: "binary", "binary1", "json", "ndjson", or what the name ends in.

        Returns the number of keys. The file takes its name when it is whole.
        """
        if format not in FORMATS:
            raise ValueError("a format is one of %s" % ", ".join(repr(name) for name in FORMATS if name))
        return int(number(call, c.c_uint64, lib.snapshot, self._handle, os.fsencode(path), FORMATS[format]))

    def load(self, path: Path) -> int:
        """Puts what is in a snapshot file, or in an RDB file of Redis, into the store. Returns the number of keys."""
        return int(number(call, c.c_uint64, lib.load, self._handle, os.fsencode(path)))

    def backup(self, directory: Path) -> int:
        """Copies everything, history included, into a backup, or adds what is new. Returns the LSN up to which it goes."""
        return int(number(call, c.c_uint64, lib.backup, self._handle, os.fsencode(directory)))

    # --- commands ---

    def session(self) -> "Session":
        """For commands: what a connection is to the server. Close it before the store."""
        return Session(self)

    def execute(self, *words: Union[Bytes, int, float]) -> Any:
        """Runs any command of the server: `store.execute("SETRANGE", "k", 1, "x")`. An error it answers is a ReplyError."""
        root = self._root
        with root._lock:
            if root._session is None:
                root._session = Session(root)
            if root._selected != self._database:  # not always: MULTI would queue it
                root._session.execute("SELECT", self._database)
                root._selected = self._database
            if words and not isinstance(words[0], (int, float)) and as_bytes(words[0]).upper() in (b"SELECT", b"RESET"):
                root._selected = -1
            return root._session.execute(*words)


def _condition(absent: bool, present: bool, version: Optional[int], value_is: Optional[Bytes]) -> Tuple[Any, ...]:
    if absent + present + (version is not None) + (value_is is not None) != 1:
        raise TypeError("exactly one of absent, present, version and value_is")
    kind = ABSENT if absent else PRESENT if present else VERSION if version is not None else VALUE
    return (kind, version or 0, *sized(value_is or b""))


class Batch:
    """Writes collected, in their order. Used by `with`, or ended by `commit`."""

    def __init__(self, store: Store, sync: Optional[str]):
        self._store, self._sync = store, sync
        self._handle = lib.batch_new()
        if not self._handle:
            raise MemoryError

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind: Any, *exception: object) -> None:
        if kind is None:
            self.commit()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            lib.batch_free(self._handle)

    def commit(self) -> None:
        """All of it, or nothing. The batch is empty afterwards."""
        call(lib.batch_commit, self._store._handle, self._handle, self._store._options(sync=self._sync))
        lib.batch_clear(self._handle)

    def _add(self, function: Any, *arguments: Any) -> "Batch":
        code = code_of(function, self._handle, *arguments)
        if code:
            raise_error(code)
        return self

    def set(self, key: Bytes, value: Bytes, *, ttl: Optional[float] = None, sliding: bool = False) -> "Batch":
        return self._add(lib.batch_set_expiring, *sized(key), *sized(value), *_ttl(ttl, sliding))

    def delete(self, key: Bytes) -> "Batch":
        return self._add(lib.batch_delete, *sized(key))

    def increment(self, key: Bytes, by: int = 1) -> "Batch":
        return self._add(lib.batch_increment, *sized(key), by)

    def append(self, key: Bytes, suffix: Bytes) -> "Batch":
        return self._add(lib.batch_append, *sized(key), *sized(suffix))

    def expire(self, key: Bytes, ttl: Optional[float], *, sliding: bool = False) -> "Batch":
        return self._add(lib.batch_expire, *sized(key), *_ttl(ttl, sliding))

    def hash_set(self, key: Bytes, field: Bytes, value: Bytes) -> "Batch":
        return self._add(lib.batch_hash_set, *sized(key), *sized(field), *sized(value))

    def hash_remove(self, key: Bytes, field: Bytes) -> "Batch":
        return self._add(lib.batch_hash_remove, *sized(key), *sized(field))

    def list_push(self, key: Bytes, element: Bytes, *, front: bool = False) -> "Batch":
        return self._add(lib.batch_list_push, *sized(key), int(not front), *sized(element))

    def set_add(self, key: Bytes, member: Bytes) -> "Batch":
        return self._add(lib.batch_set_add, *sized(key), *sized(member))

    def set_remove(self, key: Bytes, member: Bytes) -> "Batch":
        return self._add(lib.batch_set_remove, *sized(key), *sized(member))

    def sorted_set_add(self, key: Bytes, member: Bytes, score: float) -> "Batch":
        return self._add(lib.batch_sorted_set_add, *sized(key), *sized(member), score)

    def sorted_set_remove(self, key: Bytes, member: Bytes) -> "Batch":
        return self._add(lib.batch_sorted_set_remove, *sized(key), *sized(member))


class Txn:
    """A store inside `Store.transact`: reads see the transaction's own writes. Good during the call only."""

    def __init__(self, handle: Any):
        self._handle = handle

    def _at(self, key: Bytes) -> Tuple[Any, ...]:
        if not self._handle:
            raise AbortedError("the transaction is over")
        return (self._handle, *sized(key))

    def get(self, key: Bytes) -> Optional[bytes]:
        return fetch(call_in_txn, lib.txn_get, *self._at(key))

    def __getitem__(self, key: Bytes) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: Bytes, value: Bytes) -> None:
        self.set(key, value)

    def __contains__(self, key: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_exists, *self._at(key)))

    def set(self, key: Bytes, value: Bytes, *, ttl: Optional[float] = None, sliding: bool = False) -> None:
        call_in_txn(lib.txn_set, *self._at(key), *sized(value))
        if ttl is not None:
            self.expire(key, ttl, sliding=sliding)

    def delete(self, key: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_delete, *self._at(key)))

    def increment(self, key: Bytes, by: int = 1) -> int:
        return int(number(call_in_txn, c.c_int64, lib.txn_increment, *self._at(key), by))

    def append(self, key: Bytes, suffix: Bytes) -> int:
        return int(number(call_in_txn, c.c_uint64, lib.txn_append, *self._at(key), *sized(suffix)))

    def expire(self, key: Bytes, ttl: Optional[float], *, sliding: bool = False) -> bool:
        return call_in_txn(lib.txn_expire, *self._at(key), *_ttl(ttl, sliding))

    def hash_set(self, key: Bytes, field: Bytes, value: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_hash_set, *self._at(key), *sized(field), *sized(value)))

    def hash_get(self, key: Bytes, field: Bytes) -> Optional[bytes]:
        return fetch(call_in_txn, lib.txn_hash_get, *self._at(key), *sized(field))

    def hash_remove(self, key: Bytes, field: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_hash_remove, *self._at(key), *sized(field)))

    def hash_get_all(self, key: Bytes) -> "dict[bytes, bytes]":
        found = fetch_elements(call_in_txn, lib.txn_hash_get_all, *self._at(key))
        return {found[i][0]: found[i + 1][0] for i in range(0, len(found), 2)}

    def list_push(self, key: Bytes, element: Bytes, *, front: bool = False) -> int:
        return int(number(call_in_txn, c.c_uint64, lib.txn_list_push, *self._at(key), int(not front), *sized(element)))

    def list_pop(self, key: Bytes, *, front: bool = False) -> Optional[bytes]:
        return fetch(call_in_txn, lib.txn_list_pop, *self._at(key), int(not front))

    def list_range(self, key: Bytes, first: int = 0, last: int = -1) -> "ListOf[bytes]":
        return [element for element, _ in fetch_elements(call_in_txn, lib.txn_list_range, *self._at(key), first, last)]

    def set_add(self, key: Bytes, member: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_set_add, *self._at(key), *sized(member)))

    def set_remove(self, key: Bytes, member: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_set_remove, *self._at(key), *sized(member)))

    def set_contains(self, key: Bytes, member: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_set_contains, *self._at(key), *sized(member)))

    def set_members(self, key: Bytes) -> "SetOf[bytes]":
        return {member for member, _ in fetch_elements(call_in_txn, lib.txn_set_members, *self._at(key))}

    def sorted_set_add(self, key: Bytes, member: Bytes, score: float) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_sorted_set_add, *self._at(key), *sized(member), score))

    def sorted_set_remove(self, key: Bytes, member: Bytes) -> bool:
        return bool(number(call_in_txn, c.c_int, lib.txn_sorted_set_remove, *self._at(key), *sized(member)))

    def sorted_set_score(self, key: Bytes, member: Bytes) -> Optional[float]:
        return number(call_in_txn, c.c_double, lib.txn_sorted_set_score, *self._at(key), *sized(member))  # type: ignore[no-any-return]

    def sorted_set_range(self, key: Bytes, first: int = 0, last: int = -1, *, descending: bool = False) -> "ListOf[Tuple[bytes, float]]":
        return fetch_elements(call_in_txn, lib.txn_sorted_set_range, *self._at(key), first, last, int(descending))


class Session:
    """Runs commands: a selected database, a name. One thread at a time."""

    def __init__(self, store: Store):
        self._store = store
        self._handle = lib.session_new(store._handle)
        if not self._handle:
            raise MemoryError
        store._root._sessions.add(self)
        if store._database:
            self.execute("SELECT", store._database)

    def close(self) -> None:
        handle, self._handle = self._handle, None
        if handle:
            lib.session_free(handle)

    def __del__(self) -> None:
        if getattr(self, "_handle", None) and self._store._root._open:
            self.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def execute(self, *words: Union[Bytes, int, float]) -> Any:
        """bytes, int, float, bool, None, list, set or dict, as the command answers. An error is a ReplyError."""
        if not self._handle:
            raise StaveError("the session is closed")
        self._store._handle
        views, count = array(_word(word) for word in words)
        reply = lib.execute(self._handle, views, count)
        if not reply:
            raise MemoryError
        try:
            answer = _answer(reply)
        finally:
            lib.reply_free(reply)
        if isinstance(answer, ReplyError):
            raise answer
        return answer


def _word(word: Union[Bytes, int, float]) -> Bytes:
    if isinstance(word, bool):
        raise TypeError("a word of a command is bytes, str or a number, not bool")
    return repr(word) if isinstance(word, (int, float)) else word


def _answer(reply: Any) -> Any:
    kind = lib.reply_kind(reply)
    if kind == 0:
        return None
    if kind == 3:
        return lib.reply_integer(reply)
    if kind == 8:
        return lib.reply_double(reply)
    if kind == 9:
        return bool(lib.reply_integer(reply))
    if kind in (5, 6, 7, 12):
        elements: Sequence[Any] = [_answer(lib.reply_at(reply, i)) for i in range(lib.reply_count(reply))]
        return _container(kind, elements)
    size = c.c_size_t()
    data = lib.reply_text(reply, c.byref(size))
    text = c.string_at(data, size.value)
    return ReplyError(text.decode(errors="replace")) if kind == 2 else int(text) if kind == 10 else text


def _container(kind: int, elements: Sequence[Any]) -> Any:
    """A map or a set as such, where Python can: what is unhashable stays a list."""
    try:
        if kind == 6:
            return dict(zip(elements[::2], elements[1::2]))
        if kind == 7:
            return set(elements)
    except TypeError:
        pass
    return list(elements)
