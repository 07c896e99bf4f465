/** Weakened daemons and commands: a gateway that says yes to everything, a wrapper that lets the environment through. */
import type { Rule, Weakening } from './weakened.js';

const CTL = '/usr/lib/airlock/airlock-ctl';
const NAIVE = `'#!/bin/sh\nexec /usr/lib/airlock/node ${CTL}.cjs "$@"'`;
const RUN = '/run/airlock';

const joined: Rule[1] = ([, role], { agent }): Weakening => ({ apply: `join airlock-r-${role} ${agent}` });

export const COMMANDS: readonly Rule[] = [
  [/^commands: .* on the agent's own socket$/, (_, { role }) => ({ apply: `say_yes ${RUN}/agent/${role}.sock` })],
  [
    /^commands: airlock-ctl (?!shadowed)/,
    (_, { operator }) => ({ apply: `say_yes ${RUN}/operator/${operator}.sock ${RUN}/approve/${operator}.sock ${RUN}/root.sock` }),
  ],
  [/^commands: the role (\S+)$/, joined],
  [/^commands: the socket of the role (\S+)$/, joined],
  [/^commands: code brought into airlock-ctl by NODE_OPTIONS$/, () => ({ apply: `cover ${CTL} 0755 ${NAIVE}` })],
  [
    /^commands: code brought into airlock-ctl from its working directory$/,
    () => ({ apply: `cover ${CTL} 0755 '#!/bin/sh\nexec /usr/lib/airlock/node ./node_modules/yaml/index.js'` }),
  ],
  [
    /^commands: airlock-ctl shadowed in the PATH of the operator$/,
    (_, { agent, operator }) => ({
      apply: `cp -a /home/${operator}/.profile $W/profile; echo 'PATH=/tmp/bin:$PATH' >>/home/${operator}/.profile`,
      undo: `cp -a $W/profile /home/${operator}/.profile; rm -rf /tmp/bin /home/${agent}/bin`,
    }),
  ],
  [
    /^commands: code of the agent in the operator's airlock-ctl$/,
    () => ({ apply: `cover ${CTL} 0755 ${NAIVE}`, undo: 'rm -f /tmp/ran-* /tmp/evil.cjs' }),
  ],
];
