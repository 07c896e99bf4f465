/** Weakened sockets: open to all, owned by the agent, in a directory anybody may write. */
import type { Rule } from './weakened.js';

const RUN = '/run/airlock';

export const SOCKETS: readonly Rule[] = [
  [/^sockets: connect (\S+\.sock)$/, ([, file]) => ({ apply: `loosen ${RUN}/${file} o+rw` })],
  [/^sockets: chmod (\S+\.sock)(?: to what it is)?$/, ([, file], { agent }) => ({ apply: `give ${RUN}/${file} ${agent}` })],
  [
    /^sockets: unlink (\S+)$/,
    ([, file]) => ({
      apply: `loosen $(dirname ${RUN}/${file}) o+w; ln ${RUN}/${file} $W/socket`,
      undo: `[ -e ${RUN}/${file} ] || ln $W/socket ${RUN}/${file}; rm -f $W/socket`,
    }),
  ],
  [/^sockets: new file in (\/\S+)$/, ([, directory]) => ({ apply: `loosen ${directory} o+w` })],
  [
    /^sockets: connect (?:through a symbolic link|as root of a user namespace)$/,
    (_, { operator }) => ({ apply: `loosen ${RUN}/operator/${operator}.sock o+rw` }),
  ],
  [
    /^sockets: connect through a hard link$/,
    (_, { agent, operator }) => ({
      apply: `give ${RUN}/operator/${operator}.sock ${agent}; loosen /run o+w`,
      undo: 'rm -f /run/h.*',
    }),
  ],
  [
    /^sockets: rename a directory of sockets$/,
    () => ({ apply: `loosen ${RUN} o+w`, undo: `[ ! -d ${RUN}/agent2 ] || mv ${RUN}/agent2 ${RUN}/agent` }),
  ],
  [/^sockets: connect through \/proc of a daemon$/, () => ({ victim: true, apply: `victim; loosen ${RUN}/bridge.sock o+rw` })],
];
