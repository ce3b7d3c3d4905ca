"""A key's hash, list, set or sorted set as Python's containers know them. Each looks at the store at every call and keeps nothing."""

import ctypes as c
import math
from collections.abc import MutableMapping, MutableSet
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List as ListOf, Mapping, Optional, Tuple

from ._library import Bytes, array, as_bytes, call, fetch, fetch_elements, lib, number, sized

if TYPE_CHECKING:
    from ._store import Store

FRONT, BACK = 0, 1


class _Of:
    """A collection by its key. The key need not be there: the first element makes it, its last one takes it away."""

    def __init__(self, store: "Store", key: Bytes):
        self._store = store
        self.key = as_bytes(key)

    def _read(self) -> Tuple[Any, ...]:
        return (self._store._handle, self._store._database, self.key, len(self.key))

    def _write(self) -> Tuple[Any, ...]:
        return (self._store._handle, self.key, len(self.key))

    def _options(self) -> Any:
        return self._store._options()

    def __repr__(self) -> str:
        return "%s(%r)" % (type(self).__name__, self.key)


class Hash(_Of, MutableMapping):  # type: ignore[type-arg]
    """Fields and values: a dict of bytes. Iterating shows all as of one instant."""

    def __getitem__(self, field: Bytes) -> bytes:
        value = fetch(call, lib.hash_get, *self._read(), *sized(field))
        if value is None:
            raise KeyError(field)
        return value

    def __setitem__(self, field: Bytes, value: Bytes) -> None:
        call(lib.hash_set, *self._write(), *sized(field), *sized(value), self._options(), None)

    def __delitem__(self, field: Bytes) -> None:
        if not number(call, c.c_int, lib.hash_remove, *self._write(), *sized(field), self._options()):
            raise KeyError(field)

    def __len__(self) -> int:
        return int(number(call, c.c_uint64, lib.hash_size, *self._read()))

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.to_dict())

    def __contains__(self, field: object) -> bool:
        if not isinstance(field, (bytes, str, bytearray, memoryview)):
            return False
        return fetch(call, lib.hash_get, *self._read(), *sized(field)) is not None

    def to_dict(self) -> "dict[bytes, bytes]":
        """All of it, as of one instant."""
        found = fetch_elements(call, lib.hash_get_all, *self._read())
        return {found[i][0]: found[i + 1][0] for i in range(0, len(found), 2)}

    def items(self) -> Any:
        return self.to_dict().items()

    def values(self) -> Any:
        return self.to_dict().values()

    def update(self, *others: Any, **fields: Bytes) -> None:
        """All at one instant, or none."""
        new = dict(*others, **fields)
        if new:
            names, count = array(new.keys())
            values, _ = array(new.values())
            call(lib.hash_set_many, *self._write(), names, values, count, self._options(), None)

    def clear(self) -> None:
        self._store.delete(self.key)


class List(_Of):
    """Elements in an order. Places are from 0, or from the end with -1."""

    def append(self, element: Bytes) -> None:
        self.extend((element,))

    def extend(self, elements: Iterable[Bytes]) -> None:
        """All or none."""
        self._push(BACK, elements)

    def appendleft(self, element: Bytes) -> None:
        self.extendleft((element,))

    def extendleft(self, elements: Iterable[Bytes]) -> None:
        """One after the other: the last one comes to be the first, as in a deque."""
        self._push(FRONT, elements)

    def _push(self, end: int, elements: Iterable[Bytes]) -> None:
        views, count = array(elements)
        if count:
            call(lib.list_push_many, *self._write(), end, views, count, self._options(), None)

    def pop(self) -> bytes:
        """The last one. Raises IndexError when there is none."""
        return self._pop(BACK)

    def popleft(self) -> bytes:
        return self._pop(FRONT)

    def _pop(self, end: int) -> bytes:
        element = fetch(call, lib.list_pop, *self._write(), end, self._options())
        if element is None:
            raise IndexError("pop from an empty list")
        return element

    def range(self, first: int = 0, last: int = -1) -> "ListOf[bytes]":
        """Both included."""
        return [element for element, _ in fetch_elements(call, lib.list_range, *self._read(), first, last)]

    def __getitem__(self, place: int) -> bytes:
        found = self.range(place, place)
        if not found:
            raise IndexError("there is no element at %d" % place)
        return found[0]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.range())

    def __len__(self) -> int:
        return int(number(call, c.c_uint64, lib.list_size, *self._read()))


class Set(_Of, MutableSet):  # type: ignore[type-arg]
    """Members: a set of bytes."""

    @classmethod
    def _from_iterable(cls, members: Iterable[bytes]) -> "set[bytes]":
        return set(members)

    def add(self, member: Bytes) -> None:
        self.update((member,))

    def update(self, members: Iterable[Bytes]) -> None:
        """All or none."""
        views, count = array(members)
        if count:
            call(lib.set_add_many, *self._write(), views, count, self._options(), None)

    def discard(self, member: Bytes) -> None:
        call(lib.set_remove, *self._write(), *sized(member), self._options(), None)

    def remove(self, member: Bytes) -> None:
        if not number(call, c.c_int, lib.set_remove, *self._write(), *sized(member), self._options()):
            raise KeyError(member)

    def clear(self) -> None:
        self._store.delete(self.key)

    def __contains__(self, member: object) -> bool:
        if not isinstance(member, (bytes, str, bytearray, memoryview)):
            return False
        return bool(number(call, c.c_int, lib.set_contains, *self._read(), *sized(member)))

    def __iter__(self) -> Iterator[bytes]:
        return iter([member for member, _ in fetch_elements(call, lib.set_members, *self._read())])

    def __len__(self) -> int:
        return int(number(call, c.c_uint64, lib.set_size, *self._read()))


class SortedSet(_Of, MutableMapping):  # type: ignore[type-arg]
    """Members and their scores: a dict of bytes to float, in the order of (score, member)."""

    def __getitem__(self, member: Bytes) -> float:
        score = number(call, c.c_double, lib.sorted_set_score, *self._read(), *sized(member))
        if score is None:
            raise KeyError(member)
        return float(score)

    def __setitem__(self, member: Bytes, score: float) -> None:
        self.update({member: score})

    def __delitem__(self, member: Bytes) -> None:
        if not number(call, c.c_int, lib.sorted_set_remove, *self._write(), *sized(member), self._options()):
            raise KeyError(member)

    def __len__(self) -> int:
        return int(number(call, c.c_uint64, lib.sorted_set_size, *self._read()))

    def __iter__(self) -> Iterator[bytes]:
        return iter([member for member, _ in self.range()])

    def __contains__(self, member: object) -> bool:
        if not isinstance(member, (bytes, str, bytearray, memoryview)):
            return False
        return number(call, c.c_double, lib.sorted_set_score, *self._read(), *sized(member)) is not None

    def update(self, *others: Any, **scores: float) -> None:
        """All at one instant, or none."""
        new: Mapping[Bytes, float] = dict(*others, **scores)
        if new:
            views, count = array(new.keys())
            numbers = (c.c_double * count)(*new.values())
            call(lib.sorted_set_add_many, *self._write(), views, numbers, count, self._options(), None)

    def clear(self) -> None:
        self._store.delete(self.key)

    def rank(self, member: Bytes, *, descending: bool = False) -> Optional[int]:
        """Its place in the order, from 0; None: it is no member."""
        return number(call, c.c_uint64, lib.sorted_set_rank, *self._read(), *sized(member), int(descending))  # type: ignore[no-any-return]

    def range(self, first: int = 0, last: int = -1, *, descending: bool = False) -> "ListOf[Tuple[bytes, float]]":
        """Members and scores by rank, both included."""
        return fetch_elements(call, lib.sorted_set_range, *self._read(), first, last, int(descending))

    def range_by_score(
        self, low: float = -math.inf, high: float = math.inf, *, count: Optional[int] = None, descending: bool = False
    ) -> "ListOf[Tuple[bytes, float]]":
        """Those with a score from `low` to `high`, both included."""
        most = (1 << 64) - 1 if count is None else count
        return fetch_elements(call, lib.sorted_set_range_by_score, *self._read(), low, high, 0, most, int(descending))
