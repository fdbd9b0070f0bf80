#!/usr/bin/env bash
# What building and running needs. All that is missing is named at once, with the command that installs it, before
# minutes are spent on a build.
set -euo pipefail

sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo "
packages=()
fixes=()

command -v git >/dev/null || packages+=(git)
# The dashboard is built with these, the example runs with the first.
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
# The cryptography of the control plane is compiled from C.
command -v cc >/dev/null || packages+=(gcc libc6-dev)
[ ${#packages[@]} = 0 ] || fixes+=("${sudo}apt-get install -y ${packages[*]}")
command -v cargo >/dev/null || fixes+=("install Rust as https://rustup.rs says")

if [ ${#fixes[@]} -gt 0 ]; then
    echo "Something is missing here. Run:" >&2
    printf '  %s\n' "${fixes[@]}" >&2
    exit 1
fi
