"""What can fail, by kind. The numbers are those of stave.h."""

from typing import Dict, Type


class StaveError(Exception):
    """A failure; `code` is its number in stave.h (0: it has none)."""

    code = 0


class InvalidArgumentError(StaveError, ValueError):
    """The call can never succeed as it was written."""

    code = 1


class NotFoundError(StaveError, LookupError):
    """A file, a directory or a point of the past is not there. (A missing key is a KeyError, or None.)"""

    code = 2


class WrongTypeError(StaveError, TypeError):
    """The key holds another type."""

    code = 3


class NotANumberError(StaveError, ValueError):
    """The stored bytes are no number."""

    code = 4


class OverflowError(StaveError, ArithmeticError):
    """The result would not fit."""

    code = 5


class TooLargeError(StaveError, ValueError):
    """Over a limit."""

    code = 6


class ConflictError(StaveError):
    """A precondition failed; look again and retry."""

    code = 7


class BusyError(StaveError):
    """Somebody else holds it."""

    code = 8


class NoSpaceError(StaveError, OSError):
    """The disk is full; writes go on once there is room."""

    code = 9


class NoMemoryError(StaveError, MemoryError):
    """Over the memory budget, or there is none."""

    code = 10


class ReadOnlyError(StaveError):
    """An earlier disk error froze writes; open it anew once the cause is gone."""

    code = 11


class DiskError(StaveError, OSError):
    """The disk failed this call; whether a write happened is unknown."""

    code = 12


class CorruptError(StaveError):
    """Stored bytes fail their check."""

    code = 13


class UnsupportedError(StaveError):
    """A format or feature that this version does not know."""

    code = 14


class PermissionError(StaveError, OSError):
    """The system forbids it."""

    code = 15


class AbortedError(StaveError):
    """Given up; nothing changed."""

    code = 16


class ReplyError(StaveError):
    """A command answered with an error; its text is Redis'."""


KINDS: Dict[int, Type[StaveError]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError, NotFoundError, WrongTypeError, NotANumberError, OverflowError, TooLargeError, ConflictError, BusyError,
        NoSpaceError, NoMemoryError, ReadOnlyError, DiskError, CorruptError, UnsupportedError, PermissionError, AbortedError,
    )
}
