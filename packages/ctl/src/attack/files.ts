/** The wall of files: state belongs to the daemons, programs and configuration to root, the operator's home to the operator. */
import { DENIED, openForReading, openForWriting, quote, REINSTALL, type Probe, type Targets } from './probe.js';

const closed = (path: string): string => `sudo chmod go-rwx ${path}`;

const reading = ({ self, stateDirs, stateFiles, configDir }: Targets): Probe[] => [
  ...[...stateDirs, '/root'].map((path): Probe => ({
    wall: 'files',
    name: `list ${path}`,
    script: `ls ${quote(path)} >/dev/null`,
    refusal: /Permission denied|No such file/,
    fix: closed(path),
  })),
  ...[...stateFiles, `${configDir}/wrap.cred`, '/var/lib/systemd/credential.secret'].map((path): Probe => ({
    wall: 'files',
    name: `read ${path}`,
    script: openForReading(path),
    refusal: DENIED,
    rootCan: true,
    fix: closed(path),
  })),
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
];

const leases = ({ foreignAgents }: Targets): Probe[] =>
  foreignAgents.map(({ user, role }) => ({
    wall: 'files',
    name: `read the lease of ${user}`,
    script: `d=/run/user/$(id -u ${quote(user)}); [ -d "$d" ] || d=/run/user-${quote(user)}; head -c 1 "$d/airlock/"${quote(role)}.lease >/dev/null`,
    refusal: /Permission denied|No such file/,
    fix: `sudo chmod 0700 /run/user/$(id -u ${user})`,
  }));

const writing = ({ configDir, libraryDir, stateDirs, operator, operatorHome: home }: Targets): Probe[] => {
  const paths = [
    ...[
      'airlock.yaml',
      'roles.json',
      'compiled/config.json',
      'keys/totp.vkey',
      'connectors/probe.json',
      'policies/probe.json',
      'skills/probe.md',
    ].map((file) => `${configDir}/${file}`),
    ...[
      'airlock-totp.cjs',
      'airlock-gateway.cjs',
      'airlock-cell.cjs',
      'airlock-ctl.cjs',
      'airlock-ctl',
      'node',
      'connectors/mail.cjs',
    ].map((file) => `${libraryDir}/${file}`),
    ...stateDirs.map((dir) => `${dir}/probe`),
    ...['/usr/local/bin/airlock-ctl', '/usr/local/bin/probe', '/usr/local/sbin/probe', '/usr/bin/probe', '/usr/sbin/probe'],
    '/etc/systemd/system/airlock-totp.service',
    '/etc/systemd/system/airlock-gateway.service.d/probe.conf',
    ...['/etc/profile.d/probe.sh', '/etc/environment', '/etc/ld.so.preload', '/etc/sudoers.d/probe', '/etc/cron.d/probe'],
    ...['.bashrc', '.profile', '.ssh/authorized_keys', '.local/bin/airlock-ctl', '.config/systemd/user/probe.service'].map(
      (file) => `${home}/${file}`,
    ),
    `/run/user-${operator}/probe`,
  ];
  return paths.map((path) => ({
    wall: 'files',
    name: `write ${path}`,
    script: openForWriting(path),
    refusal: /Permission denied|No such file|Text file busy|Read-only/,
    fix: path.startsWith(`${home}/`) ? `sudo chmod -R go-w ${home}` : `sudo chown root: ${path} && sudo chmod go-w ${path}`,
  }));
};

export const fileProbes = (targets: Targets): Probe[] => [
  ...reading(targets),
  ...leases(targets),
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
