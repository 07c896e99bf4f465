#!/bin/bash
# Inside the machine: what run.sh boots. guest.sh workstation | reboot | uninstall | tpm | walk
set -uo pipefail
# run.sh bounds the whole; installing and waiting for new codes take longer than tap's own limit.
export TAP_TIMEOUT=0
status=0
tests() {
  local name
  for name in "$@"; do
    echo "# --- $name"
    node "/checkout/test/dist/system/$name.system.test.js" || { status=1; echo "not ok - $name ended with a failure"; [ "$name" != install ] || exit 1; }
  done
}

case "$1" in
  workstation)
    git config --global --add safe.directory '*'
    git clone --quiet --no-hardlinks /checkout /opt/airlock || exit 1
    for user in ada bot bot2; do useradd --create-home --shell /bin/bash "$user" && install -d -m 0700 -o "$user" -g "$user" "/run/user-$user"; done
    install -d -m 0700 /run/user-root
    tests install loop presence paths walls weakened canary failures upstream
    ;;
  tpm)
    git config --global --add safe.directory '*'
    git clone --quiet --no-hardlinks /checkout /opt/airlock || exit 1
    for user in ada bot bot2; do useradd --create-home --shell /bin/bash "$user" && install -d -m 0700 -o "$user" -g "$user" "/run/user-$user"; done
    install -d -m 0700 /run/user-root
    tests tpm
    ;;
  walk)
    git config --system --add safe.directory '*'
    for user in ada bot; do
      useradd --create-home --shell /bin/bash "$user"
      printf "PS1='%s\$ '\nHISTFILE=\n" "$user" >"/home/$user/.bashrc"
    done
    printf 'ada ALL=(ALL) NOPASSWD: ALL\nDefaults env_keep += "NODE_EXTRA_CA_CERTS"\n' >/etc/sudoers.d/ada
    # A person who can use sudo has npm set up for root as for themselves.
    runuser -u ada -- git clone --quiet --no-hardlinks /checkout /home/ada/airlock || exit 1
    tests walk
    ;;
  reboot)
    for user in root ada bot bot2; do install -d -m 0700 -o "$user" -g "$user" "/run/user-$user"; done
    tests reboot
    ;;
  uninstall) tests uninstall ;;
esac
exit "$status"
