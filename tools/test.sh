#!/usr/bin/env bash
# `make test`: builds what the tests need, each thing once, then runs every test of every build in one ctest, so that
# its closing summary is about all of them.
#
#   release     GCC, what ships: all suites, house rules, end-to-end tests
#   tsan        GCC with ThreadSanitizer: the suites
#   fuzz        Clang with ASan, UBSan and libFuzzer: the suites and the fuzzers' smoke runs; its compilation is the
#               thread-safety analysis
set -euo pipefail
cd "$(dirname "$0")/.."

phase() {
  local title=$1 begin=$SECONDS
  shift
  echo "== $title"
  "$@" || { echo "== $title: FAILED" >&2; exit 1; }
  timings+=("$(printf '%4d s  %s' $((SECONDS - begin)) "$title")")
}
timings=()

phase "build release" tools/build.sh release -- all headers_alone
ln -sfn release/stave build/stave
phase "build tsan" tools/build.sh tsan -- all
phase "build fuzz (clang, asan, ubsan)" tools/build.sh fuzz -- all
printf '%s\n' "== built" "${timings[@]}"
python3 tools/join_tests.py build release tsan fuzz
exec ctest --test-dir build --parallel "${JOBS:-$(nproc)}" --output-on-failure --no-label-summary "$@"
