#!/usr/bin/env bash
# Airlock's installer: --demo (no root), the workstation (root, systemd), --uninstall.
# It trusts nothing that an agent could write: checkout, Node and every parent directory are checked first.
set -euo pipefail
export LC_ALL=C
umask 022

readonly HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)"
readonly LIB=/usr/lib/airlock
readonly ETC=/etc/airlock
readonly BIN=/usr/local/bin
readonly UNITS=/etc/systemd/system
readonly USER_UNITS=/usr/lib/systemd/user
readonly MAN=/usr/share/man
# Where each shell looks by itself; zsh's own directory differs from system to system, this one does not.
readonly BASH_COMPLETIONS=/usr/share/bash-completion/completions
readonly ZSH_COMPLETIONS=/usr/local/share/zsh/site-functions
readonly FISH_COMPLETIONS=/usr/share/fish/vendor_completions.d
readonly MIN_NODE=20.19.0

say() { printf 'airlock: %s\n' "$*"; }
die() { # message hint [status]
  printf 'airlock: error: %s\nairlock: hint: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

usage() {
  cat <<'TEXT'
Usage:
  ./install.sh --demo [--raw]                try the whole loop here, without root, leaving nothing behind
  sudo ./install.sh [--operator U] [--agent-user V] [--same-user] [--seal-with K]
                                             install or upgrade on this workstation
  sudo ./install.sh --reseal K               seal the wrapping key of an installation anew, with K as below
  sudo ./install.sh --uninstall [--purge]    remove; --purge also removes credentials, records and users

  --operator U     the Linux user who approves (default: who called sudo)
  --agent-user V   the Linux user agents run as (default: airlock-agent, made if missing)
  --same-user      accept that agent and operator are one user: weaker, see SECURITY.md
  --seal-with K    what seals the wrapping key: tpm2+host, tpm2 or host
                   (default: the TPM and the key of the host where systemd finds a TPM, else the key of the host)
TEXT
}

# --- what is asked for -------------------------------------------------------------------------------------------
mode=install operator="${SUDO_USER:-}" agent_user=airlock-agent same_user=no purge=no seal_with= raw=()
while [ $# -gt 0 ]; do
  case "$1" in
    --demo) mode=demo ;;
    --raw) raw=(--raw) ;;
    --operator | --agent-user)
      [ -n "${2:-}" ] || die "$1 needs a user name" "./install.sh --help" 2
      if [ "$1" = --operator ]; then operator=$2; else agent_user=$2; fi
      shift
      ;;
    --same-user) same_user=yes ;;
    --seal-with | --reseal)
      case "${2:-}" in
        tpm2+host | tpm2 | host) seal_with=$2 ;;
        *) die "$1 ${2:-without a value}: allowed are tpm2+host, tpm2, host" "./install.sh --help" 2 ;;
      esac
      [ "$1" = --seal-with ] || mode=reseal
      shift
      ;;
    --uninstall) mode=uninstall ;;
    --purge) purge=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) die "unknown argument: $1" "./install.sh --help" 2 ;;
  esac
  shift
done
[ "$purge" = no ] || [ "$mode" = uninstall ] || die "--purge goes with --uninstall" "./install.sh --help" 2

# --- checks ------------------------------------------------------------------------------------------------------
# As root nothing is looked up in the caller's PATH but Node and npm, and these are checked before they run.
readonly CALLER_PATH=$PATH
readonly SYSTEM_PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
NODE= NPM=

find_node() {
  NODE=$(PATH=$CALLER_PATH type -P node) || die "Node is not installed" "install Node $MIN_NODE or newer with npm, then run this again: https://nodejs.org" 1
  NPM=$(PATH=$CALLER_PATH type -P npm) || die "npm is not installed" "install npm (it comes with Node), then run this again" 1
  NODE=$(readlink -f "$NODE") NPM=$(readlink -f "$NPM")
}

need_version() {
  local version
  version=$("$NODE" -p 'process.versions.node')
  [ "$(printf '%s\n%s\n' "$MIN_NODE" "$version" | sort -V | head -n 1)" = "$MIN_NODE" ] ||
    die "Node $version is too old" "install Node $MIN_NODE or newer, then run this again" 1
}

need_root() {
  [ "$(id -u)" = 0 ] || die "the workstation set-up needs root" "sudo $HERE/install.sh    (to try without root: ./install.sh --demo)" 1
  PATH=$SYSTEM_PATH
}

need_systemd() {
  [ -d /run/systemd/system ] || die "systemd is not running here" "without systemd only the demo works: ./install.sh --demo" 1
}

# Who besides root may own what is installed from: the one who called sudo, unless agents run as this user.
trusted_uid() {
  if [ "$same_user" = yes ] || [ "${SUDO_USER:-}" = "$agent_user" ]; then echo 0; else echo "${SUDO_UID:-0}"; fi
}

move_hint() { # what
  case "$1" in
    checkout) echo "move it below a directory of root: sudo cp -r $HERE /opt/airlock && sudo chown -R root: /opt/airlock" ;;
    *) echo "use a Node that belongs to root, e.g.: sudo env PATH=/usr/local/bin:/usr/bin:/bin $HERE/install.sh" ;;
  esac
}

# Every component of a path must be out of reach of other users: owner root or the one who called sudo, not writable by
# group or others (in a sticky directory such as /tmp others cannot rename what is not theirs). An access list shows in the
# group's bits.
trusted_path() { # path what
  local path=$1 what=$2 caller owner perm
  caller=$(trusted_uid)
  while :; do
    owner=$(stat -Lc %u "$path") perm=$(stat -Lc %a "$path")
    [ "$owner" = 0 ] || [ "$owner" = "$caller" ] || die "$what: $path belongs to user $(stat -Lc %U "$path"), who could change it" "$(move_hint "$what")"
    if (((8#$perm & 8#0022) != 0 && (8#$perm & 8#1000) == 0)); then
      die "$what: $path can be written by other users (mode $perm)" "sudo chmod go-w $path"
    fi
    [ "$path" != / ] || break
    path=$(dirname "$path")
  done
}

trusted_tree() { # directory what
  local found link caller
  caller=$(trusted_uid)
  found=$(find "$1" -path "$1/.git" -prune -o -path "$1/node_modules" -prune -o ! -type l \( -perm /022 -o ! \( -uid 0 -o -uid "$caller" \) \) -print -quit)
  [ -z "$found" ] || die "$2: $found can be written by another user" "sudo chown -R root: $1 && sudo chmod -R go-w $1"
  while IFS= read -r -d '' link; do
    case "$(readlink -m "$link")" in
      "$1"/*) ;;
      *) die "$2: $link is a link that leads out of it" "rm $link" ;;
    esac
  done < <(find "$1" -path "$1/.git" -prune -o -path "$1/node_modules" -prune -o -type l -print0)
}

valid_name() { [[ $1 =~ ^[a-z0-9][a-z0-9-]{0,17}$ ]]; }

# --- demo --------------------------------------------------------------------------------------------------------
prepare_checkout() { # node_modules and dist in the checkout itself
  cd "$HERE"
  if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "fetching the pinned packages (npm ci --ignore-scripts)"
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  fi
  say "building"
  npm run --silent build >&2
}

run_demo() {
  find_node
  need_version
  prepare_checkout
  exec node "$HERE/packages/testkit/bin/demo.js" "${raw[@]}"
}

# --- workstation -------------------------------------------------------------------------------------------------
staging=
cleanup() { [ -z "$staging" ] || rm -rf -- "$staging"; }
trap cleanup EXIT

# Built in a private copy, so that nothing of root's is left in the checkout.
build_privately() {
  staging=$(mktemp -d /var/tmp/airlock-build.XXXXXXXX)
  tar -C "$HERE" --exclude=./node_modules --exclude=./dist --exclude=./.git --exclude='*/dist' -cf - . | tar -C "$staging" --no-same-owner -xf -
  cd "$staging"
  say "fetching the pinned packages (npm ci --ignore-scripts)"
  env -u NODE_OPTIONS -u NODE_PATH PATH="$(dirname "$NODE"):$SYSTEM_PATH" "$NPM" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  say "building"
  env -u NODE_OPTIONS -u NODE_PATH PATH="$(dirname "$NODE"):$SYSTEM_PATH" "$NODE" packages/build.mjs >&2
  cd /
}

ensure_group() { getent group "$1" >/dev/null || groupadd --system "$1"; }
ensure_service_user() {
  ensure_group "$1"
  getent passwd "$1" >/dev/null || useradd --system --gid "$1" --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "$1"
}

new_logins=()
join_group() { # user group
  if ! id -nG "$1" | tr ' ' '\n' | grep -qx -- "$2"; then
    usermod -aG "$2" "$1"
    new_logins+=("$1")
  fi
}

install_program() { # bundle name, command name
  cat >"$LIB.new/$2" <<SCRIPT
#!/bin/sh
# Absolute paths only; nothing of the caller's environment may load code into this process.
unset NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_REPL_EXTERNAL_MODULE NODE_V8_COVERAGE NODE_PENDING_DEPRECATION
exec $LIB/node $LIB/$1.cjs "\$@"
SCRIPT
  chmod 0755 "$LIB.new/$2"
}

install_library() {
  rm -rf "$LIB.new"
  install -d -m 0755 "$LIB.new"
  cp -r "$staging/dist/lib/." "$LIB.new/"
  rm -rf "$LIB.new/dev"
  install -m 0755 "$NODE" "$LIB.new/node"
  install -m 0644 "$staging/systemd/mcp-resolv.conf" "$LIB.new/mcp-resolv.conf"
  install_program airlock-ctl airlock-ctl
  install_program airlock airlock
  chown -R root:root "$LIB.new"
  chmod -R go-w "$LIB.new"
  rm -rf "$LIB.old"
  [ ! -d "$LIB" ] || mv "$LIB" "$LIB.old"
  mv "$LIB.new" "$LIB"
  rm -rf "$LIB.old"
  install -d -m 0755 "$BIN"
  for command in airlock airlock-ctl; do ln -sfn "$LIB/$command" "$BIN/$command"; done
}

install_manual() {
  local page command
  for page in "$staging"/docs/man/*.[158]; do install -D -m 0644 "$page" "$MAN/man${page##*.}/${page##*/}"; done
  install -d -m 0755 "$BASH_COMPLETIONS" "$ZSH_COMPLETIONS" "$FISH_COMPLETIONS"
  for command in airlock airlock-ctl; do
    "$LIB/$command" completion bash >"$BASH_COMPLETIONS/$command"
    "$LIB/$command" completion zsh >"$ZSH_COMPLETIONS/_$command"
    "$LIB/$command" completion fish >"$FISH_COMPLETIONS/$command.fish"
    chmod 0644 "$BASH_COMPLETIONS/$command" "$ZSH_COMPLETIONS/_$command" "$FISH_COMPLETIONS/$command.fish"
  done
}

remove_manual() {
  local command
  rm -f "$MAN"/man1/airlock.1 "$MAN"/man1/airlock-ctl.1 "$MAN"/man5/airlock.yaml.5 "$MAN"/man8/airlock-*.8
  for command in airlock airlock-ctl; do
    rm -f "$BASH_COMPLETIONS/$command" "$ZSH_COMPLETIONS/_$command" "$FISH_COMPLETIONS/$command.fish"
  done
}

install_config() {
  install -d -m 0755 "$ETC" "$ETC/keys" "$ETC/compiled" "$ETC/connectors" "$ETC/policies" "$ETC/skills"
  [ -e "$ETC/airlock.yaml" ] || cat >"$ETC/airlock.yaml" <<'YAML'
# Airlock's configuration. A change takes effect with: systemctl restart airlock-totp airlock-gateway
totp: {issuer: Airlock, digits: 6, period: 30}
leases: {default_ttl_minutes: 60, max_ttl_minutes: 480, request_ttl_minutes: 5}
permissions: {default: read}
audit: {retain_days: 365, group_commit_ms: 20}
YAML
  chmod 0644 "$ETC/airlock.yaml"
  local isolation=users
  [ "$operator" != "$agent_user" ] || isolation=same-user
  "$LIB/airlock-ctl" config member --operator "$operator" --role default --isolation "$isolation"
}

# W, which wraps airlock-totp's secrets: sealed to the TPM and the key of the host where systemd-creds can, else a file of the daemon's.
# Bound to the TPM itself, not to what it measured: an update of the firmware must not cost the vault. Register 16 is the one nobody
# measures into; systemd 252 seals with none at all, and then does not open.
readonly TPM_REGISTERS=16

open_key() { systemd-creds decrypt --name=airlock-wrap "$1" -; } # FILE, W on stdout

seal_key() { # KIND FILE, W on stdin; what does not open again is no seal
  (umask 077 && systemd-creds encrypt --with-key="$1" --tpm2-pcrs=$TPM_REGISTERS --name=airlock-wrap - "$2") && [ "$(open_key "$2" 2>/dev/null | wc -c)" = 32 ]
}

present_key() { # W on stdout, a fresh one where there is none yet
  if [ -e "$ETC/wrap.cred" ]; then
    open_key "$ETC/wrap.cred"
  elif [ -e /var/lib/airlock-totp/wrap.key ]; then
    cat /var/lib/airlock-totp/wrap.key
  else
    head -c 32 /dev/urandom
  fi
}

seal_failed() { # what systemd-creds said
  rm -f "$ETC/wrap.cred.new"
  die "the wrapping key cannot be sealed with $seal_with: $(tail -n 1 <<<"$1")" \
    "is there a TPM (systemd-creds has-tpm2), and its library (apt-get install libtss2-esys-3.0.2-0)? --seal-with host goes without; nothing was changed"
}

# The old form goes only once the new one was opened and holds the same key.
seal_anew() {
  local new=$ETC/wrap.cred.new problem is_new=no
  command -v systemd-creds >/dev/null || die "$seal_with needs systemd-creds, which is not installed" "install systemd 250 or newer, or leave out --seal-with"
  rm -f "$new"
  [ -e "$ETC/wrap.cred" ] || [ -e /var/lib/airlock-totp/wrap.key ] || is_new=yes
  problem=$({ present_key | seal_key "$seal_with" "$new"; } 2>&1) || seal_failed "$problem"
  [ "$is_new" = yes ] || [ "$({ present_key | sha256sum; } 2>/dev/null)" = "$({ open_key "$new" | sha256sum; } 2>/dev/null)" ] || seal_failed "what was sealed opens as something else"
  sync "$new"
  mv "$new" "$ETC/wrap.cred"
  sync "$ETC"
  rm -f /var/lib/airlock-totp/wrap.key
}

run_reseal() {
  need_root
  need_systemd
  [ -x "$LIB/airlock-ctl" ] && [ -d "$ETC" ] || die "Airlock is not installed here" "sudo $HERE/install.sh --seal-with $seal_with"
  install_wrapping_key
  systemctl daemon-reload
  systemctl restart airlock-totp.service
  say "the wrapping key is sealed with: $seal_with"
}

install_wrapping_key() {
  local dropin=$UNITS/airlock-totp.service.d
  if [ -n "$seal_with" ]; then
    seal_anew
  elif [ ! -e "$ETC/wrap.cred" ] && [ ! -e /var/lib/airlock-totp/wrap.key ] && command -v systemd-creds >/dev/null; then
    if ! { present_key | seal_key auto "$ETC/wrap.cred.new" || { rm -f "$ETC/wrap.cred.new" && present_key | seal_key host "$ETC/wrap.cred.new"; }; } 2>/dev/null; then
      rm -f "$ETC/wrap.cred.new"
      say "note: systemd-creds cannot seal here; the wrapping key stays in /var/lib/airlock-totp (mode 0600)"
    else
      mv "$ETC/wrap.cred.new" "$ETC/wrap.cred"
    fi
  fi
  if [ -e "$ETC/wrap.cred" ]; then
    chmod 0600 "$ETC/wrap.cred"
    install -d -m 0755 "$dropin"
    # Where it does not open the daemon cannot start; then this says what to do, and holds the next try back for a moment.
    printf '[Service]\nLoadCredentialEncrypted=airlock-wrap:%s/wrap.cred\n%s\n' "$ETC" \
      "ExecStopPost=-+/bin/sh -c 'test \"\$\$SERVICE_RESULT\" != exit-code || exec $LIB/airlock-ctl config unsealed'" >"$dropin/wrap.conf"
  fi
}

all_units() {
  local slot
  echo airlock-bridge.socket airlock-release.socket airlock-root.socket airlock-export.socket airlock-presence.socket
  for slot in $(seq 0 15); do echo "airlock-mcp@$slot.socket" "airlock-cell@$slot.socket"; done
  "$LIB/airlock-ctl" config units
}

install_units() {
  install -m 0644 "$staging"/systemd/*.service "$staging"/systemd/*.socket "$UNITS/"
  install -D -m 0644 "$staging/systemd/user/airlock-watch.service" "$USER_UNITS/airlock-watch.service"
  systemctl daemon-reload
  local units
  units=$(all_units)
  # A socket cannot be restarted while its service runs.
  systemctl stop airlock-presence.service airlock-export.service airlock-gateway.service airlock-totp.service 'airlock-cell@*.service' 'airlock-mcp@*.service' 2>/dev/null || true
  # shellcheck disable=SC2086
  systemctl enable --quiet $units airlock-totp.service airlock-gateway.service airlock-export.service airlock-presence.service airlock-sleep.service
  # shellcheck disable=SC2086
  systemctl restart $units
  systemctl start airlock-totp.service airlock-gateway.service
  # The one ends at once where airlock.yaml names no sinks, the other where presence is off.
  systemctl restart airlock-export.service airlock-presence.service
}

write_keys() { # public keys of the log heads, for `audit verify`
  "$LIB/airlock-ctl" config keys || die "airlock-totp does not answer" "journalctl -u airlock-totp -n 50"
}

run_install() {
  need_root
  need_systemd
  find_node
  [ -n "$operator" ] && [ "$operator" != root ] || die "which user approves?" "sudo ./install.sh --operator YOUR-LOGIN-NAME" 2
  id "$operator" >/dev/null 2>&1 || die "there is no user $operator" "sudo ./install.sh --operator YOUR-LOGIN-NAME" 2
  valid_name "$operator" || die "the user name $operator cannot name a socket" "allowed: a-z, 0-9 and -, at most 18 characters" 2
  [[ $agent_user =~ ^[a-z_][a-z0-9_-]{0,31}$ ]] || die "$agent_user cannot be a user name" "--agent-user NAME, of a-z, 0-9, _ and -" 2
  [ "$agent_user" != root ] || die "root cannot be the agents' user: root can do everything" "leave out --agent-user, or name another user" 2
  if [ "$operator" = "$agent_user" ] && [ "$same_user" = no ]; then
    die "agent and operator would be one user ($operator): the agent could then read what you type" \
      "give agents a user of their own (leave out --agent-user), or accept the weaker mode with --same-user" 2
  fi
  trusted_path "$HERE" checkout
  trusted_tree "$HERE" checkout
  trusted_path "$NODE" node
  trusted_path "$NPM" npm
  need_version
  build_privately

  say "making users and groups"
  ensure_service_user airlock-totp
  ensure_service_user airlock-gateway
  ensure_service_user airlock-export
  ensure_service_user airlock-presence
  for group in airlock-cells airlock-relay airlock-r-default "airlock-o-$operator"; do ensure_group "$group"; done
  getent passwd "$agent_user" >/dev/null || useradd --create-home --shell /bin/bash --comment "Airlock agents" "$agent_user"
  join_group "$operator" "airlock-o-$operator"
  join_group "$agent_user" airlock-r-default
  install -d -m 0700 -o airlock-totp -g airlock-totp /var/lib/airlock-totp
  install -d -m 0700 -o airlock-gateway -g airlock-gateway /var/lib/airlock-gateway
  install -d -m 0750 -o root -g airlock-cells /srv/airlock
  install -d -m 0755 -o root -g root /var/lib/airlock-mcp

  say "installing programs, configuration and units"
  install_library
  install_manual
  install_config
  install_wrapping_key
  install_units
  write_keys
  say "installed. airlock-totp and airlock-gateway are running."
  for user in "${new_logins[@]}"; do
    say "$user was added to a group: log in again as $user before using Airlock (or: newgrp)"
  done
  say "next: sudo airlock-ctl init          (enrol your phone, add the first service)"
  say "then, as $agent_user: airlock request SERVICE --reason '…' --wait"
}

# --- uninstall ---------------------------------------------------------------------------------------------------
run_uninstall() {
  need_root
  # Access lists and mounts of paths that cells may read.
  [ ! -x "$LIB/airlock-ctl" ] || [ ! -e "$ETC/paths.json" ] || "$LIB/airlock-ctl" path revoke --all || say "note: airlock-ctl path revoke --all failed"
  if [ -d /run/systemd/system ]; then
    local units
    units=$(systemctl list-units --all --plain --no-legend 'airlock-*' | awk '{print $1}')
    # shellcheck disable=SC2086
    [ -z "$units" ] || systemctl stop $units 2>/dev/null || true
    # shellcheck disable=SC2086
    systemctl disable --quiet airlock-totp.service airlock-gateway.service airlock-export.service airlock-presence.service airlock-sleep.service $units 2>/dev/null || true
  fi
  rm -rf "$UNITS"/airlock-*.path "$UNITS"/airlock-*.timer "$UNITS"/srv-airlock-paths-*.mount "$UNITS"/airlock-*.service "$UNITS"/airlock-*.socket "$UNITS"/airlock-*.service.d "$UNITS"/sockets.target.wants/airlock-* \
    "$UNITS"/multi-user.target.wants/airlock-* "$UNITS"/sleep.target.wants/airlock-* /run/airlock "$LIB" "$LIB.new" "$LIB.old"
  rm -f "$BIN/airlock" "$BIN/airlock-ctl" "$USER_UNITS/airlock-watch.service"
  remove_manual
  [ ! -d /run/systemd/system ] || { systemctl daemon-reload; systemctl reset-failed 'airlock-*' 2>/dev/null || true; }
  if [ "$purge" = no ]; then
    say "removed programs, units and sockets"
    say "kept: $ETC, /var/lib/airlock-totp, /var/lib/airlock-gateway, /var/lib/airlock-export, /var/lib/airlock-mcp, /srv/airlock, users and groups named airlock-*"
    say "to remove these too, credentials and records included: sudo ./install.sh --uninstall --purge"
    return
  fi
  rm -rf "$ETC" /var/lib/airlock-totp /var/lib/airlock-gateway /var/lib/airlock-export /var/lib/airlock-mcp
  rmdir /srv/airlock/paths 2>/dev/null || true
  rmdir /srv/airlock 2>/dev/null || [ ! -d /srv/airlock ] || say "kept: /srv/airlock, it is not empty"
  local user group
  for user in airlock-totp airlock-gateway airlock-export airlock-presence; do ! getent passwd "$user" >/dev/null || userdel "$user"; done
  for group in $(getent group | awk -F: '/^airlock-(cells|relay|totp|gateway|export|presence|r-|o-)/ {print $1}'); do groupdel "$group"; done
  if getent passwd airlock-agent >/dev/null; then say "kept: user airlock-agent and its home; remove with: sudo userdel -r airlock-agent"; fi
  say "removed everything else"
}

case "$mode" in
  demo) run_demo ;;
  install) run_install ;;
  reseal) run_reseal ;;
  uninstall) run_uninstall ;;
esac
