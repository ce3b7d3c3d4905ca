#!/usr/bin/env bash
# `make soak`: the promises of `make test` for as long as it is told to (SOAK_MINUTES, default 60). Every test that
# can go on for longer reads its measure from the environment and prints the seed it goes on from; they carry the label `soak`.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${SOAK_MINUTES:-60}
tools/build.sh release -- all
ln -sfn release/stave build/stave
export STAVE_SOAK_MINUTES=$minutes
# A simulated crash and its recovery take about a millisecond, a kill and its restart about one second.
export STAVE_CRASH_STATES=${STAVE_CRASH_STATES:-$((minutes * 20000))}
export STAVE_KILLS=${STAVE_KILLS:-$((minutes > 4 ? minutes * 10 : 40))}
tools/fuzz.sh $((minutes * 60 / 12 + 1))
exec ctest --test-dir build/release --output-on-failure --label-regex soak --timeout $((minutes * 60 * 3 + 600)) --no-tests=error
