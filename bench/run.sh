#!/usr/bin/env bash
# `make bench`: the machine, then the library and the server beside their peers.
#
#     bench/run.sh build/bench [library|server|http|life|compression] [options of that program]
set -euo pipefail
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
which=${1:-all}
(( $# )) && shift

echo "machine: $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(nproc) processors," \
  "$(awk '/MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo), Linux $(uname -r)," \
  "commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown)"
if [[ $which == all || $which == library ]]; then
  "$build/bench/library_bench" --dir "$build/library-data" "$@"
  echo
fi
if [[ $which == all || $which == server ]]; then
  mkdir -p "$build/server-data"
  python3 bench/server_bench.py --stave "$build/stave" --dir "$build/server-data" "$@"
fi
if [[ $which == all || $which == http ]]; then
  python3 bench/http_bench.py --stave "$build/stave" "$@"
fi
if [[ $which == all || $which == life ]]; then
  mkdir -p "$build/life-data"
  for peer in stave rocksdb leveldb; do
    "$build/bench/life_bench" --dir "$build/life-data" --part overwrite --peer "$peer"
  done
  "$build/bench/life_bench" --dir "$build/life-data" --part rebuild --keys 5000000
  # The same limit for the whole process, page cache included, where the system lets us set one.
  for spread in uniform zipfian; do
    for peer in stave rocksdb; do
      python3 bench/limited.py --bytes 167772160 -- "$build/bench/life_bench" --dir "$build/life-data" --part memory \
        --peer "$peer" --spread "$spread" --memory 100663296
    done
  done
  python3 bench/life_bench.py --stave "$build/stave" --dir "$build/life-data" "$@"
fi
if [[ $which == all || $which == compression ]]; then
  # Documents and text that a Debian system has: package iso-codes, apt's index of packages, pages below /usr/share/doc.
  options=()
  [[ $which == compression ]] && options=("$@")
  index=$build/package-index
  apt-cache dumpavail >"$index"
  printf '\nJSON\n'
  "$build/bench/compression_bench" "${options[@]}" /usr/share/iso-codes/json/*.json
  printf '\nPackage index\n'
  "$build/bench/compression_bench" "${options[@]}" "$index"
  printf '\nText\n'
  find /usr/share/doc -type f \( -name 'README*' -o -name '*.txt' \) -print0 | sort -z |
    xargs -0 "$build/bench/compression_bench" "${options[@]}"
fi
