"""Whether a history of concurrent operations can be put into one order in which each took effect at once.

The search is Wing and Gong's ("Testing and Verifying Concurrent Objects", 1993) with Lowe's memory of what was tried
("Testing for linearizability", 2017): of all operations that began before any unfinished one ended, one is tried as the next,
and given up as soon as the model refuses what it answered. An operation nobody heard back from may take effect at any time after
it began, or never.
"""

import itertools

NEVER = float("inf")


class Operation:
    """What one client did: `call` and `result` are the model's to read; `end` is NEVER when nobody knows what became of it."""

    __slots__ = ("client", "begin", "end", "call", "result")

    def __init__(self, client, begin, end, call, result):
        self.client, self.begin, self.end, self.call, self.result = client, begin, end, call, result

    def __repr__(self):
        return "client %s [%.6f, %.6f] %r -> %r" % (self.client, self.begin, self.end, self.call, self.result)


def explain(history, initial, step):
    """None if the history is linearizable; else the longest order that was found, and what would have been next.

    `step(state, call, result)` returns the next state, or None if that call cannot have that result there; states are
    hashable. A result of `...` stands for one that nobody saw.
    """
    history = sorted(history, key=lambda operation: operation.begin)
    count = len(history)
    done = 0
    taken = [False] * count
    state = initial
    seen = set()
    # (operation, state before, where the search among candidates stood)
    path = []
    must = sum(1 for operation in history if operation.end != NEVER)
    finished = 0
    longest = []
    start = 0
    while True:
        if finished == must:
            return None
        # Candidates: whatever began before the first unfinished end.
        first_end = NEVER
        found = None
        for i in range(start_of(taken), count):
            if taken[i]:
                continue
            operation = history[i]
            if operation.begin > first_end:
                break
            if i >= start:
                next_state = step(state, operation.call, operation.result)
                if next_state is not None:
                    mask = done | 1 << i
                    if (mask, next_state) not in seen:
                        seen.add((mask, next_state))
                        found = (i, next_state, mask)
                        # Whoever ended before this one began would have had to come first.
                        if all(taken[j] or history[j].end > operation.begin for j in range(i)):
                            break
                        found = None
            first_end = min(first_end, operation.end)
        if found:
            i, next_state, mask = found
            path.append((i, state, done))
            taken[i] = True
            state, done = next_state, mask
            finished += history[i].end != NEVER
            start = 0
            if len(path) > len(longest):
                longest = [entry[0] for entry in path]
            continue
        if not path:
            order = [history[i] for i in longest]
            left = [operation for i, operation in enumerate(history) if i not in set(longest)][:8]
            return order[-8:], left
        i, state, done = path.pop()
        taken[i] = False
        finished -= history[i].end != NEVER
        start = i + 1


def start_of(taken):
    return next((i for i, done in enumerate(taken) if not done), len(taken))


def by_group(history, group_of):
    """Histories of what shares nothing are independent of each other (Herlihy and Wing's locality)."""
    ordered = sorted(history, key=group_of)
    return {group: list(operations) for group, operations in itertools.groupby(ordered, key=group_of)}
