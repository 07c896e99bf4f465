/** The wall of files: state belongs to the daemons, programs and configuration to root, the operator's home to the operator. */
import { DENIED, finds, openForReading, quote, REINSTALL, type Probe, type Targets } from './probe.js';
import { writing } from './writing.js';

const closed = (path: string): string => `sudo chmod go-rwx ${path}`;

const reading = ({ self, stateDirs, stateFiles, configDir }: Targets): Probe[] => [
  ...[...stateDirs, '/root'].map((path): Probe => ({
    wall: 'files',
    name: `list ${path}`,
    script: `ls ${quote(path)} >/dev/null`,
    refusal: DENIED,
    fix: closed(path),
  })),
  ...[...stateFiles, `${configDir}/wrap.cred`, '/var/lib/systemd/credential.secret', '/etc/shadow', '/etc/gshadow'].map(
    (path): Probe => ({
      wall: 'files',
      name: `read ${path}`,
      script: openForReading(path),
      refusal: DENIED,
      rootCan: true,
      fix: closed(path),
    }),
  ),
  {
    wall: 'files',
    name: 'read the credential of the unit',
    script: openForReading('/run/credentials/airlock-totp.service/airlock-wrap'),
    refusal: DENIED,
    rootCan: true,
    fix: 'sudo systemctl restart airlock-totp',
  },
  {
    wall: 'files',
    name: 'read state as root of a user namespace',
    script: `unshare -Ur ${openForReading(stateFiles[0] ?? `${stateDirs[0] ?? '/root'}/.`)}`,
    fix: closed(stateDirs[0] ?? '/root'),
  },
  ...stateDirs.map((path): Probe => ({ wall: 'files', name: `work in ${path}`, script: `cd ${quote(path)}`, fix: closed(path) })),
  {
    wall: 'files',
    name: 'read the journal of airlock-totp',
    script: 'journalctl -q -u airlock-totp -n 1 --no-pager | grep -q .',
    fix: `sudo gpasswd -d ${self} systemd-journal`,
  },
  {
    wall: 'files',
    name: 'read the memory of the machine',
    script: openForReading('/proc/kcore'),
    fix: 'sudo chmod 0400 /proc/kcore',
  },
  {
    wall: 'files',
    name: 'read a disk',
    script: finds('/dev', '-type b -readable'),
    fix: 'sudo chmod o-rw /dev/sd* /dev/nvme* /dev/vd*',
  },
  {
    wall: 'files',
    name: 'a file of a daemon where all may look',
    script: finds('/tmp /var/tmp /dev/shm', '-maxdepth 3 -type f \\( -user airlock-totp -o -user airlock-gateway \\) -readable'),
    fix: 'sudo systemctl restart airlock-totp airlock-gateway',
  },
];

/** Keys and what was typed, in the home of the operator; that nothing of it is there is as good. */
const ofOperator = ({ operatorHome: home }: Targets): Probe[] =>
  ['.ssh/id_ed25519', '.Xauthority', '.bash_history', '.netrc'].map((file) => ({
    wall: 'files',
    name: `read ${home}/${file}`,
    script: openForReading(`${home}/${file}`),
    fix: closed(`${home}/${file}`),
  }));

/** A name of one's own for what only a daemon has: it outlives the closing of the directory. */
const linked = ({ stateFiles }: Targets): Probe[] =>
  stateFiles.slice(0, 1).map((path) => ({
    wall: 'files',
    name: `a hard link to ${path}`,
    script: `d=$(mktemp -d -p /var/tmp) && trap 'rm -rf "$d"' EXIT && ln ${quote(path)} "$d/l"`,
    refusal: DENIED,
    rootCan: true,
    fix: closed(path),
  }));

const leases = ({ foreignAgents }: Targets): Probe[] =>
  foreignAgents.map(({ user, role }) => ({
    wall: 'files',
    name: `read the lease of ${user}`,
    script: `d=/run/user/$(id -u ${quote(user)}); [ -d "$d" ] || d=/run/user-${quote(user)}; head -c 1 "$d/airlock/"${quote(role)}.lease >/dev/null`,
    refusal: DENIED,
    fix: `sudo chmod 0700 /run/user/$(id -u ${user})`,
  }));

export const fileProbes = (targets: Targets): Probe[] => [
  ...reading(targets),
  ...leases(targets),
  ...ofOperator(targets),
  ...linked(targets),
  ...writing(targets),
  {
    wall: 'files',
    name: 'replace the installed command by a link',
    script: 'ln -sfn /tmp/evil /usr/local/bin/airlock-ctl',
    harms: true,
    fix: REINSTALL,
  },
  ...targets.stateDirs.map((dir): Probe => ({
    wall: 'files',
    name: `${dir} replaced by a link`,
    script: `mv ${quote(dir)} ${quote(`${dir}.x`)} || ln -sfn /tmp ${quote(`${dir}/x`)}`,
    harms: true,
    fix: REINSTALL,
  })),
];
