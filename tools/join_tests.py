#!/usr/bin/env python3
"""Makes one test list out of those of several builds.

    join_tests.py build release tsan fuzz

writes build/CTestTestfile.cmake from what ctest says of build/release, build/tsan and build/fuzz. The first build's
tests keep their names; those of the others get the build's name in front ("tsan.log"). A test labelled `release-only`
is taken from the first build alone, one labelled `not-tsan` from all builds but that.
"""

import json
import pathlib
import subprocess
import sys


def quote(text):
    return "[====[" + str(text) + "]====]"


def tests_of(directory):
    answer = subprocess.run(
        ["ctest", "--test-dir", str(directory), "--show-only=json-v1"], check=True, capture_output=True, text=True
    )
    return json.loads(answer.stdout)["tests"]


def property_text(value):
    if isinstance(value, list):
        return ";".join(str(item) for item in value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return str(value)


def entry(test, prefix):
    name = quote(prefix + test["name"])
    properties = {item["name"]: item["value"] for item in test.get("properties", [])}
    lines = ["add_test(%s %s)" % (name, " ".join(quote(word) for word in test["command"]))]
    for key, value in properties.items():
        if key in ("DEPENDS", "FIXTURES_REQUIRED", "FIXTURES_SETUP", "FIXTURES_CLEANUP") and prefix:
            value = [prefix + item for item in value]
        lines.append("set_tests_properties(%s PROPERTIES %s %s)" % (name, key, quote(property_text(value))))
    return lines


def main(arguments):
    base = pathlib.Path(arguments[0]).resolve()
    lines = []
    for index, preset in enumerate(arguments[1:]):
        for test in tests_of(base / preset):
            labels = next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), [])
            if "command" not in test:
                sys.exit("join_tests: %s of %s has no program; was it built?" % (test["name"], preset))
            if index and "release-only" in labels or "not-" + preset in labels:
                continue
            lines += entry(test, "" if index == 0 else preset + ".")
    (base / "CTestTestfile.cmake").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
