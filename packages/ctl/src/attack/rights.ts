/** The wall of rights: an agent's user is in no group and has no permission that leads to root or to the operator. */
import { quote, type Probe, type Targets } from './probe.js';

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
  'root',
] as const;
const OURS = ['airlock-totp', 'airlock-gateway', 'airlock-cells'] as const;

const groups = ({ self, operator }: Targets): Probe[] =>
  [...POWERFUL, ...OURS, `airlock-o-${operator}`].map((group) => ({
    wall: 'rights',
    name: `member of ${group}`,
    script: `id -nG | tr ' ' '\\n' | grep -qx -- ${quote(group)}`,
    fix: `sudo gpasswd -d ${self} ${group}`,
  }));

const becoming = ({ self, operator }: Targets): Probe[] => {
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
      script: 'systemctl --no-ask-password kill --signal=CONT airlock-totp',
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
    {
      wall: 'rights',
      name: 'systemctl edit',
      script: 'systemctl edit --runtime --force airlock-totp </dev/null',
      harms: true,
      fix,
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

export const rightsProbes = (targets: Targets): Probe[] => [...groups(targets), ...becoming(targets), ...overSystemd()];
