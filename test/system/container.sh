# shellcheck shell=bash
# A real systemd machine for the tests: layers made once, a throwaway tree for each run, systemd-nspawn to boot it.
# Sourced by run.sh. Everything outside the throwaway tree is left as it was.

readonly CACHE=${AIRLOCK_TEST_CACHE:-/var/cache/airlock-test}
readonly SUITE=bookworm
# Only Node, npm and git: what README asks for. libstdc++6 is Node's own need.
readonly PLAIN_PACKAGES=(ca-certificates git libstdc++6 procps)
readonly TOOL_PACKAGES=(acl attr dovecot-imapd gdb libnotify-bin libtss2-esys-3.0.2-0 libtss2-mu0 libtss2-rc0 libtss2-tcti-swtpm0 man-db oathtool openssl python3-dbus python3-gi strace sudo swtpm tmux util-linux-extra zbar-tools)

note() { printf 'system: %s\n' "$*" >&2; }

# Name, certificate and proxy settings of this machine, so that apt and npm work inside.
copy_network() { # TREE
  local file
  for file in /etc/resolv.conf /etc/hosts; do
    [ -r "$file" ] && rm -f "$1$file" && install -D -m 0644 "$file" "$1$file"
  done
  if [ -d /etc/ssl/certs ] && [ -r /etc/ssl/certs/ca-certificates.crt ]; then
    install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
  fi
  if [ -n "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r "$NODE_EXTRA_CA_CERTS" ]; then
    install -D -m 0644 "$NODE_EXTRA_CA_CERTS" "$1/etc/airlock-test/extra-ca.crt"
  fi
}

# The registry settings of whoever runs the tests; they never stand in the repository.
copy_npmrc() { # TREE HOME OWNER
  [ ! -r "$HOME/.npmrc" ] || install -o "$3" -g "$3" -m 0600 "$HOME/.npmrc" "$1$2/.npmrc"
}

in_tree() { # TREE COMMAND...
  local tree=$1 status=0
  shift
  mount -t proc proc "$tree/proc"
  mount --bind /dev "$tree/dev"
  DEBIAN_FRONTEND=noninteractive LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$tree" "$@" </dev/null >&2 || status=$?
  umount "$tree/dev" "$tree/proc"
  return "$status"
}

install_packages() { # TREE PACKAGE...
  local tree=$1
  shift
  copy_network "$tree"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
  chmod 0755 "$tree/usr/sbin/policy-rc.d"
  in_tree "$tree" apt-get -q -o Acquire::Retries=3 update
  in_tree "$tree" apt-get -q -y --no-install-recommends install "$@"
  in_tree "$tree" apt-get clean
  rm -f "$tree/usr/sbin/policy-rc.d"
}

install_node() { # TREE
  local node npm
  node=$(readlink -f "$(command -v node)")
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  install -D -m 0755 "$node" "$1/usr/local/bin/node"
  mkdir -p "$1/usr/local/lib/node_modules"
  cp -a "$npm" "$1/usr/local/lib/node_modules/npm"
  chown -R 0:0 "$1/usr/local/lib/node_modules"
  chmod -R go-w "$1/usr/local/lib/node_modules"
  ln -sf ../lib/node_modules/npm/bin/npm-cli.js "$1/usr/local/bin/npm"
  ln -sf ../lib/node_modules/npm/bin/npx-cli.js "$1/usr/local/bin/npx"
}

# Timers and network services of a distribution have no part in these tests.
quieten() { # TREE
  local unit
  for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer man-db.timer \
    dovecot.service dovecot.socket systemd-networkd.service systemd-resolved.service systemd-timesyncd.service; do
    ln -sf /dev/null "$1/etc/systemd/system/$unit"
  done
  : >"$1/etc/machine-id"
}

finish_layer() { # BUILDING PATH
  rm -rf "$2"
  mv "$1" "$2"
}

ensure_base() { # → path on stdout
  local base=$CACHE/base
  if [ ! -x "$base/usr/bin/systemctl" ] && [ ! -x "$base/bin/systemctl" ]; then
    note "making a Debian root in $base"
    rm -rf "$base.new"
    mkdir -p "$CACHE"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,passwd "$SUITE" "$base.new" >&2
    finish_layer "$base.new" "$base"
  fi
  printf '%s\n' "$base"
}

layer_key() { # WORDS... → what the layer was made of
  { printf '%s\n' "$@" "$SUITE"; node --version; npm --version; } | sha256sum | cut -c1-12
}

ensure_plain() {
  local base path
  base=$(ensure_base)
  path=$CACHE/plain-$(layer_key "${PLAIN_PACKAGES[@]}")
  if [ ! -d "$path" ]; then
    note "adding ${PLAIN_PACKAGES[*]} and Node"
    rm -rf "$path.new"
    cp -a --reflink=auto "$base" "$path.new"
    install_packages "$path.new" "${PLAIN_PACKAGES[@]}"
    install_node "$path.new"
    quieten "$path.new"
    finish_layer "$path.new" "$path"
  fi
  printf '%s\n' "$path"
}

ensure_tools() {
  local plain path
  plain=$(ensure_plain)
  path=$CACHE/tools-$(layer_key "${PLAIN_PACKAGES[@]}" "${TOOL_PACKAGES[@]}")
  if [ ! -d "$path" ]; then
    note "adding ${TOOL_PACKAGES[*]}"
    rm -rf "$path.new"
    cp -a --reflink=auto "$plain" "$path.new"
    install_packages "$path.new" "${TOOL_PACKAGES[@]}"
    quieten "$path.new"
    finish_layer "$path.new" "$path"
  fi
  printf '%s\n' "$path"
}

# A tree of its own above a layer: an overlay where the kernel has it, else a copy.
open_tree() { # LAYER RUN
  mkdir -p "$2/tree" "$2/upper" "$2/work"
  mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/tree" 2>/dev/null ||
    { rmdir "$2/tree" && cp -a --reflink=auto "$1" "$2/tree"; }
}

close_tree() { # RUN
  ! mountpoint -q "$1/tree" || umount "$1/tree" || umount -l "$1/tree"
  rm -rf --one-file-system -- "$1"
}

# Boots the tree, runs COMMAND as a unit inside and powers off with its status. What it printed is in RUN/tree/airlock-test.log.
boot() { # RUN TIMEOUT_S COMMAND...
  local run=$1 limit=$2 tree=$1/tree status=0
  shift 2
  install -d -m 0755 "$tree/etc/airlock-test"
  printf '%s\n' '#!/bin/bash' 'status=0' "$(printf '%q ' "$@") || status=\$?" 'sync' 'printf "%s\n" "$status" >/etc/airlock-test/status' \
    'systemctl exit "$status"' >"$tree/etc/airlock-test/start"
  chmod 0755 "$tree/etc/airlock-test/start"
  rm -f "$tree/etc/airlock-test/status"
  {
    echo PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    echo HOME=/root
    echo LC_ALL=C.UTF-8
    [ ! -e "$tree/etc/airlock-test/extra-ca.crt" ] || echo NODE_EXTRA_CA_CERTS=/etc/airlock-test/extra-ca.crt
  } >"$tree/etc/airlock-test/environment"
  cat >"$tree/etc/systemd/system/test-run.service" <<'UNIT'
[Unit]
Description=the test
After=multi-user.target sockets.target

[Service]
Type=exec
EnvironmentFile=/etc/airlock-test/environment
ExecStart=/etc/airlock-test/start
StandardInput=null
StandardOutput=append:/airlock-test.log
StandardError=append:/airlock-test.log

[Install]
WantedBy=default.target
UNIT
  mkdir -p "$tree/etc/systemd/system/default.target.wants"
  ln -sf ../test-run.service "$tree/etc/systemd/system/default.target.wants/test-run.service"
  # What nspawn would refuse by itself is allowed: it is Airlock's walls that are tried. CAP_NET_ADMIN: systemd brings up the loopback
  # interface of a unit's own network namespace with it.
  timeout -k 15 "$limit" systemd-nspawn -q -D "$tree" --boot --register=no --keep-unit --console=pipe --link-journal=no \
    --machine="airlock-test-$$" --resolv-conf=off --timezone=off \
    --capability=CAP_NET_ADMIN --system-call-filter='pidfd_getfd process_vm_readv kcmp' \
    --bind-ro="$ROOT:/checkout" ${NSPAWN_OPTIONS[@]+"${NSPAWN_OPTIONS[@]}"} >>"$run/console.log" 2>&1 </dev/null || status=$?
  [ "$status" != 124 ] && [ "$status" != 137 ] || { note "took longer than $limit s"; return 124; }
  if [ ! -e "$tree/etc/airlock-test/status" ]; then
    note "the machine ended without a result (status $status); its console:"
    tail -n 40 "$run/console.log" >&2
    return 125
  fi
  return "$(cat "$tree/etc/airlock-test/status")"
}
