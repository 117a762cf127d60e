#!/usr/bin/env bash
# Installs the Debian packages of one group: `run` (build and use smallblock), `page` (run, and what the page of
# `smallblock view` is built with) or `test` (page, and everything else ./test needs).
# Called by ./run and ./test before anything else. Says what it installs; silent and quick when nothing is missing.
set -euo pipefail

# An entry a|b is satisfied by either; the first one that the system offers is installed.
run_packages=(
  g++ cmake ninja-build "pkgconf|pkg-config" python3
  libcli11-dev libfmt-dev nlohmann-json3-dev libelf-dev libzstd-dev libprotozero-dev libcpp-httplib-dev zlib1g-dev libssl-dev
  libncurses-dev
)
test_packages=(
  clang clang-tidy clang-format libgtest-dev libgmock-dev libbenchmark-dev libboost-dev
  valgrind libc6-dbg gdb binutils git
  libjemalloc2 "libmimalloc2.0|libmimalloc3" libtcmalloc-minimal4 "libtbbmalloc2|libtbbmalloc2t64"
  python3-dev python3-dbg python3-setuptools python3-wheel python3-venv pypy3
  redis-tools memcached sqlite3 perl jq xz-utils gawk zstd python3-matplotlib tmux prometheus chromium
)

# Node.js may come from elsewhere, and bring its npm along; the system's packages of the two would get in its way.
page_packages() {
  command -v node >/dev/null || echo nodejs
  command -v npm >/dev/null || echo npm
}

# The sanitizer runtimes belong to the default clang and carry its version in their name.
clang_runtime() {
  local version
  if command -v clang >/dev/null; then
    version=$(readlink -f "$(command -v clang)" | sed -n 's|.*/llvm-\([0-9]*\)/.*|\1|p')
  else
    version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1)
  fi
  if [[ -n $version ]]; then
    echo "libclang-rt-$version-dev"
  fi
}

# CPython's own tests for the system's interpreter, which ships without them.
python_tests() {
  local python
  python=$(readlink -f /usr/bin/python3) || return 0
  if [[ $python == */python3.* ]]; then
    echo "lib${python##*/}-testsuite"
  fi
}

# Prints the entries of its arguments of which no alternative is installed.
missing_of() {
  local installed entry name
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed / /p') || return
  for entry in "$@"; do
    for name in ${entry//|/ }; do
      [[ $installed$'\n' != *" $name"$'\n'* ]] || continue 2
    done
    echo "$entry"
  done
}

offered_name() {
  local name
  for name in ${1//|/ }; do
    if [[ -n $(apt-cache show "$name" 2>/dev/null) ]]; then
      echo "$name"
      return
    fi
  done
  echo "${1%%|*}"
}

# Without a terminal nobody could type a password.
may_use_sudo() {
  command -v sudo >/dev/null || return 1
  [[ -t 0 ]] || sudo -n true 2>/dev/null
}

# Debian starts a service as it installs it and at each boot. Tests start what they need themselves, so nothing that is
# new here is to listen on this machine for them.
services=(memcached prometheus)
policy=/usr/sbin/policy-rc.d

forbid_services() {
  [[ ! -e $policy ]] || return 0
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
}

leave_disabled() {
  local name
  [[ -d /run/systemd/system ]] || return 0
  for name in "${services[@]}"; do
    [[ " $* " != *" $name "* ]] || "${as_root[@]}" systemctl disable --quiet "$name" >&2 || true
  done
}

as_root=()
apt_get() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -q "$@" >&2 || {
    echo "smallblock: apt-get $1 failed; the lines above say why (without a network, install what is missing yourself)" >&2
    exit 1
  }
}

install() {
  local entry names=()
  if ((EUID != 0)); then
    if ! may_use_sudo; then
      echo "smallblock: please install these packages as root: ${*%%|*}" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  echo "smallblock: installing ${*%%|*}" >&2
  apt_get update
  for entry in "$@"; do
    names+=("$(offered_name "$entry")")
  done
  forbid_services
  apt_get install -y --no-install-recommends "${names[@]}"
  leave_disabled "${names[@]}"
}

install_missing() {
  local missing entries
  if ! missing=$(missing_of "$@"); then
    echo "smallblock: dpkg-query cannot say what is installed" >&2
    exit 1
  fi
  [[ -n $missing ]] || return 0
  mapfile -t entries <<<"$missing"
  install "${entries[@]}"
}

group=${1:-run}
packages=("${run_packages[@]}")
case $group in
  run) ;;
  page) mapfile -t packages < <(printf '%s\n' "${run_packages[@]}" && page_packages) ;;
  test) mapfile -t packages < <(printf '%s\n' "${run_packages[@]}" "${test_packages[@]}" && page_packages) ;;
  *)
    echo "smallblock: unknown group '$group'; the groups are: run, page, test" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  # Not at each ./run: what was configured had what it needs.
  if [[ $group != run || ! -e $(dirname "${BASH_SOURCE[0]}")/../build/release/build.ninja ]]; then
    echo "smallblock: this is no Debian system; the build needs the counterparts of: ${packages[*]%%|*}" >&2
  fi
  exit 0
fi

install_missing "${packages[@]}"
if [[ $group == test ]]; then
  mapfile -t versioned < <(clang_runtime && python_tests)  # known only now: both carry a version in their name
  install_missing "${versioned[@]}"
fi
