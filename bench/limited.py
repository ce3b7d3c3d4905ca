#!/usr/bin/env python3
"""Runs a command with a limit on its memory, page cache included: bench/limited.py --bytes N -- command …

By a control group (version 1 or 2), which takes the rights of root. Without them the command runs unlimited, and says so.
"""

import os
import pathlib
import subprocess
import sys


def make_group(limit):
    name = "stave-bench-%d" % os.getpid()
    for root, file in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = pathlib.Path(root) / name
        try:
            group.mkdir()
            (group / file).write_text(str(limit))
            return group
        except OSError:
            if group.is_dir():
                group.rmdir()
    return None


def main():
    limit = int(sys.argv[sys.argv.index("--bytes") + 1])
    command = sys.argv[sys.argv.index("--") + 1:]
    group = make_group(limit)
    if group is None:
        print("(no control group: the limit does not hold)", end=" ", flush=True)
    join = (lambda: (group / "cgroup.procs").write_text(str(os.getpid()))) if group else None
    code = subprocess.run(command, preexec_fn=join, check=False).returncode
    if group is not None:
        group.rmdir()
    sys.exit(code)


if __name__ == "__main__":
    main()
