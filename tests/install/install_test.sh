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
for program in outside outside_shared outside_c outside_c_static; do
  "$scratch/cmake/$program" "$scratch/data-$program" || fail "$program failed"
done

echo "-- find_package without C++"
{ cmake -S "$outside/../outside_c" -B "$scratch/cmake_c" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" && cmake --build "$scratch/cmake_c"; } >"$scratch/log" 2>&1 ||
  { cat "$scratch/log"; fail "a project that knows C only does not build"; }
"$scratch/cmake_c/outside_c" "$scratch/data-only-c" || fail "the program of a project that knows C only failed"

echo "-- pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name stave.pc)")
export PKG_CONFIG_PATH
# As README says it: the program finds the library where it was installed, with no variable set.
read -ra flags <<<"$(pkg-config --cflags --libs stave) -Wl,-rpath,$(pkg-config --variable=libdir stave)"
"$cxx" -std=c++23 "$outside/outside.cc" "${flags[@]}" -o "$scratch/by_pkg_config"
"$scratch/by_pkg_config" "$scratch/data-pkg" || fail "the pkg-config program failed"
"$cc" "$outside/outside.c" "${flags[@]}" -o "$scratch/c_by_pkg_config"
"$scratch/c_by_pkg_config" "$scratch/data-pkg-c" || fail "the C program of pkg-config failed"
# Statically, the archive and what it is made of; from C too. The shared library is out of the way for that.
mkdir "$scratch/archive"
cp "$(pkg-config --variable=libdir stave)/libstave.a" "$scratch/archive"
read -ra flags <<<"-L$scratch/archive $(pkg-config --static --cflags --libs stave)"
"$cc" "$outside/outside.c" "${flags[@]}" -Wl,--fatal-warnings -o "$scratch/c_static"
ldd "$scratch/c_static" | grep -q libstave && fail "the static program wants libstave.so"
"$scratch/c_static" "$scratch/data-static" || fail "the static C program failed"

if [[ -x $prefix/bin/stave ]]; then
  "$prefix/bin/stave" --version >/dev/null || fail "the installed program does not say its version"
  for page in man1/stave.1 man1/stave-serve.1 man5/stave.conf.5; do
    [[ -s $prefix/share/man/$page ]] || fail "there is no man page $page"
  done
  for file in bash-completion/completions/stave zsh/site-functions/_stave fish/vendor_completions.d/stave.fish; do
    [[ -s $prefix/share/$file ]] || fail "there is no completion $file"
  done
  bash -n "$prefix/share/bash-completion/completions/stave" || fail "bash does not read its completion"
fi

# As its README says; Debian's npm is no package that the tests ask for.
if command -v npm >/dev/null && [[ -e /usr/include/node/node_api.h ]]; then
  echo "-- npm install"
  mkdir "$scratch/app"
  cp -r "$outside/../../../packaging/node" "$scratch/package"
  (cd "$scratch/app" && echo '{"name": "app", "version": "1.0.0"}' >package.json &&
    npm_config_nodedir=/usr npm_config_cache="$scratch/npm" CC=$cc npm install --offline --no-audit --no-fund "$scratch/package") >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; fail "npm install failed"; }
  [[ $(cd "$scratch/app" && node -e "const s = require('stave').open('data'); s.set('a', 'b'); console.log(String(s.get('a')))") == b ]] ||
    fail "the package for Node.js does not work"
fi

echo "-- docs"
docs=$(dirname "$(find "$prefix/share/doc" -name README.md -path '*tave/README.md')")
[[ -s $docs/docs/library.md && -s $docs/docs/reference/commands.md ]] || fail "the docs are not there"
grep -oE '\]\([^)#:]+\)' "$docs/README.md" | sed 's/^](//; s/)$//' | while read -r link; do
  [[ -e $docs/$link ]] || fail "README.md leads to $link, which is not installed"
done
echo "install_test: in order"
