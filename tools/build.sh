#!/usr/bin/env bash
# Configures a preset (only when that is needed; CMake keeps itself up to date) and builds targets of it.
#
#     tools/build.sh release -- all
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1
shift
[[ "${1:-}" == -- ]] && shift
# What one checkout compiled serves every other: ccache sees paths relative to the checkout.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
directory=build/$preset
mkdir -p build
if [[ ! -f $directory/build.ninja || CMakePresets.json -nt $directory/build.ninja ]]; then
  cmake --preset "$preset" >"$directory.configure.log" 2>&1 || {
    cat "$directory.configure.log" >&2
    exit 1
  }
fi
exec cmake --build "$directory" --parallel "${JOBS:-$(nproc)}" --target "$@"
