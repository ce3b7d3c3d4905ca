#!/usr/bin/env python3
"""Checks the house rules of a source tree (rules.py) and says where they are broken.

    tests/tidy/tidy.py [--root DIR] [--rule NAME]…

Exit code: 0 when all is in order, 1 when a rule is broken.
"""

import argparse
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import rules  # noqa: E402


def files_of(root):
    """What version control knows or would add; None (everything that lies there) outside of it."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True, text=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    names = [name for name in answer.stdout.split("\0") if name]
    return [name for name in names if (root / name).is_file()] or None


def main():
    parser = argparse.ArgumentParser(description="house rules")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2])
    parser.add_argument("--rule", action="append", choices=sorted(rules.ALL))
    options = parser.parse_args()
    tree = rules.Tree(options.root, files_of(options.root))
    broken = 0
    for name in options.rule or rules.ALL:
        for finding in rules.ALL[name](tree):
            print("%s [%s]" % (finding, name))
            broken += 1
    print("tidy: %d files, %s" % (len(tree.files), "in order" if not broken else "%d findings" % broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
