"""libstave.so: where it is, what its functions take, and how failures come out of it."""

import ctypes as c
import os
from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple, Union

from ._errors import KINDS, OverflowError, StaveError

OK, NOT_FOUND, ABORTED = 0, 2, 16
SONAME = "libstave.so.0.1"

Bytes = Union[bytes, bytearray, memoryview, str]


class BytesView(c.Structure):
    """stave_bytes"""

    _fields_ = [("data", c.c_char_p), ("size", c.c_size_t)]


class Value(c.Structure):
    """stave_value"""

    _fields_ = [("data", c.c_void_p), ("size", c.c_size_t)]


class Element(c.Structure):
    """stave_element"""

    _fields_ = [("data", c.c_void_p), ("size", c.c_size_t), ("score", c.c_double)]


class KeyVersionStruct(c.Structure):
    """stave_key_version"""

    _fields_ = [
        ("version", c.c_uint64), ("time_ms", c.c_int64), ("size", c.c_uint64), ("expires_at_ms", c.c_int64), ("sliding_ms", c.c_int64),
        ("kind", c.c_int32), ("alive", c.c_int32), ("reserved", c.c_int64 * 2),
    ]


class WriteOptions(c.Structure):
    """stave_write_options"""

    _fields_ = [
        ("database", c.c_int32), ("sync", c.c_int32), ("ttl", c.c_int32), ("reserved0", c.c_int32), ("ttl_ms", c.c_int64),
        ("reserved", c.c_int64 * 4),
    ]


class _Checked:
    """An integer as an argument: ctypes would cut off what does not fit."""

    def __init__(self, kind: Any, low: int, high: int):
        self.kind, self.low, self.high = kind, low, high

    def from_param(self, value: int) -> Any:
        if not self.low <= value <= self.high:
            raise OverflowError("%d is out of range" % value)
        return self.kind(value)


WORK = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p)

P, PP, CP, Z, I, I64, U64, D = c.c_void_p, c.c_void_p, c.c_char_p, c.c_size_t, c.c_int, c.c_int64, c.c_uint64, c.c_double
KEY = (CP, Z)
CHECKED: Dict[Any, Any] = {
    I: _Checked(I, -(1 << 31), (1 << 31) - 1), I64: _Checked(I64, -(1 << 63), (1 << 63) - 1), U64: _Checked(U64, 0, (1 << 64) - 1),
    Z: _Checked(Z, 0, c.c_size_t(-1).value),
}
#: Name, what it returns, what it takes; the error object comes last where there is one.
FUNCTIONS: List[Tuple[Any, ...]] = [
    ("error_code", I, P), ("error_message", CP, P), ("error_free", None, P), ("error_name", CP, I), ("free", None, P), ("version", CP),
    ("options_new", P), ("options_free", None, P), ("options_set_sync", None, P, I), ("options_set_sync_interval_ms", None, P, I64),
    ("options_set_segment_bytes", None, P, U64), ("options_set_databases", None, P, I), ("options_set_create_if_missing", None, P, I),
    ("options_set_max_memory_bytes", None, P, U64), ("options_set_memory_policy", None, P, I), ("options_set_packing", None, P, I),
    ("options_set_packing_level", None, P, I), ("options_set_history_ms", None, P, I64), ("options_set_history_bytes", None, P, U64),
    ("options_set_key_bytes_max", None, P, U64), ("options_set_value_bytes_max", None, P, U64),
    ("open", P, CP, P, PP), ("close", I, P, PP), ("sync", I, P, PP), ("size", I, P, I, PP, PP),
    ("get", I, P, I, *KEY, PP, PP, PP), ("get_versioned", I, P, I, *KEY, PP, PP, PP, PP, PP), ("mget", I, P, I, PP, Z, PP, PP),
    ("get_range", I, P, I, *KEY, I64, I64, PP, PP, PP), ("exists", I, P, I, *KEY, PP, PP),
    ("cursor_new", P, P, I, *KEY), ("cursor_next", I, P, PP, PP, PP, PP, PP, PP), ("cursor_free", None, P),
    ("set", I, P, *KEY, *KEY, PP, PP, PP), ("set_if", I, P, *KEY, *KEY, I, U64, *KEY, PP, PP, PP), ("mset", I, P, PP, PP, Z, PP, PP),
    ("delete", I, P, *KEY, PP, PP, PP), ("increment", I, P, *KEY, I64, PP, PP, PP), ("append", I, P, *KEY, *KEY, PP, PP, PP),
    ("set_range", I, P, *KEY, U64, *KEY, PP, PP, PP), ("expire", I, P, *KEY, PP, PP), ("flush", I, P, I, PP),
    ("hash_set", I, P, *KEY, *KEY, *KEY, PP, PP, PP), ("hash_set_many", I, P, *KEY, PP, PP, Z, PP, PP, PP),
    ("hash_get", I, P, I, *KEY, *KEY, PP, PP, PP), ("hash_get_all", I, P, I, *KEY, PP, PP, PP), ("hash_remove", I, P, *KEY, *KEY, PP, PP, PP),
    ("hash_size", I, P, I, *KEY, PP, PP),
    ("list_push_many", I, P, *KEY, I, PP, Z, PP, PP, PP), ("list_pop", I, P, *KEY, I, PP, PP, PP, PP),
    ("list_range", I, P, I, *KEY, I64, I64, PP, PP, PP), ("list_size", I, P, I, *KEY, PP, PP),
    ("set_add_many", I, P, *KEY, PP, Z, PP, PP, PP), ("set_remove", I, P, *KEY, *KEY, PP, PP, PP), ("set_contains", I, P, I, *KEY, *KEY, PP, PP),
    ("set_members", I, P, I, *KEY, PP, PP, PP), ("set_size", I, P, I, *KEY, PP, PP),
    ("sorted_set_add_many", I, P, *KEY, PP, PP, Z, PP, PP, PP), ("sorted_set_remove", I, P, *KEY, *KEY, PP, PP, PP),
    ("sorted_set_score", I, P, I, *KEY, *KEY, PP, PP), ("sorted_set_rank", I, P, I, *KEY, *KEY, I, PP, PP),
    ("sorted_set_range", I, P, I, *KEY, I64, I64, I, PP, PP, PP),
    ("sorted_set_range_by_score", I, P, I, *KEY, D, D, I, U64, I, PP, PP, PP), ("sorted_set_size", I, P, I, *KEY, PP, PP),
    ("batch_new", P), ("batch_free", None, P), ("batch_clear", None, P), ("batch_set", I, P, *KEY, *KEY),
    ("batch_set_expiring", I, P, *KEY, *KEY, I, I64),
    ("batch_delete", I, P, *KEY), ("batch_increment", I, P, *KEY, I64), ("batch_append", I, P, *KEY, *KEY),
    ("batch_expire", I, P, *KEY, I, I64), ("batch_hash_set", I, P, *KEY, *KEY, *KEY), ("batch_hash_remove", I, P, *KEY, *KEY),
    ("batch_list_push", I, P, *KEY, I, *KEY), ("batch_set_add", I, P, *KEY, *KEY), ("batch_set_remove", I, P, *KEY, *KEY),
    ("batch_sorted_set_add", I, P, *KEY, *KEY, D), ("batch_sorted_set_remove", I, P, *KEY, *KEY), ("batch_commit", I, P, P, PP, PP),
    ("transact", I, P, PP, Z, WORK, P, PP, PP), ("txn_get", I, P, *KEY, PP, PP), ("txn_set", I, P, *KEY, *KEY), ("txn_delete", I, P, *KEY, PP),
    ("txn_increment", I, P, *KEY, I64, PP), ("txn_append", I, P, *KEY, *KEY, PP), ("txn_exists", I, P, *KEY, PP),
    ("txn_expire", I, P, *KEY, I, I64), ("txn_hash_set", I, P, *KEY, *KEY, *KEY, PP), ("txn_hash_get", I, P, *KEY, *KEY, PP, PP),
    ("txn_hash_get_all", I, P, *KEY, PP, PP), ("txn_hash_remove", I, P, *KEY, *KEY, PP), ("txn_list_push", I, P, *KEY, I, *KEY, PP),
    ("txn_list_pop", I, P, *KEY, I, PP, PP), ("txn_list_range", I, P, *KEY, I64, I64, PP, PP), ("txn_set_add", I, P, *KEY, *KEY, PP),
    ("txn_set_remove", I, P, *KEY, *KEY, PP), ("txn_set_contains", I, P, *KEY, *KEY, PP), ("txn_set_members", I, P, *KEY, PP, PP),
    ("txn_sorted_set_add", I, P, *KEY, *KEY, D, PP), ("txn_sorted_set_remove", I, P, *KEY, *KEY, PP),
    ("txn_sorted_set_score", I, P, *KEY, *KEY, PP), ("txn_sorted_set_range", I, P, *KEY, I64, I64, I, PP, PP),
    ("history", I, P, I, *KEY, Z, PP, PP, PP), ("kind_name", CP, I), ("get_at", I, P, I, *KEY, I, I64, PP, PP, PP, PP),
    ("revert", I, P, *KEY, I, I64, PP, PP, PP), ("snapshot", I, P, CP, I, PP, PP), ("load", I, P, CP, PP, PP), ("backup", I, P, CP, PP, PP),
    ("restore", I, CP, CP, CP, I, I64, PP),
    ("session_new", P, P), ("session_free", None, P), ("execute", P, P, PP, Z), ("reply_free", None, P), ("reply_kind", I, P),
    ("reply_text", P, P, PP), ("reply_integer", I64, P), ("reply_double", D, P), ("reply_count", Z, P), ("reply_at", P, P, Z),
]


def _load() -> Any:
    wanted = os.environ.get("STAVE_LIBRARY")
    try:
        library = c.CDLL(wanted or SONAME)
    except OSError as problem:
        raise ImportError(
            "%s cannot be loaded (%s); install libstave0.1, or set STAVE_LIBRARY to where libstave.so is" % (wanted or SONAME, problem)
        ) from problem
    functions = type("Functions", (), {})()
    for name, result, *arguments in FUNCTIONS:
        try:
            function = library["stave_" + name]
        except AttributeError as problem:
            raise ImportError("%s is another version of the library: it has no stave_%s" % (wanted or SONAME, name)) from problem
        function.restype, function.argtypes = result, [CHECKED.get(kind, kind) for kind in arguments]
        setattr(functions, name, function)
    return functions


lib: Any = _load()


def as_bytes(value: Bytes) -> bytes:
    """What the library is given for a key or a value."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError("a key or a value is bytes or str, not %s" % type(value).__name__)


def sized(value: Bytes) -> Tuple[bytes, int]:
    data = as_bytes(value)
    return data, len(data)


def array(values: Iterable[Bytes]) -> Tuple[Any, int]:
    """As stave_bytes[]; the bytes live as long as the array."""
    all_of_it = [as_bytes(value) for value in values]
    return (BytesView * len(all_of_it))(*[BytesView(one, len(one)) for one in all_of_it]), len(all_of_it)


def raise_error(code: int, error: Any = None) -> None:
    """Raises what `code` means; `error` is freed."""
    if error is not None and error.value:
        code = lib.error_code(error)
        message = lib.error_message(error).decode(errors="replace")
        lib.error_free(error)
    else:
        message = lib.error_name(code).decode().replace("_", " ")
    raise KINDS.get(code, StaveError)(message)


def code_of(function: Callable[..., int], *arguments: Any) -> int:
    """Calls it, and says what is wrong with an argument as Python would."""
    try:
        return function(*arguments)
    except c.ArgumentError as problem:
        kind = OverflowError if "OverflowError" in str(problem) else TypeError
        raise kind(str(problem).rsplit("Error: ", 1)[-1]) from None


def call(function: Callable[..., int], *arguments: Any) -> bool:
    """Calls what takes an error object last; False: STAVE_NOT_FOUND without one."""
    error = c.c_void_p()
    code = code_of(function, *arguments, c.byref(error))
    if code == OK:
        return True
    if code == NOT_FOUND and not error.value:
        return False
    raise_error(code, error)
    return False


def call_in_txn(function: Callable[..., int], *arguments: Any) -> bool:
    """The same of what has no error object."""
    code = code_of(function, *arguments)
    if code not in (OK, NOT_FOUND):
        raise_error(code)
    return bool(code == OK)


def take(data: Any, size: Any) -> bytes:
    """Bytes that were handed out."""
    try:
        return c.string_at(data.value, size.value)
    finally:
        lib.free(data)


def fetch(how: Callable[..., bool], function: Callable[..., int], *arguments: Any) -> Optional[bytes]:
    """A value, or None."""
    data, size = c.c_void_p(), c.c_size_t()
    if not how(function, *arguments, c.byref(data), c.byref(size)):
        return None
    return take(data, size)


def fetch_elements(how: Callable[..., bool], function: Callable[..., int], *arguments: Any) -> List[Tuple[bytes, float]]:
    """The elements of a collection, with their scores."""
    data, count = c.c_void_p(), c.c_size_t()
    how(function, *arguments, c.byref(data), c.byref(count))
    if not data.value:
        return []
    try:
        elements = c.cast(data, c.POINTER(Element))
        return [(c.string_at(elements[i].data, elements[i].size), elements[i].score) for i in range(count.value)]
    finally:
        lib.free(data)


def number(how: Callable[..., bool], kind: Any, function: Callable[..., int], *arguments: Any) -> Any:
    """What is told through a pointer to a number; None: STAVE_NOT_FOUND."""
    answer = kind()
    return answer.value if how(function, *arguments, c.byref(answer)) else None
