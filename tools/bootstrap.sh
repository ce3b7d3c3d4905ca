#!/usr/bin/env bash
# Installs the Debian packages that a task needs, if any are missing. Quick and silent when none is.
#
#     tools/bootstrap.sh build [test] [bench] [lint] [package] [package-test]      install what these sets need
#     tools/bootstrap.sh --list build …                   only print the packages, one per line
#
# Installing never starts a service: redis-server, which the tests run on ports of their own, would take 6379.
set -euo pipefail

packages_of() {
  case "$1" in
    build) echo "make cmake ninja-build python3 ccache g++ pkg-config libxxhash-dev liblz4-dev libzstd-dev liblua5.1-0-dev libssl-dev libspdlog-dev libcli11-dev libboost1.81-dev libboost-json1.81-dev zlib1g-dev libedit-dev libjemalloc-dev prometheus-cpp-dev protobuf-compiler libprotobuf-dev" ;;
    test)
      echo "libgtest-dev python3 python3-redis python3-yaml redis-server redis-tools clang-19 libclang-rt-19-dev llvm-19 procps curl nodejs mypy openssl"
      # A Node.js from elsewhere brings its headers along, and Debian's would not go beside them.
      [[ -e /usr/include/node/node_api.h ]] || echo "libnode-dev" ;;
    bench) echo "python3 wrk nginx-light etcd-server redis-server redis-tools librocksdb-dev libleveldb-dev liblmdb-dev iso-codes" ;;
    lint) echo "clang-19 clang-format-19 clang-tidy-19 shellcheck python3 libgtest-dev" ;;
    package) echo "build-essential debhelper dh-python dpkg-dev python3" ;;
    package-test) echo "debootstrap iproute2 lintian procps systemd-container util-linux" ;;
    *) echo "bootstrap: no such set: $1 (build, test, bench, lint, package, package-test)" >&2; return 1 ;;
  esac
}

list_only=no
if [[ "${1:-}" == --list ]]; then list_only=yes; shift; fi
wanted=()
for set_name in "${@:-build}"; do
  names=$(packages_of "$set_name")
  # shellcheck disable=SC2206 # a list of words on purpose
  wanted+=($names)
done
if [[ $list_only == yes ]]; then printf '%s\n' "${wanted[@]}" | sort -u; exit 0; fi

if ! command -v dpkg-query >/dev/null; then
  echo "bootstrap: this is not a Debian system; install the equivalents of: ${wanted[*]}" >&2
  exit 1
fi

installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null | sed -n 's/^installed //p' || true)
missing=()
for name in "${wanted[@]}"; do
  grep -qxF -- "$name" <<<"$installed" || missing+=("$name")
done
(( ${#missing[@]} )) || exit 0

as_root=()
if (( EUID != 0 )); then
  if ! command -v sudo >/dev/null; then
    echo "bootstrap: please install as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "bootstrap: installing ${missing[*]}"

# invoke-rc.d and deb-systemd-invoke ask this program before they start anything; 101 is "no".
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi

apt_install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -qq -y --no-install-recommends install "${missing[@]}" >/dev/null
}
apt_update() { "${as_root[@]}" apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -qq update; }

# Package lists are fetched only when there are none, or when they turn out to be stale.
if ! apt-cache show -- "${missing[@]}" >/dev/null 2>&1; then apt_update; fi
apt_install || { apt_update; apt_install; }
