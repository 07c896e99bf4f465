/** What decides over programs, logins and the operator's commands, and must not be written by an agent. */
import { openForWriting, openWordForWriting, quote, type Probe, type Targets } from './probe.js';

const ours = ({ configDir, libraryDir, stateDirs }: Targets): string[] => [
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
    'airlock-cell-watchdog.cjs',
    'airlock-export.cjs',
    'airlock-mcp-host.cjs',
    'airlock-ctl.cjs',
    'airlock-ctl',
    'node',
    'connectors/mail.cjs',
  ].map((file) => `${libraryDir}/${file}`),
  ...stateDirs.map((dir) => `${dir}/probe`),
  '/etc/systemd/system/airlock-totp.service',
  '/etc/systemd/system/airlock-gateway.service.d/probe.conf',
  '/etc/systemd/user/airlock-watch.service',
];

/** Directories in which a command is looked for, and what a shell reads before it is. */
const PATHS = [
  '/usr/local/bin/airlock-ctl',
  '/usr/local/bin/probe',
  '/usr/local/sbin/probe',
  '/usr/bin/probe',
  '/usr/sbin/probe',
  '/usr/local/lib/probe.so',
  '/etc/profile',
  '/etc/profile.d/probe.sh',
  '/etc/bash.bashrc',
  '/etc/environment',
  '/etc/environment.d/probe.conf',
  '/usr/share/bash-completion/completions/airlock-ctl',
  '/usr/local/share/zsh/site-functions/_airlock-ctl',
  '/usr/share/fish/vendor_completions.d/airlock-ctl.fish',
];

const LOGINS = [
  '/etc/passwd',
  '/etc/group',
  '/etc/shadow',
  '/etc/subuid',
  '/etc/login.defs',
  '/etc/sudoers',
  '/etc/sudoers.d/probe',
  '/etc/pam.d/probe',
  '/etc/security/pam_env.conf',
  '/etc/polkit-1/rules.d/probe.rules',
  '/etc/dbus-1/system.d/probe.conf',
];

const SYSTEM = [
  '/etc/ld.so.preload',
  '/etc/ld.so.conf.d/probe.conf',
  '/etc/cron.d/probe',
  '/etc/crontab',
  '/etc/systemd/system.conf.d/probe.conf',
  '/usr/lib/systemd/system/probe.service',
  '/run/systemd/system/probe.service',
  '/etc/tmpfiles.d/probe.conf',
  '/etc/udev/rules.d/probe.rules',
  '/etc/hosts',
  '/etc/ssl/certs/probe.pem',
  '/etc/localtime',
  '/etc/adjtime',
  '/etc/systemd/timesyncd.conf',
  '/dev/rtc0',
  '/dev/uinput',
];

/** What the kernel is told through files. */
const KERNEL = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sys/kernel/yama/ptrace_scope',
  '/proc/sys/kernel/modprobe',
  '/proc/sys/fs/suid_dumpable',
  '/proc/sys/fs/protected_symlinks',
  '/proc/sys/vm/swappiness',
  '/proc/sysrq-trigger',
];

const OPERATOR = [
  '.bashrc',
  '.bash_profile',
  '.bash_aliases',
  '.profile',
  '.zshrc',
  '.config/fish/config.fish',
  '.config/autostart/probe.desktop',
  '.config/systemd/user/probe.service',
  '.config/environment.d/probe.conf',
  '.local/bin/airlock-ctl',
  '.ssh/authorized_keys',
  '.npmrc',
  '.gitconfig',
];

/** Of a unit's own control group: to move, stop or end what runs in it. */
const inControlGroup = (unit: string): Probe[] =>
  ['cgroup.procs', 'cgroup.freeze', 'cgroup.kill'].map((file) => ({
    wall: 'files',
    name: `write ${file} of ${unit}`,
    script:
      `c="$(systemctl show -P ControlGroup ${quote(unit)})"; for b in /sys/fs/cgroup /sys/fs/cgroup/unified; do ` +
      `[ -e "$b$c/${file}" ] && { exec 3>>"$b$c/${file}"; exit; }; done; exit 1`,
    refusal: /Permission denied|Read-only/,
    fix: `sudo systemctl restart ${unit}`,
  }));

/** All that is tried. */
export const writing = (targets: Targets): Probe[] => {
  const { operator, operatorHome: home, units } = targets;
  const paths = [...ours(targets), ...PATHS, ...LOGINS, ...SYSTEM, ...KERNEL, ...OPERATOR.map((file) => `${home}/${file}`)];
  return [
    ...paths.map((path): Probe => ({
      wall: 'files',
      name: `write ${path}`,
      script: openForWriting(path),
      // In /proc nothing can be made: what this kernel does not have is not there.
      refusal: path.startsWith('/proc/') ? /Permission denied|Read-only|No such file/ : /Permission denied|Read-only/,
      fix: path.startsWith(`${home}/`) ? `sudo chmod -R go-w ${home}` : `sudo chown root: ${path} && sudo chmod go-w ${path}`,
    })),
    {
      wall: 'files',
      name: `write into the runtime directory of ${operator}`,
      script: `r=/run/user/$(id -u ${quote(operator)}); [ -d "$r" ] || r=/run/user-${quote(operator)}; ${openWordForWriting('"$r/probe"')}`,
      refusal: /Permission denied|Read-only/,
      fix: `sudo chmod 0700 /run/user/$(id -u ${operator})`,
    },
    ...units.filter((unit) => !unit.includes('@')).flatMap(inControlGroup),
  ];
};
