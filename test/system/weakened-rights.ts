/** Weakened rights: groups, sudo, set-uid commands of the system, an operator without a password. Those that stop daemons come last. */
import type { Rule } from './weakened.js';

const START = 'systemctl start airlock-totp airlock-gateway';

export const RIGHTS: readonly Rule[] = [
  [/^rights: member of (\S+)$/, ([, group], { agent }) => ({ apply: `join ${group} ${agent}` })],
  [/^rights: be the operator$/, (_, { operator }) => ({ as: operator, apply: ':' })],
  [/^rights: be root$/, () => ({ as: 'root', apply: ':' })],
  [/^rights: sudo -n /, (_, { agent }) => ({ apply: `make /etc/sudoers.d/weak 0440 root '${agent} ALL=(ALL) NOPASSWD: ALL'` })],
  [/^rights: (doas|pkexec) .*true$/, ([, program]) => ({ apply: `make /usr/local/bin/${program} 0755 root '#!/bin/true'` })],
  [/^rights: systemd-run .*true$/, () => ({ apply: 'setuid systemd-run' })],
  // It asks for the real uid, which nothing but a login changes.
  [/^rights: runuser .*true$/, () => ({ apply: "cover /usr/sbin/runuser 0755 '#!/bin/true'" })],
  [
    /^rights: su (\S+) -c true$/,
    ([, user]) => ({ apply: `cp -a /etc/shadow $W/shadow; passwd -q -d ${user}`, undo: 'cp -a $W/shadow /etc/shadow' }),
  ],
  [/^rights: sg (\S+)$/, ([, group], { agent }) => ({ apply: `join ${group} ${agent}` })],
  [
    /^rights: usermod -aG (\S+)$/,
    ([, group], { agent }) => ({ apply: 'setuid usermod', undo: `gpasswd -d ${agent} ${group} >/dev/null` }),
  ],
  [
    /^rights: gpasswd -a (\S+)$/,
    ([, group], { agent }) => ({
      apply: `gpasswd -A ${agent} ${group}`,
      undo: `gpasswd -A '' ${group}; gpasswd -d ${agent} ${group} >/dev/null`,
    }),
  ],
  [/^rights: a capability$/, () => ({ apply: 'capable bash' })],
  [/^rights: a set-uid shell, interpreter or tool$/, () => ({ apply: 'setuid tee' })],
  [
    /^rights: subordinate ids that are of others$/,
    (_, { agent }) => ({
      apply: `cp -a /etc/subuid $W/subuid; echo ${agent}:0:65536 >>/etc/subuid`,
      undo: 'cp -a $W/subuid /etc/subuid',
    }),
  ],
  [/^rights: a monitor of D-Bus$/, () => ({ apply: 'setuid busctl' })],
  [/^rights: loginctl /, () => ({ apply: 'setuid loginctl' })],
  [
    /^rights: systemctl set-property .*$/,
    () => ({
      apply: 'setuid systemctl',
      undo: 'rm -rf /run/systemd/system.control/airlock-totp.service.d; systemctl daemon-reload',
    }),
  ],
  [
    /^rights: systemctl set-environment /,
    () => ({ apply: 'setuid systemctl', undo: 'systemctl unset-environment AIRLOCK_PROBE' }),
  ],
  [/^rights: systemctl /, () => ({ apply: 'setuid systemctl', undo: START })],
  [/^rights: \w+ over D-Bus$/, () => ({ apply: 'setuid busctl', undo: START })],
];
