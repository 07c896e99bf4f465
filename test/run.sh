#!/usr/bin/env bash
# npm test: everything that needs Node alone. Packages if missing, build, then tap over all compiled tests.
#   npm test -- packages/lease/dist/test/*.test.js     only these
#   AIRLOCK_COVERAGE=1 npm test                        with coverage
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=test/tally.sh
. test/tally.sh

# npm writes its own copy of the lock last, so an older one means that the packages are not those of the lock.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
npm run --silent build

files=("$@")
if [ $# = 0 ]; then
  mapfile -t files < <(find test/dist packages/*/dist/test packages/connectors/*/dist/test -name '*.test.js' ! -name '*.system.test.js' | sort)
fi
[ ${#files[@]} -gt 0 ] || { echo "test: no compiled test was found" >&2; exit 1; }

coverage=--disable-coverage
[ "${AIRLOCK_COVERAGE:-}" != 1 ] || coverage=--show-full-coverage
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
node_modules/.bin/tap "$coverage" --allow-empty-coverage --jobs="$(nproc)" --timeout=180 --reporter=min \
  --output-file="$log" "${files[@]}" </dev/null || status=$?
tally "${#files[@]} files" "$status" <"$log"
tally_end
