#!/bin/bash
# Inside a machine with nothing but Node, npm and git: README's commands, as a user without any right.
set -uo pipefail
export TMPDIR=/tmp
failed=0
check() { # DESCRIPTION COMMAND...
  local what=$1
  shift
  if "$@"; then echo "ok - $what"; else echo "not ok - $what"; failed=1; fi
}
as() { runuser -u visitor -- env -i HOME=/home/visitor PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"} CI=true "$@" </dev/null; }
running() { ps -o pid=,args= -u visitor || true; }
# What a user leaves outside of the checkout and of npm's own cache.
traces() { find / -xdev \( -path /proc -o -path /sys -o -path /home/visitor/airlock -o -path /home/visitor/.npm -o -path /home/visitor/.npmrc \) -prune -o -user visitor ! -path /home/visitor ! -name '.bash*' ! -name .profile -print; find /tmp /var/tmp /dev/shm /run -user visitor 2>/dev/null; true; }
empty() { [ -z "$1" ] || { echo "# $1"; return 1; }; }

useradd --create-home --shell /bin/bash visitor
[ ! -e /root/.npmrc ] || install -o visitor -m 0600 /root/.npmrc /home/visitor/.npmrc
git config --system --add safe.directory '*'

check "git clone" as git clone --quiet --no-hardlinks /checkout /home/visitor/airlock
cd /home/visitor/airlock || exit 1
check "./install.sh --demo" as ./install.sh --demo
check "the demo leaves nothing running" empty "$(running)"
check "the demo leaves nothing behind" empty "$(traces)"
check "the demo leaves the checkout as it was" empty "$(as git status --porcelain)"
started=$SECONDS
check "a second demo" as ./install.sh --demo
check "takes less than 60 s ($((SECONDS - started)) s)" test $((SECONDS - started)) -lt 60
as npm test >/tmp/npm-test.log 2>&1
status=$?
tail -n 40 /tmp/npm-test.log | sed 's/^/# /'
check "npm test" test "$status" = 0
check "npm test ends with its figures" grep -qE '^[0-9]+ passed, 0 failed$' /tmp/npm-test.log
sleep 1
check "npm test leaves nothing running" empty "$(running)"
check "npm test leaves nothing behind" empty "$(traces)"
exit "$failed"
