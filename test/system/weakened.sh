# shellcheck shell=bash
# What the weakenings are made of (weakened*.ts), each of which `mend` takes back. Sourced as root in the test machine.
W=/run/airlock-weak
NODE=/usr/lib/airlock/node
install -d -m 0700 "$W"

keep() { stat -L -c '%a %u %g %n' "$1" >>"$W/modes"; }

# A path that others may use, and the way to it.
loosen() { # PATH MODE
  local d
  [ -e "$1" ] || { echo "no $1" >&2; return 1; }
  d=$(dirname "$1")
  while [ "$d" != / ]; do
    (($(stat -L -c '0%a' "$d") & 1)) || { keep "$d" && chmod o+x "$d"; }
    d=$(dirname "$d")
  done
  keep "$1" && chmod "$2" "$1"
}

give() { keep "$1" && chown "$2" "$1"; } # PATH USER

nearest() { # PATH → it, or the nearest directory above that exists
  local p=$1
  while [ ! -e "$p" ]; do p=$(dirname "$p"); done
  printf '%s\n' "$p"
}

cover_kcore() {
  if [ -e /proc/kcore ]; then cover /proc/kcore 0444 weak; else cover /usr/bin/head 0755 '#!/bin/true'; fi
}

# A file that was not there, or is put in place of what was, with its directories.
make() { # PATH MODE OWNER [TEXT]
  local top=$1
  if [ -e "$1" ]; then
    cp -a "$1" "$W/file" && echo "$1" >"$W/file.path"
  else
    while [ ! -e "$(dirname "$top")" ]; do top=$(dirname "$top"); done
    echo "$top" >>"$W/made"
    mkdir -p "$(dirname "$1")"
    [ "$top" = "$1" ] || chmod -R o+rx "$top"
  fi
  printf '%s\n' "${4:-weak}" >"$1"
  chown "$3:" "$1"
  loosen "$1" "$2"
}

# Another file in the place of one.
cover() { # PATH MODE TEXT
  printf '%s\n' "$3" >"$W/cover"
  chmod "$2" "$W/cover"
  over "$W/cover" "$1"
}

over() { # FILE PATH
  mount --bind "$1" "$2"
  echo "$2" >>"$W/mounts"
}

cover_kernel() { # PATH
  local above
  if [ -e "$1" ]; then cover "$1" 0666 weak; return; fi
  above=$(nearest "$1")
  # Where this kernel has no such file, one could be made; /proc itself stays as it is.
  if [ "$above" = /proc ]; then cover /usr/bin/dirname 0755 $'#!/bin/sh\necho /tmp'; return; fi
  mount -t tmpfs -o mode=0777 weak "$above"
  echo "$above" >>"$W/mounts"
}

cover_credentials() {
  mount -t tmpfs -o mode=0755 weak /run/credentials
  echo /run/credentials >>"$W/mounts"
  install -D -m 0644 /dev/null /run/credentials/airlock-totp.service/airlock-wrap
}

# A member of a group, which is made where there is none.
join() { # GROUP USER
  getent group "$1" >/dev/null || { groupadd "$1" && echo "$1" >>"$W/groups"; }
  usermod -aG "$1" "$2"
  echo "$2 $1" >>"$W/members"
}

setuid() { # TOOL
  local p
  p=$(readlink -f "$(command -v "$1")")
  keep "$p" && chmod u+s "$p"
}

# CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_KILL, CAP_NET_RAW and CAP_SYS_PTRACE, as setcap(8) would write them.
capable() { # TOOL
  local p
  p=$(readlink -f "$(command -v "$1")")
  setfattr -n security.capability -v 0x0100000226200800000000000000000000000000 "$p"
  echo "$p" >>"$W/capable"
}

# The agent's own process in the place of a daemon; in its command line stands what must not.
victim() {
  setpriv --reuid="$AGENT" --regid="$AGENT" --init-groups bash -c 'exec -a al1.weakened sleep 600' >/dev/null 2>&1 </dev/null &
  echo $! | tee -a "$W/pids" >"$W/victim"
  # Until it is what it will be: a signal before that would meet setpriv.
  for _ in {1..200}; do grep -qa '^al1' "/proc/$!/cmdline" && return; sleep 0.01; done
}

careless() { # USER
  setpriv --reuid="$1" --regid="$1" --init-groups bash -c 'exec -a al1.weakened sleep 600' >/dev/null 2>&1 </dev/null &
  echo $! >>"$W/pids"
  for _ in {1..200}; do grep -qa '^al1' "/proc/$!/cmdline" && return; sleep 0.01; done
}

# A server at a path, at an abstract name, or at a port as the user of a daemon.
listen() { # WHERE
  local top=$1
  if [[ $1 == /* ]]; then
    while [ ! -e "$(dirname "$top")" ]; do top=$(dirname "$top"); done
    echo "$top" >>"$W/made"
    mkdir -p "$(dirname "$1")"
  fi
  local as=(env)
  [[ $1 != [0-9]* ]] || as=(setpriv --reuid=airlock-gateway --clear-groups)
  "${as[@]}" "$NODE" -e '
    const [where] = process.argv.slice(1);
    const at = /^\d+$/.test(where) ? { port: Number(where), host: "127.0.0.1" } : where.startsWith("@") ? { path: where.replace("@", "\0") } : { path: where, writableAll: true, readableAll: true };
    require("net").createServer(() => undefined).listen(at, () => console.log("ready"));' "$1" >"$W/listen" 2>&1 </dev/null &
  echo $! >>"$W/pids"
  for _ in {1..300}; do grep -q ready "$W/listen" && return; sleep 0.01; done
}

# A daemon that takes everybody and everything.
say_yes() { # SOCKET...
  "$NODE" -e '
    const [path] = process.argv.slice(1);
    require("net").createServer((socket) => {
      let text = "";
      socket.on("error", () => undefined).setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
        for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
          const { id } = JSON.parse(text.slice(0, end));
          text = text.slice(end + 1);
          if (id !== undefined) socket.write(JSON.stringify({ jsonrpc: "2.0", id, result: {} }) + "\n");
        }
      });
    }).listen({ path, readableAll: true, writableAll: true }, () => console.log("ready"));' "$W/yes.sock" >"$W/listen" 2>&1 </dev/null &
  echo $! >>"$W/pids"
  for _ in {1..300}; do grep -q ready "$W/listen" && break; sleep 0.01; done
  local socket
  for socket in "$@"; do over "$W/yes.sock" "$socket"; done
}

terminal() { # USER
  setpriv --reuid="$1" --regid="$1" --init-groups env -u TMUX HOME="/home/$1" tmux -f /dev/null -L weak new-session -d 'sleep 600'
  echo "$1" >"$W/terminal"
}

control_group() { # UNIT → directory of it that can be written
  local group base
  group=$(systemctl show -P ControlGroup "$1")
  for base in /sys/fs/cgroup /sys/fs/cgroup/unified; do
    [ ! -e "$base$group/cgroup.procs" ] || { printf '%s\n' "$base$group"; return; }
  done
}

drop_in() { # UNIT SETTING
  install -d "/run/systemd/system/$1.d"
  printf '[Service]\n%s\n' "$2" >"/run/systemd/system/$1.d/99-weak.conf"
  echo "/run/systemd/system/$1.d" >>"$W/made"
  systemctl daemon-reload
}

each() { # LIST → its lines, newest first, of a list that then is gone
  [ ! -e "$W/$1" ] || { tac "$W/$1" && rm -f "$W/$1"; }
}

mend() {
  local line mode uid gid path user group
  each mounts | while read -r line; do umount "$line"; done
  each pids | while read -r line; do kill -KILL "$line" 2>/dev/null; done
  each terminal | while read -r line; do setpriv --reuid="$line" --regid="$line" --init-groups tmux -L weak kill-server; done
  each capable | while read -r line; do setfattr -x security.capability "$line"; done
  each modes | while read -r mode uid gid path; do [ ! -e "$path" ] || { chown "$uid:$gid" "$path" && chmod "$mode" "$path"; }; done
  each file.path | while read -r line; do cp -a "$W/file" "$line"; done
  each made | while read -r line; do
    rm -rf "$line"
    [[ $line != /run/systemd/system/* ]] || systemctl daemon-reload
  done
  each members | while read -r user group; do gpasswd -d "$user" "$group" >/dev/null; done
  each groups | while read -r line; do groupdel "$line"; done
  rm -f "$W"/cover "$W"/yes.sock "$W"/listen "$W"/victim "$W"/file
  return 0
}
