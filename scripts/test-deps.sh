#!/usr/bin/env bash
# Sees to the programs that the tests use. As root on Debian or Ubuntu it installs what is missing; otherwise it names
# what is missing with the command that installs it, and fails.
set -euo pipefail

have() { command -v "$1" >/dev/null 2>&1; }

# Debian keeps the server's programs out of PATH.
have_postgres() {
  have postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null
}

# Beyond the PATH of ordinary users.
have_sshd() { [ -x /usr/sbin/sshd ]; }

# Beyond the PATH of ordinary users, too.
have_nginx() { [ -x /usr/sbin/nginx ]; }

# The engine itself, beyond the PATH of ordinary users, too.
have_dockerd() { [ -x /usr/sbin/dockerd ] || have dockerd; }

# One that needs no library: images of tests are made of it.
have_busybox_static() { have busybox && ! ldd "$(command -v busybox)" >/dev/null 2>&1; }

# Beyond the PATH of ordinary users, too.
have_ngircd() { [ -x /usr/sbin/ngircd ]; }

have_certificates() { [ -s /etc/ssl/certs/ca-certificates.crt ]; }

missing=()
need() { # package, then the check that says it is there
  local package=$1
  shift
  "$@" || missing+=("$package")
}

need gcc have cc
need make have make
need postgresql have_postgres
need git have git
need openssh-client have ssh
need openssh-server have_sshd
need nodejs have node
need npm have npm
need chromium have chromium
need python3 have python3
need procps have ps
need ca-certificates have_certificates
need iproute2 have ss
need nginx-light have_nginx
need pebble have pebble
need wrk have wrk
need curl have curl
need docker.io have_dockerd
need iptables have iptables
need busybox-static have_busybox_static
need ngircd have_ngircd

nextest=(cargo install cargo-nextest --locked)
have cargo || {
  echo "test-deps: cargo is missing; install Rust from https://rustup.rs" >&2
  exit 1
}
lacks_nextest() { ! cargo nextest --version >/dev/null 2>&1; }

if [ "$(id -u)" -eq 0 ] && have apt-get; then
  if [ ${#missing[@]} -gt 0 ]; then
    echo "test-deps: installing ${missing[*]}"
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  fi
  if lacks_nextest; then
    echo "test-deps: installing cargo-nextest (built from source, some minutes)"
    "${nextest[@]}"
  fi
  exit 0
fi

status=0
if [ ${#missing[@]} -gt 0 ]; then
  echo "test-deps: missing: ${missing[*]}" >&2
  echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
  status=1
fi
if lacks_nextest; then
  echo "test-deps: missing: cargo-nextest" >&2
  echo "  ${nextest[*]}" >&2
  status=1
fi
exit "$status"
