#!/usr/bin/env bash
# `make package`: builds the Debian packages into build/package/, from a copy of the tree as it lies here.
#
#     packaging/build_deb.sh [<Debian revision, default 1>]
#
# The version is that of CMakeLists.txt. Objects stay in build/package/objects for the next time.
set -euo pipefail
cd "$(dirname "$0")/.."
revision=${1:-1}
out=$PWD/build/package
version=$(sed -n 's/^project(Stave VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
epoch=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y CHANGELOG.md)
export SOURCE_DATE_EPOCH=$epoch STAVE_OBJECTS=$out/objects
# debhelper gives the build a home of its own; the cache is where it always is.
export CCACHE_DIR=${CCACHE_DIR:-$HOME/.cache/ccache} CCACHE_BASEDIR=$out CCACHE_NOHASHDIR=1

# Times of the files are kept, and what is gone goes, so that only what changed is compiled again.
source=$out/source
rm -rf "$source/debian" "$out"/*.deb
mkdir -p "$source"
list=$(mktemp)
trap 'rm -f "$list"' EXIT
find . -mindepth 1 \( -path ./build -o -path ./.git -o -path ./data -o -name __pycache__ -o -name node_modules \) -prune -o -type f -print >"$list"
(cd "$source" && find . -type f -not -path './obj-*') | sort | comm -23 - <(sort "$list") | (cd "$source" && xargs -r -d '\n' rm -f --)
tar -cf - --no-recursion --files-from "$list" | tar -xf - -C "$source"
cp -a packaging/debian "$source/debian"

cat >"$source/debian/changelog" <<END
stave ($version-$revision) unstable; urgency=medium

  * Release $version; what changed stands in CHANGELOG.md.

 -- $(sed -n 's/^Maintainer: //p' packaging/debian/control)  $(date -uR -d "@$epoch")
END
# Binary packages only.
cd "$source"
DEB_BUILD_OPTIONS="nocheck parallel=${JOBS:-$(nproc)}" dpkg-buildpackage --build=binary --no-pre-clean --no-sign \
  >"$out/build.log" 2>&1 || {
  tail -n 60 "$out/build.log" | grep -v '^\[[0-9]*/' | cut -c 1-300 >&2
  echo "build_deb: the whole log is $out/build.log" >&2
  exit 1
}
cd "$out"
printf '%s\n' "$out"/*.deb
