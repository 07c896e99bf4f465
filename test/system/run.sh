#!/usr/bin/env bash
# npm run test:system [-- NAME…]: the tests that need a whole machine with systemd, real users and real services.
# Root, network (apt and npm) and systemd-nspawn are needed; a missing tool is a failure, never a skip.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
readonly ROOT
# shellcheck source=test/system/container.sh
. "$ROOT/test/system/container.sh"
# shellcheck source=test/tally.sh
. "$ROOT/test/tally.sh"

need() {
  local tool
  [ "$(id -u)" = 0 ] || { note "needs root: sudo npm run test:system"; exit 1; }
  for tool in systemd-nspawn debootstrap node npm git; do
    command -v "$tool" >/dev/null || { note "$tool is missing: apt-get install systemd-container debootstrap git"; exit 1; }
  done
}

RUN=
cleanup() {
  [ -z "$RUN" ] || close_tree "$RUN"
  RUN=
}
trap cleanup EXIT
trap 'exit 130' INT TERM

new_run() { # LAYER
  cleanup
  mkdir -p "$CACHE/runs"
  RUN=$(mktemp -d "$CACHE/runs/XXXXXXXX")
  chmod 0755 "$RUN"
  open_tree "$1" "$RUN"
  copy_network "$RUN/tree"
}

# One test in one machine; what it prints is TAP.
check_boot() { # NAME TIMEOUT_S COMMAND...
  local name=$1 status=0
  shift
  note "booting: $name"
  : >"$RUN/tree/airlock-test.log"
  boot "$RUN" "$@" || status=$?
  cat "$RUN/tree/airlock-test.log"
  tally "$name" "$status" <"$RUN/tree/airlock-test.log"
}

# The harness itself: what fails inside must fail outside.
expect_status() { # DESCRIPTION STATUS TIMEOUT_S COMMAND...
  local what=$1 wanted=$2 found=0
  shift 2
  boot "$RUN" "$@" 2>/dev/null || found=$?
  if [ "$found" = "$wanted" ]; then echo "ok - $what"; else echo "not ok - $what: status $found instead of $wanted"; fi
}

run_harness() {
  new_run "$(ensure_plain)"
  {
    expect_status "a command that succeeds" 0 60 true
    expect_status "a command that fails fails the run" 3 60 bash -c 'exit 3'
    expect_status "a command that hangs is ended" 124 8 sleep 100
    expect_status "a machine that goes down early is no success" 125 60 bash -c 'systemctl exit 0; sleep 100'
    if tally_would_pass 0 <<<$'ok 1 - fine\nnot ok 2 - broken'; then echo "not ok - a failed line was not counted"; else echo "ok - a failed line is counted"; fi
    if tally_would_pass 0 <<<'ok 1 - fine # SKIP no tool'; then echo "not ok - a skip was not counted"; else echo "ok - a skip is a failure"; fi
    if tally_would_pass 0 </dev/null; then echo "not ok - an empty log passed"; else echo "ok - an empty log is a failure"; fi
  } | tee "$RUN/harness.log"
  tally harness 0 <"$RUN/harness.log"
}

run_workstation() {
  mkdir -p "$CACHE/npm"
  NSPAWN_OPTIONS=(--bind="$CACHE/npm:/root/.npm")
  new_run "$(ensure_tools)"
  copy_npmrc "$RUN/tree" /root root
  check_boot "workstation" 1500 /checkout/test/system/guest.sh workstation
  check_boot "workstation after a reboot" 300 /checkout/test/system/guest.sh reboot
  check_boot "uninstall" 300 /checkout/test/system/guest.sh uninstall
}

run_walk() {
  mkdir -p "$CACHE/npm"
  NSPAWN_OPTIONS=(--bind="$CACHE/npm:/root/.npm")
  new_run "$(ensure_tools)"
  copy_npmrc "$RUN/tree" /root root
  [ "${AIRLOCK_WRITE_GOLDEN:-}" != 1 ] || touch "$RUN/tree/root/write-golden"
  check_boot "the README's walk" 1500 /checkout/test/system/guest.sh walk
  if [ "${AIRLOCK_WRITE_GOLDEN:-}" = 1 ]; then
    rm -rf "$ROOT/test/golden/walk"
    mkdir -p "$ROOT/test/golden"
    cp -r "$RUN/tree/root/walk" "$ROOT/test/golden/walk"
  fi
}

# With a TPM in software. systemd opens credentials in a child of PID 1, so it is PID 1 that has to know where the TPM is.
run_tpm() {
  mkdir -p "$CACHE/npm"
  NSPAWN_OPTIONS=(--bind="$CACHE/npm:/root/.npm" --setenv=SYSTEMD_TPM2_DEVICE=swtpm:path=/run/tpm/sock)
  new_run "$(ensure_tools)"
  copy_npmrc "$RUN/tree" /root root
  check_boot "TPM, and a new machine" 1500 /checkout/test/system/guest.sh tpm
}

run_readme() {
  NSPAWN_OPTIONS=()
  new_run "$(ensure_plain)"
  copy_npmrc "$RUN/tree" /root root
  check_boot "readme" 1500 /checkout/test/system/readme.sh
}

need
if [ "${AIRLOCK_TEST_BUILT:-}" != 1 ]; then (cd "$ROOT" && npm run --silent build >&2); fi
[ $# -gt 0 ] || set -- harness workstation tpm walk readme
for name in "$@"; do
  case "$name" in
    harness | workstation | tpm | walk | readme) "run_$name" ;;
    *) note "no test called $name: harness, workstation, tpm, walk, readme" && exit 2 ;;
  esac
done
tally_end
