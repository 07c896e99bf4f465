#!/usr/bin/env bash
# watch --notify with the real notify-send and a notification server, as the operator. Needs apt: libnotify-bin dbus python3-dbus python3-gi.
#   AIRLOCK_CTL='airlock-ctl'   AIRLOCK='runuser -u agent -- airlock'   test/system/notify.sh SERVICE
set -euo pipefail
export LC_ALL=C
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
read -ra ctl <<<"${AIRLOCK_CTL:-airlock-ctl}"
read -ra agent <<<"${AIRLOCK:-airlock}"
service=${1:?which service may be asked for}

if [ -z "${NOTIFY_BUS:-}" ]; then
  exec env NOTIFY_BUS=1 dbus-run-session -- bash "${BASH_SOURCE[0]}" "$service"
fi

work=$(mktemp -d)
cleanup() {
  kill "${server:-}" "${watch:-}" 2>/dev/null || true
  rm -rf -- "$work"
}
trap cleanup EXIT

fail() {
  printf 'not ok - %s\n' "$1"
  cat "$work"/* >&2
  exit 1
}
until_grep() { # text, file
  for _ in $(seq 200); do
    grep -q -- "$1" "$2" && return
    sleep 0.05
  done
  fail "no $1"
}

/usr/bin/python3 "$here/notification-server.py" >"$work/shown" 2>"$work/server" &
server=$!
until_grep '"ready"' "$work/shown"
"${ctl[@]}" watch --notify 2>"$work/watch" &
watch=$!
until_grep notifying "$work/watch"

reason='<b>ok</b> & \74i\76 "x" \u202e'
"${agent[@]}" request "$service" --reason "$reason" --json >"$work/asked"
until_grep '"summary": "Airlock: agents of role' "$work/shown"
"${ctl[@]}" deny --json >"$work/denied"
until_grep 'was denied' "$work/shown"

/usr/bin/python3 - "$work/shown" "$reason" <<'PYTHON' || fail 'what was shown is not what was asked'
import html, json, sys, xml.dom.minidom
shown = [one for one in map(json.loads, open(sys.argv[1])) if one["call"] == "Notify"]
assert len(shown) == 2, shown
asked, decided = shown
assert all(one["app"] == "Airlock" and one["actions"] == [] for one in shown), shown
assert decided["replaces"] == asked["id"], shown
parsed = xml.dom.minidom.parseString("<body>" + asked["body"] + "</body>").documentElement
assert all(node.nodeType == node.TEXT_NODE for node in parsed.childNodes), asked
words = asked["body"].split("\n")[1]
assert words.startswith("reason, the agent's words: "), words
assert json.loads(html.unescape(words.split(": ", 1)[1])) == sys.argv[2], words
PYTHON
echo 'ok - a request is told on the desktop, as text, without an action, and replaced when it is decided'
