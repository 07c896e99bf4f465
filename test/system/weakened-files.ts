/** Weakened files: modes that are too wide, and copies and links where all may look. */
import type { Rule } from './weakened.js';

const STATE = '/var/lib/airlock-(?:totp|gateway)';

export const FILES: readonly Rule[] = [
  [/^files: (?:list|work in) (\/\S+)$/, ([, path]) => ({ apply: `loosen ${path} o+rx` })],
  [/^files: read the credential of the unit$/, () => ({ apply: 'cover_credentials' })],
  [/^files: read state as root of a user namespace$/, (_, { stateFile }) => ({ apply: `loosen ${stateFile} o+r` })],
  [/^files: read the journal of airlock-totp$/, (_, { agent }) => ({ apply: `join systemd-journal ${agent}` })],
  [/^files: read the memory of the machine$/, () => ({ apply: 'cover_kcore' })],
  [/^files: read a disk$/, () => ({ apply: 'mknod -m 0444 /dev/airlock-disk b 240 0', undo: 'rm -f /dev/airlock-disk' })],
  [/^files: a file of a daemon where all may look$/, () => ({ apply: 'make /var/tmp/airlock-weak 0644 airlock-gateway' })],
  [/^files: read the lease of (\S+)$/, ([, user]) => ({ apply: `make /run/user-${user}/airlock/helper.lease 0644 ${user}` })],
  [/^files: read (\/home\/(\w+)\/\S+)$/, ([, path, user]) => ({ apply: `make ${path} 0644 ${user}` })],
  [/^files: read (\/\S+)$/, ([, path]) => ({ apply: `loosen ${path} o+r` })],
  [/^files: a hard link to (\/\S+)$/, ([, path]) => ({ apply: `loosen ${path} o+rw` })],
  [/^files: write into the runtime directory of (\S+)$/, ([, user]) => ({ apply: `loosen /run/user-${user} o+wx` })],
  [/^files: write (cgroup\.\w+) of (\S+)$/, ([, file, unit]) => ({ apply: `loosen "$(control_group ${unit})/${file}" o+w` })],
  // The kernel's own files cannot be opened to all in a container, where they are mounted read-only.
  [/^files: write (\/proc\/\S+)$/, ([, path]) => ({ apply: `cover_kernel ${path}` })],
  [/^files: write (\/\S+)$/, ([, path]) => ({ apply: `loosen "$(nearest ${path})" o+wx` })],
  [
    /^files: replace the installed command by a link$/,
    () => ({ apply: 'loosen /usr/local/bin o+w', undo: 'ln -sfn /usr/lib/airlock/airlock-ctl /usr/local/bin/airlock-ctl' }),
  ],
  [
    new RegExp(`^files: (${STATE}) replaced by a link$`),
    ([, path]) => ({ apply: `loosen ${path} o+wx`, undo: `rm -f ${path}/x` }),
  ],
];
