#!/usr/bin/env bash
# Runs every fuzzer for a number of seconds (default 60) from its seeds in fuzz/corpus. What it finds stays in build/fuzz/corpus;
# an input that crashes is written to build/fuzz/crashes and named.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
tools/build.sh fuzz -- all
mkdir -p build/fuzz/crashes
failed=()
for program in build/fuzz/fuzz/fuzz_*; do
  [[ -x $program && -f $program ]] || continue
  name=$(basename "$program")
  seeds=fuzz/corpus/${name#fuzz_}
  found=build/fuzz/corpus/$name
  mkdir -p "$found"
  echo "== $name, $seconds s"
  "$program" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="build/fuzz/crashes/$name-" "$found" "$seeds" || failed+=("$name")
done
if (( ${#failed[@]} )); then
  echo "== failed: ${failed[*]} (inputs in build/fuzz/crashes)" >&2
  exit 1
fi
