#!/usr/bin/env bash
# What is installed is all that a stranger needs: a project outside of this tree builds and runs with it, in C++ through
# find_package and pkg-config and in C, statically and against the shared library; no private header gets out.
#
#     install_test.sh <build directory> <C++ compiler> <C compiler>
set -euo pipefail
build=$1 cxx=$2 cc=$3
outside=$(cd "$(dirname "$0")/outside" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prefix=$scratch/prefix

fail() { echo "install_test: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$prefix" >"$scratch/log" || { cat "$scratch/log"; fail "cmake --install failed"; }
# Nothing of the build may be needed: the prefix is moved before it is used.
mv "$prefix" "$scratch/moved"
prefix=$scratch/moved
[[ "$(find "$prefix/include" -mindepth 1 -maxdepth 1 -printf '%f ')" == "stave " ]] || fail "include/ holds more than stave/"
grep -rhoE '#include "[^"]+"' "$prefix/include" | sort -u | grep -v '"stave/' && fail "a public header includes a private one"

echo "-- find_package"
build_outside() {
  cmake -S "$outside" -B "$scratch/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_C_COMPILER="$cc" &&
    cmake --build "$scratch/cmake"
}
build_outside >"$scratch/log" 2>&1 || { cat "$scratch/log"; fail "the outside project does not build"; }
for program in outside outside_shared outside_c; do
  "$scratch/cmake/$program" "$scratch/data-$program" || fail "$program failed"
done

echo "-- pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name stave.pc)")
export PKG_CONFIG_PATH
read -ra flags <<<"$(pkg-config --cflags --libs stave)"
"$cxx" -std=c++23 "$outside/outside.cc" "${flags[@]}" -o "$scratch/by_pkg_config"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir stave) "$scratch/by_pkg_config" "$scratch/data-pkg" || fail "the pkg-config program failed"

if [[ -x $prefix/bin/stave ]]; then
  "$prefix/bin/stave" --version >/dev/null || fail "the installed program does not say its version"
fi
echo "install_test: in order"
