/** The wall of rights: an agent's user is in no group and has no permission that leads to root or to the operator. */
import { finds, quote, said, type Probe, type Targets } from './probe.js';

/** Groups whose members are root, or read what only root should. */
const POWERFUL = [
  'sudo',
  'wheel',
  'admin',
  'docker',
  'lxd',
  'incus',
  'libvirt',
  'disk',
  'shadow',
  'kmem',
  'systemd-journal',
  'adm',
  'input',
  'tty',
  'staff',
  'root',
] as const;
/** What runs any other program or reads and writes any file, and is set-uid on no distribution. */
const SHELLS = [
  'bash',
  'dash',
  'sh',
  'zsh',
  'fish',
  'perl*',
  'python*',
  'ruby*',
  'node',
  'env',
  'find',
  'cp',
  'tee',
  'cat',
  'vim*',
];
const OURS = ['airlock-totp', 'airlock-gateway', 'airlock-cells'] as const;

const groups = ({ self, operator }: Targets): Probe[] =>
  [...POWERFUL, ...OURS, `airlock-o-${operator}`].map((group) => ({
    wall: 'rights',
    name: `member of ${group}`,
    script: `id -nG | tr ' ' '\\n' | grep -qx -- ${quote(group)}`,
    fix: `sudo gpasswd -d ${self} ${group}`,
  }));

const becoming = ({ self, operator, foreignRoles, commands }: Targets): Probe[] => {
  const sudoers = 'sudo visudo';
  return [
    {
      wall: 'rights',
      name: 'be the operator',
      script: `[ "$(id -un)" = ${quote(operator)} ]`,
      fix: 'sudo ./install.sh --agent-user airlock-agent',
    },
    { wall: 'rights', name: 'be root', script: '[ "$(id -u)" = 0 ]', fix: 'sudo ./install.sh --agent-user airlock-agent' },
    { wall: 'rights', name: 'sudo -n true', script: 'sudo -n true', fix: sudoers },
    { wall: 'rights', name: `sudo -n -u ${operator} true`, script: `sudo -n -u ${quote(operator)} true`, fix: sudoers },
    { wall: 'rights', name: 'sudo -n airlock-ctl', script: `sudo -n ${commands.ctl} --version`, fix: sudoers },
    ...['doas -n', 'pkexec --disable-internal-agent'].map((program): Probe => ({
      wall: 'rights',
      name: `${program} true`,
      script: `command -v ${program.split(' ')[0] ?? ''} >/dev/null || exit 1; ${program} /bin/true </dev/null`,
      fix: sudoers,
    })),
    { wall: 'rights', name: `runuser -u ${operator} true`, script: `runuser -u ${quote(operator)} true`, fix: sudoers },
    {
      wall: 'rights',
      name: `systemd-run --uid=${operator} true`,
      script: `systemd-run --no-ask-password --uid=${quote(operator)} true`,
      fix: 'sudo systemctl restart polkit',
    },
    // A wrong password counts: too many lock the operator out.
    {
      wall: 'rights',
      name: `su ${operator} -c true`,
      script: `su ${quote(operator)} -c true </dev/null`,
      harms: true,
      fix: `sudo passwd ${operator}`,
    },
    {
      wall: 'rights',
      name: `sg airlock-o-${operator}`,
      script: `sg ${quote(`airlock-o-${operator}`)} -c true </dev/null`,
      fix: `sudo gpasswd -r airlock-o-${operator}`,
    },
    ...foreignRoles.map((role): Probe => ({
      wall: 'rights',
      name: `sg airlock-r-${role}`,
      script: `sg ${quote(`airlock-r-${role}`)} -c true </dev/null`,
      fix: `sudo gpasswd -r airlock-r-${role}`,
    })),
    {
      wall: 'rights',
      name: `usermod -aG airlock-o-${operator}`,
      script: `usermod -aG ${quote(`airlock-o-${operator}`)} ${quote(self)}`,
      harms: true,
      fix: sudoers,
    },
    {
      wall: 'rights',
      name: `gpasswd -a airlock-o-${operator}`,
      script: `gpasswd -a ${quote(self)} ${quote(`airlock-o-${operator}`)}`,
      harms: true,
      fix: `sudo gpasswd -d ${self} airlock-o-${operator}`,
    },
  ];
};

const MANAGER = 'org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager';

/** The last thaws what a locked screen froze. */
const HARMFUL_CALLS = [
  'systemctl set-property --runtime airlock-totp.service CPUWeight=100',
  'systemctl set-environment AIRLOCK_PROBE=1',
  'systemctl daemon-reload',
  'loginctl unlock-sessions',
] as const;

/** What a user may tell systemd. Resetting a unit that has not failed, and SIGCONT to a process that runs, change nothing. */
const overSystemd = (): Probe[] => {
  const fix = 'sudo systemctl restart polkit';
  return [
    {
      wall: 'rights',
      name: 'systemctl reset-failed',
      script: 'systemctl --no-ask-password reset-failed airlock-gateway',
      rootCan: true,
      fix,
    },
    {
      wall: 'rights',
      name: 'systemctl kill --signal=CONT',
      script: 'systemctl --no-ask-password kill --kill-who=main --signal=CONT airlock-totp',
      fix,
    },
    {
      wall: 'rights',
      name: 'ResetFailedUnit over D-Bus',
      script: `busctl call ${MANAGER} ResetFailedUnit s airlock-totp.service`,
      fix,
    },
    { wall: 'rights', name: 'systemctl stop', script: 'systemctl stop airlock-gateway', harms: true, fix },
    { wall: 'rights', name: 'systemctl kill', script: 'systemctl kill airlock-totp', harms: true, fix },
    ...HARMFUL_CALLS.map((call): Probe => ({
      wall: 'rights',
      name: call,
      script: `${call.replace(/^(\w+)/, '$1 --no-ask-password')} </dev/null`,
      harms: true,
      fix,
    })),
    {
      wall: 'rights',
      name: 'a monitor of D-Bus',
      script: said('timeout 2 busctl --system monitor', 'Monitoring bus message stream'),
      fix: 'sudo systemctl restart dbus',
    },
    {
      wall: 'rights',
      name: 'StopUnit over D-Bus',
      script: `busctl call ${MANAGER} StopUnit ss airlock-totp.service replace`,
      harms: true,
      fix,
    },
  ];
};

/** What every program of this user has, or can get by running another. */
const privileges = ({ self, operator }: Targets): Probe[] => [
  {
    wall: 'rights',
    name: 'a capability',
    script: "! grep -qE '^CapEff:[[:space:]]*0+$' /proc/$$/status",
    fix: 'sudo systemctl restart systemd-logind',
  },
  {
    wall: 'rights',
    name: 'a set-uid shell, interpreter or tool',
    script: finds(
      '/usr/bin /usr/sbin /usr/local /usr/lib/airlock',
      `-perm /6000 \\( ${SHELLS.map((name) => `-name ${quote(name)}`).join(' -o ')} \\)`,
    ),
    fix: `sudo chmod u-s,g-s "$(command -v bash)"`,
  },
  {
    wall: 'rights',
    name: 'subordinate ids that are of others',
    script:
      `for u in root airlock-totp airlock-gateway ${quote(operator)}; do i="$(id -u "$u" 2>/dev/null)" || continue; ` +
      `awk -F: -v me=${quote(self)} -v id="$i" '$1==me && id>=$2 && id<$2+$3 {f=1} END {exit !f}' /etc/subuid 2>/dev/null && exit 0; done; exit 1`,
    fix: `sudo usermod --del-subuids 0-65535 ${self}`,
  },
];

export const rightsProbes = (targets: Targets): Probe[] => [
  ...groups(targets),
  ...becoming(targets),
  ...privileges(targets),
  ...overSystemd(),
];
