#!/usr/bin/env bash
# `make soak`: the promises of `make test` for as long as it is told to (SOAK_MINUTES, default 60). Every test that
# can go on for longer reads STAVE_SOAK_MINUTES and prints the seed it goes on from; they carry the label `soak`.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=${SOAK_MINUTES:-60}
tools/build.sh release -- all
ln -sfn release/stave build/stave
export STAVE_SOAK_MINUTES=$minutes
tools/fuzz.sh $((minutes * 60 / 12 + 1))
exec ctest --test-dir build/release --output-on-failure --label-regex soak --timeout $((minutes * 60 * 3 + 600)) --no-tests=error
