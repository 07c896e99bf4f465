#!/usr/bin/env bash
# npm test: everything that needs Node alone. Packages if missing, build, then all compiled tests.
#   npm test -- packages/lease/dist/test/*.test.js     only these
#   AIRLOCK_COVERAGE=1 npm test                        under tap's own runner, with coverage
# Each file is a process of its own that prints TAP; without tap's runner, whose TypeScript loader takes longer than most files.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=test/tally.sh
. test/tally.sh

# What a test leaves in the temporary directory goes with it. A short name: socket paths have 107 characters.
TMPDIR=$(mktemp -d /tmp/at.XXXXXX)
# Tests that run as root become somebody else, who has to get to their files.
chmod 0711 "$TMPDIR"
export TMPDIR
trap 'rm -rf -- "$TMPDIR"' EXIT

# npm writes its own copy of the lock last, so an older one means that the packages are not those of the lock.
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
fi
npm run --silent build

files=("$@")
if [ $# = 0 ]; then
  mapfile -t files < <(find test/dist bench/dist/test packages/*/dist/test packages/connectors/*/dist/test -name '*.test.js' ! -name '*.system.test.js' | sort)
fi
[ ${#files[@]} -gt 0 ] || { echo "test: no compiled test was found" >&2; exit 1; }

if [ "${AIRLOCK_COVERAGE:-}" = 1 ]; then
  exec node_modules/.bin/tap --show-full-coverage --jobs="$(nproc)" --timeout=180 --reporter=min "${files[@]}"
fi

# A slow machine is no failure: tap's limit for one test is 30 s.
export TAP_TIMEOUT=${TAP_TIMEOUT:-120} OUT=$TMPDIR/out
mkdir "$OUT"
run_file() { # FILE; leaves FILE's TAP, what it said besides, and its status
  local out=$OUT/${1//\//_} status=0 started=$EPOCHREALTIME
  node "$1" >"$out.tap" 2>"$out.err" </dev/null || status=$?
  printf '%s\n' "$status" >"$out.status"
  printf '%6d ms %s\n' $(((${EPOCHREALTIME/./} - ${started/./}) / 1000)) "$1" >"$out.time"
}
export -f run_file
# One more than there are cores: a test waits for a third of its time.
printf '%s\0' "${files[@]}" | xargs -0 -P $(($(nproc) + 1)) -I{} bash -c 'run_file "$1"' run {}

for file in "${files[@]}"; do
  out=$OUT/${file//\//_}
  status=$(cat "$out.status" 2>/dev/null || echo 1)
  before=$FAILED
  tally "$file" "$status" <"$out.tap" >"$out.sum"
  [ "$FAILED" != "$before" ] || continue
  printf '\n--- %s (status %s)\n' "$file" "$status"
  grep -nE -A24 '^ *not ok|# (SKIP|TODO)' "$out.tap" | grep -vE '^[0-9]+-? *ok ' || tail -n 20 "$out.tap"
  tail -n 20 "$out.err"
done
# Where the time goes. Not head, which ends sort by SIGPIPE if it is the quicker one.
sort -rn "$OUT"/*.time | sed -n '1,8s/^/# /p'
printf '# %d files in %d s\n' "${#files[@]}" "$SECONDS"
tally_end
