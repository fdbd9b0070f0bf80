#!/usr/bin/env bash
# Builds the dashboard into web/dist, where the program takes it from. Does nothing where nothing changed: the packages
# are installed when the lockfile changed, the build is made when a source of it did.
#
#   scripts/dashboard.sh          packages and build, as needed
#   scripts/dashboard.sh deps     the packages alone
#   scripts/dashboard.sh test     types, rooms, unit tests, build and budgets
set -euo pipefail

cd "$(dirname "$0")/../web"

# What this script remembers of the last time.
mkdir -p .build

tools() {
    local sudo="" packages=()
    [ "$(id -u)" = 0 ] || sudo="sudo "
    command -v node >/dev/null || packages+=(nodejs)
    command -v npm >/dev/null || packages+=(npm)
    if [ ${#packages[@]} -gt 0 ]; then
        echo "The dashboard is built with Node.js and npm. Run:" >&2
        echo "  ${sudo}apt-get install -y ${packages[*]}" >&2
        exit 1
    fi
    # The bundler's own floor; an older one fails with a riddle.
    if ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19) ? 0 : 1)'; then
        echo "The dashboard is built with Node.js 20.19 or newer; here is $(node --version)." >&2
        echo "  install a newer one as https://nodejs.org says" >&2
        exit 1
    fi
}

digest() { # the contents and names of files, as one number
    find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1
}

deps() {
    local now
    now=$(digest package.json package-lock.json)
    [ -d node_modules ] && [ "$(cat .build/packages 2>/dev/null)" = "$now" ] && return
    echo "dashboard: installing its packages"
    npm ci --no-audit --no-fund --loglevel=error
    echo "$now" >.build/packages
}

build() {
    local now
    now=$(digest src public index.html vite.config.ts tsconfig.json package-lock.json scripts/compress.mjs ../openapi/serverflow.json)
    [ -f dist/index.html ] && [ "$(cat .build/dist 2>/dev/null)" = "$now" ] && return
    echo "dashboard: building it"
    rm -f .build/dist
    npx --no-install vite build --logLevel warn
    node scripts/compress.mjs
    echo "$now" >.build/dist
}

# The types of the API are generated and committed; another contract gives others.
drift() {
    local fresh=.build/schema.ts
    npx --no-install openapi-typescript ../openapi/serverflow.json -o "$fresh" >/dev/null 2>&1
    if ! diff -u src/api/schema.ts "$fresh" >.build/schema.diff; then
        head -40 .build/schema.diff >&2
        echo "web/src/api/schema.ts is not what openapi/serverflow.json says. Run: cd web && npm run generate" >&2
        exit 1
    fi
}

tools
case "${1:-build}" in
deps) deps ;;
build)
    deps
    build
    ;;
test)
    deps
    drift
    npm run --silent check
    npm run --silent lint
    npm run --silent test
    build
    npm run --silent budgets
    ;;
*)
    echo "usage: scripts/dashboard.sh [deps|build|test]" >&2
    exit 2
    ;;
esac
