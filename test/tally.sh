# shellcheck shell=bash
# Adds up TAP from several runs: single assertions count, summaries of subtests do not. A skip or a todo is a failure,
# but for what root cannot be refused ("# SKIP root …"): the unprivileged run in test/system/readme.sh has these.

PASSED=0 FAILED=0

# stdin: TAP. A run without a single passed assertion, or with a status other than 0, has failed whatever it printed.
tally_count() { # STATUS → "passed failed"
  awk -v status="$1" -v user="$(id -u)" '
    /^ *(not )?ok( [0-9]+)?( -.*)? # time=/ { next }
    /^ *not ok( |$)/ { failed++; next }
    /^ *ok( |$)/ && / # SKIP root / && user == 0 { next }
    /^ *ok( |$)/ && / # (SKIP|TODO|skip|todo)/ { failed++; next }
    /^ *ok( |$)/ { passed++ }
    END {
      if (failed == 0 && (status != 0 || passed == 0)) failed = 1
      print passed + 0, failed + 0
    }'
}

tally_would_pass() { # STATUS
  local passed failed
  read -r passed failed < <(tally_count "$1")
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

tally() { # NAME STATUS
  local passed failed
  read -r passed failed < <(tally_count "$2")
  PASSED=$((PASSED + passed)) FAILED=$((FAILED + failed))
  printf '# %s: %d passed, %d failed\n' "$1" "$passed" "$failed"
}

# The last line of every run, and its status.
tally_end() {
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  [ "$FAILED" = 0 ]
}
