#!/usr/bin/env bash
# `make soak`: the promises of `make test` for as long as it is told to (SOAK_MINUTES, default 60; SOAK_MINUTES=1440 for a day).
#
# First each fuzzer for a share of the time, then rounds of the random, crash and kill tests, each round with a seed of its own
# and at more than a hundred times the size that `make test` runs. STAVE_SEED repeats a round.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${SOAK_MINUTES:-60}
begin=$SECONDS
tools/build.sh release -- all
ln -sfn release/stave build/stave
fuzzers=$(find fuzz -name 'fuzz_*.cc' | wc -l)
tools/fuzz.sh $((minutes * 60 / 3 / fuzzers + 1))

export STAVE_CRASH_STATES=${STAVE_CRASH_STATES:-5000000} STAVE_KILLS=${STAVE_KILLS:-200}
export STAVE_MODEL_CALLS=${STAVE_MODEL_CALLS:-50000000} STAVE_SCHEDULES=${STAVE_SCHEDULES:-100000000}
export STAVE_FULL_DISKS=${STAVE_FULL_DISKS:-200} STAVE_CLUSTERS=${STAVE_CLUSTERS:-20000}
round=0
while (( round == 0 || SECONDS - begin < minutes * 60 )); do
  round=$((round + 1))
  seed=${STAVE_SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
  echo "== round $round, STAVE_SEED=$seed STAVE_CRASH_STATES=$STAVE_CRASH_STATES STAVE_KILLS=$STAVE_KILLS"
  STAVE_SEED=$seed ctest --test-dir build/release --output-on-failure --timeout 86400 \
    --tests-regex '^(testing|log|keyspace|store|commands|crash|interleave|cluster|kill|full_disk|model|oracle|package_index|server)$'
  [[ -z ${STAVE_SEED:-} ]] || break
done
