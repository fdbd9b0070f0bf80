#!/usr/bin/env bash
# Runs the newest `serverflow` of this clone; a development build does where no release was built.
set -euo pipefail

cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-target}"
for profile in release debug; do
    program="$target/$profile/serverflow"
    [ ! -x "$program" ] || exec "$program" "$@"
done
echo "serverflow is not built yet: make build" >&2
exit 1
