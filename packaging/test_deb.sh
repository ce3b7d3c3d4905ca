#!/usr/bin/env bash
# `make package-test`: the packages of build/package in a fresh Debian 12 of debootstrap: installed, started, used, upgraded,
# removed, installed again and purged. Needs root, and the network for debootstrap and apt.
#
# The unit runs under systemd in a container of systemd-nspawn, where that can be had. Everything else is without systemd:
# what ExecStart= says is run as it is written, as the unit's user, in a network namespace of its own, so that the ports
# are free.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$PWD/build/package
mirror=${STAVE_DEBIAN_MIRROR:-http://deb.debian.org/debian}
(( EUID == 0 )) || { echo "test_deb: needs root, for debootstrap and chroot" >&2; exit 1; }
for tool in debootstrap unshare nsenter ip; do
  command -v "$tool" >/dev/null || { echo "test_deb: needs $tool (apt-get install debootstrap util-linux iproute2)" >&2; exit 1; }
done
mapfile -t packages < <(find "$out" -maxdepth 1 -name '*.deb' -not -name '*dbgsym*')
(( ${#packages[@]} == 4 )) || { echo "test_deb: run make package first" >&2; exit 1; }

root=$(mktemp -d "$out/root.XXXXXX")
server=0 network=0 machine=0
finish() {
  set +e
  (( machine )) && kill -KILL "$machine" 2>/dev/null && wait "$machine" 2>/dev/null
  (( server )) && kill -KILL "$server" 2>/dev/null
  (( network )) && kill -KILL "$network" 2>/dev/null
  unmount
  rm -rf --one-file-system "$root"
}
trap finish EXIT
mount_places() {
  mount -t proc proc "$root/proc"
  mount --bind /dev "$root/dev"
}
unmount() { for place in proc dev; do ! mountpoint -q "$root/$place" || umount "$root/$place"; done; }

say() { echo "-- $*"; }
fail() { echo "test_deb: $*" >&2; tail -n 30 "$root/log" >&2 2>/dev/null || true; exit 1; }
inside() { chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
apt() { inside apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >"$root/log" 2>&1 || fail "apt-get $*"; }
expect() { # expect <what it should print> <command...>
  local wanted=$1 got
  shift
  got=$("$@" 2>&1) || true
  [[ $got == "$wanted" ]] || fail "$* printed '$got' and not '$wanted'"
}
package() { basename "$(find "$root/var/packages" -name "$1_*.deb")" | sed 's|^|/var/packages/|'; }
absent() { [[ ! -e $root/$1 ]] || fail "$1 is still there"; }

say "a fresh root"
# What debootstrap made is kept as an archive for the next time.
if [[ ! -f $out/bookworm.tar ]]; then
  debootstrap --variant=minbase bookworm "$out/bookworm" "$mirror" >"$out/debootstrap.log" || { tail "$out/debootstrap.log" >&2; exit 1; }
  tar -C "$out/bookworm" -cf "$out/bookworm.tar" . && rm -rf --one-file-system "$out/bookworm"
fi
tar -C "$root" -xf "$out/bookworm.tar"
mount_places
cp /etc/resolv.conf "$root/etc/resolv.conf"
mkdir -p "$root/var/packages"
cp "${packages[@]}" "$root/var/packages/"
apt update

say "install"
apt install "$(package stave)" "$(package libstave0.1)"
expect "stave:stave 750" inside stat -c '%U:%G %a' /var/lib/stave
expect "root:stave 640" inside stat -c '%U:%G %a' /etc/stave/stave.conf
expect "/usr/sbin/nologin" inside sh -c "getent passwd stave | cut -d: -f7"
inside stave --version >/dev/null || fail "the program does not run"
for page in man1/stave.1 man1/stave-serve.1 man5/stave.conf.5; do
  inside test -s "/usr/share/man/$page.gz" || [[ -f $root/etc/dpkg/dpkg.cfg.d/excludes ]] || fail "no man page $page"
done

if [[ ! -f $root/etc/dpkg/dpkg.cfg.d/excludes ]]; then
  grep -oE '\]\([^)#:]+\)' "$root/usr/share/doc/stave/README.md" | sed 's/^](//; s/)$//' | while read -r link; do
    [[ -e $root/usr/share/doc/stave/$link ]] || fail "README.md leads to $link, which no package has"
  done
fi

say "the unit"
unit=$root/lib/systemd/system/stave.service
apt install systemd systemd-sysv dbus
inside systemd-analyze verify --man=no /lib/systemd/system/stave.service >"$root/log" 2>&1 || fail "systemd-analyze verify"
[[ ! -s $root/log ]] || fail "systemd-analyze verify has something to say"
inside systemd-analyze security --offline=true --threshold=20 --no-pager /lib/systemd/system/stave.service >"$root/log" 2>&1 || fail "the unit is exposed"
echo "   $(tail -n 1 "$root/log" | sed 's/^[^O]*//')"

in_machine() { nsenter --target "$leader" --mount --uts --ipc --net --pid "$@"; }
machine_shell() { in_machine stave shell --connect 127.0.0.1:6379 --raw "$@"; }
under_systemd() {
  local pid
  expect active in_machine systemctl is-active stave
  # Active is what has been started; it serves a moment later.
  until machine_shell PING >/dev/null 2>&1; do :; done
  expect OK machine_shell SET boot first
  pid=$(in_machine systemctl show --property MainPID --value stave)
  expect "$(printf 'CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2')" in_machine grep -E '^(CapEff|NoNewPrivs|Seccomp):' "/proc/$pid/status"
  expect stave in_machine stat -c %U "/proc/$pid"
  # Killed, it comes back by itself, with everything.
  in_machine systemctl kill --kill-whom=main --signal=KILL stave
  until [[ $(in_machine systemctl show --property NRestarts --value stave) == 1 ]] && in_machine systemctl is-active --quiet stave; do :; done
  until machine_shell PING >/dev/null 2>&1; do :; done
  expect first machine_shell GET boot
  in_machine systemctl restart stave
  until machine_shell PING >/dev/null 2>&1; do :; done
  expect first machine_shell GET boot
  in_machine systemctl stop stave
  expect inactive in_machine systemctl is-active stave
  expect success in_machine systemctl show --property Result --value stave
}
if command -v systemd-nspawn >/dev/null; then
  unmount
  systemd-nspawn --directory="$root" --keep-unit --register=no --boot --private-network --console=pipe </dev/null >"$root/log" 2>&1 &
  machine=$!
  leader=""
  until leader=$(pgrep -P "$machine") && in_machine systemctl is-system-running --wait >/dev/null 2>&1 || in_machine systemctl is-active --quiet multi-user.target 2>/dev/null; do
    kill -0 "$machine" 2>/dev/null || { machine=0; break; }
  done
  if (( machine )); then
    under_systemd
    in_machine systemctl poweroff >/dev/null 2>&1 || true
    wait "$machine" 2>/dev/null || true
    machine=0
    echo "   ran under systemd"
  else
    echo "   systemd-nspawn cannot boot here; the unit was not run"
  fi
  mount_places
else
  echo "   systemd-nspawn is not installed; the unit was not run"
fi
rm -rf "$root/var/lib/stave"
inside install -d -o stave -g stave -m 750 /var/lib/stave

unshare --net sleep infinity &
network=$!
disown "$network"
until [[ $(readlink "/proc/$network/ns/net") != $(readlink /proc/self/ns/net) ]]; do :; done
nsenter --target "$network" --net ip link set lo up

start() {
  local command user
  command=$(sed -n 's/^ExecStart=//p' "$unit")
  user=$(sed -n 's/^User=//p' "$unit"):$(sed -n 's/^Group=//p' "$unit")
  rm -f "$root/ready"
  mkfifo "$root/ready"
  # shellcheck disable=SC2086 # the words of ExecStart
  nsenter --target "$network" --net chroot --userspec="$user" "$root" /usr/bin/env -i PATH=/usr/bin $command >"$root/ready" 2>"$root/log" &
  server=$!
  local line=""
  read -r line <"$root/ready" || fail "the server did not start"
  [[ $line == *"is ready on"* ]] || fail "the server said '$line'"
}
stop() {
  kill -TERM "$server"
  wait "$server" || fail "the server did not end in good order"
  server=0
}
shell() { nsenter --target "$network" --net chroot "$root" stave shell --connect 127.0.0.1:6379 --raw "$@"; }

say "start, use, stop"
start
expect OK shell SET greeting "hello from the package"
expect "hello from the package" shell GET greeting
nsenter --target "$network" --net python3 -c "
import urllib.request
def get(path): return urllib.request.urlopen('http://127.0.0.1:8080' + path).read()
assert get('/db/greeting') == b'hello from the package'
assert b'ready' in get('/readyz')
assert b'stave_build_info' in get('/metrics')" || fail "HTTP does not answer"
stop
grep -q "Everything is on disk" "$root/log" || fail "the server did not say goodbye"

say "a program of somebody else's, with the library"
apt install "$(package libstave-dev)"
"${CXX:-g++}" -std=c++23 -isystem "$root/usr/include" tests/install/outside/outside.cc \
  -L "$root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)" -lstave -o "$root/usr/bin/outside"
inside outside /var/outside || fail "the program failed"

say "the module for Python"
apt install "$(package python3-stave)"
expect "b'Alice' 1" inside python3 -c "
import stave
with stave.open('/var/by_python') as store:
    store['user:1'] = 'Alice'
with stave.open('/var/by_python') as store:
    print(store['user:1'], len(store))"

say "upgrade"
# The next revision: the same with another number and another sentence in its configuration file.
next=$(mktemp -d "$out/next.XXXXXX")
dpkg-deb -R "$root$(package stave)" "$next"
sed -i 's/^Version: \(.*\)-1$/Version: \1-2/' "$next/DEBIAN/control"
echo "# New in this revision." >>"$next/etc/stave/stave.conf"
sed -i "s|^[0-9a-f]* \(.*etc/stave/stave.conf\)|$(md5sum <"$next/etc/stave/stave.conf" | cut -d' ' -f1) \1|" "$next/DEBIAN/md5sums"
dpkg-deb --root-owner-group -b "$next" "$root/var/packages/next.deb" >/dev/null
rm -rf "$next"
start
echo "maxclients 500" >>"$root/etc/stave/stave.conf"
apt -o Dpkg::Options::=--force-confold install /var/packages/next.deb
expect "hello from the package" shell GET greeting
stop
grep -q "^maxclients 500" "$root/etc/stave/stave.conf" || fail "the administrator's configuration is gone"
expect "root:stave 640" inside stat -c '%U:%G %a' /etc/stave/stave.conf
start
expect "hello from the package" shell GET greeting
expect $'maxclients\n500' shell CONFIG GET maxclients
stop

say "remove, and install again"
apt remove stave
absent usr/bin/stave
inside test -d /var/lib/stave || fail "removing took the data"
inside test -f /etc/stave/stave.conf || fail "removing took the configuration"
apt install /var/packages/next.deb
start
expect "hello from the package" shell GET greeting
stop

say "purge"
apt purge stave libstave0.1 libstave-dev python3-stave
for place in var/lib/stave etc/stave usr/bin/stave usr/share/stave lib/systemd/system/stave.service; do absent "$place"; done
inside getent passwd stave >/dev/null && fail "the user is still there"
left=$(inside find / -xdev -name '*stave*' -not -path '/var/packages/*' -not -path '/var/cache/*' -not -path '/proc/*' || true)
[[ -z $left ]] || fail "left behind: $left"
echo "test_deb: in order"
