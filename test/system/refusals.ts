/** Situations in which install.sh has to refuse before it changes anything, each with how to make and undo it. */
import { CHECKOUT, must } from './machine.js';

export interface Refusal {
  readonly name: string;
  /** Shell, as root. */
  readonly prepare?: string;
  readonly undo?: string;
  /** Arguments of install.sh; those of a good installation if left out. */
  readonly args?: string;
  readonly user?: string;
  /** Directory put in front of PATH, or the whole PATH where it holds a colon. */
  readonly path?: string;
  readonly checkout?: string;
  /** Put in front of the command. */
  readonly through?: string;
  readonly status: number;
  /** Must stand in the error. */
  readonly error: RegExp;
  /** Must stand in the hint: how to go on. */
  readonly hint: RegExp;
}

const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const fakeNode = (version: string): string =>
  `mkdir -p /opt/fake && printf '#!/bin/sh\\necho ${version}\\n' >/opt/fake/node && cp /opt/fake/node /opt/fake/npm && chmod 755 /opt/fake/*`;
const UNDO_FAKE = 'rm -rf /opt/fake';
const HIDE_SYSTEMD = `unshare -m sh -c 'mount -t tmpfs none /run/systemd && exec "$@"' sh`;

export const REFUSALS: readonly Refusal[] = [
  { name: 'unknown flag', args: '--everything', status: 2, error: /unknown argument: --everything/, hint: /--help/ },
  { name: 'flag without its value', args: '--operator', status: 2, error: /--operator needs a user name/, hint: /--help/ },
  { name: '--purge alone', args: '--purge', status: 2, error: /--purge goes with --uninstall/, hint: /--help/ },
  { name: 'no root', user: 'ada', status: 1, error: /needs root/, hint: /sudo .*install\.sh[^]*--demo/ },
  { name: 'uninstall without root', user: 'ada', args: '--uninstall', status: 1, error: /needs root/, hint: /sudo/ },
  { name: 'no systemd', through: HIDE_SYSTEMD, status: 1, error: /systemd is not running/, hint: /--demo/ },
  { name: 'no Node', path: SYSTEM_PATH, status: 1, error: /Node is not installed/, hint: /20\.19/ },
  {
    name: 'no npm',
    path: `/opt/fake:${SYSTEM_PATH}`,
    prepare: `${fakeNode('20.19.0')}; rm /opt/fake/npm`,
    undo: UNDO_FAKE,
    status: 1,
    error: /npm is not installed/,
    hint: /npm/,
  },
  {
    name: 'old Node',
    path: '/opt/fake',
    prepare: fakeNode('18.20.4'),
    undo: UNDO_FAKE,
    status: 1,
    error: /Node 18\.20\.4 is too old/,
    hint: /20\.19/,
  },
  {
    name: 'Node one version short',
    path: '/opt/fake',
    prepare: fakeNode('20.18.3'),
    undo: UNDO_FAKE,
    status: 1,
    error: /Node 20\.18\.3 is too old/,
    hint: /20\.19/,
  },
  { name: 'no operator named', args: '--agent-user bot', status: 2, error: /which user approves/, hint: /--operator/ },
  {
    name: 'root as operator',
    args: '--operator root --agent-user bot',
    status: 2,
    error: /which user approves/,
    hint: /--operator/,
  },
  {
    name: 'operator who does not exist',
    args: '--operator nobody-here',
    status: 2,
    error: /no user nobody-here/,
    hint: /--operator/,
  },
  {
    name: 'agent and operator are one user',
    args: '--operator ada --agent-user ada',
    status: 2,
    error: /one user/,
    hint: /--same-user/,
  },
  {
    name: 'root as agent',
    args: '--operator ada --agent-user root',
    status: 2,
    error: /root cannot be the agents' user/,
    hint: /--agent-user/,
  },
  {
    name: 'agent name that is none',
    args: '--operator ada --agent-user -x',
    status: 2,
    error: /cannot be a user name/,
    hint: /--agent-user/,
  },
  {
    name: 'file in the checkout that all can write',
    prepare: `chmod o+w ${CHECKOUT}/package.json`,
    undo: `chmod o-w ${CHECKOUT}/package.json`,
    status: 1,
    error: /checkout: .*package\.json/,
    hint: /chmod/,
  },
  {
    name: 'directory in the checkout that a group can write',
    prepare: `chgrp bot ${CHECKOUT}/packages && chmod g+w ${CHECKOUT}/packages`,
    undo: `chgrp root ${CHECKOUT}/packages && chmod g-w ${CHECKOUT}/packages`,
    status: 1,
    error: /checkout: .*packages/,
    hint: /chmod/,
  },
  {
    name: 'file in the checkout of another user',
    prepare: `chown bot ${CHECKOUT}/packages/build.mjs`,
    undo: `chown root ${CHECKOUT}/packages/build.mjs`,
    status: 1,
    error: /build\.mjs/,
    hint: /chown/,
  },
  {
    name: 'file writable through an access list',
    prepare: `setfacl -m u:bot:rw ${CHECKOUT}/package.json`,
    undo: `setfacl -b ${CHECKOUT}/package.json`,
    status: 1,
    error: /package\.json/,
    hint: /chmod/,
  },
  {
    name: 'link in the checkout that leads out of it',
    prepare: `ln -s /home/bot ${CHECKOUT}/packages/extra`,
    undo: `rm ${CHECKOUT}/packages/extra`,
    status: 1,
    error: /packages\/extra .*link/,
    hint: /rm/,
  },
  {
    name: 'checkout below a directory of another user',
    checkout: '/home/bot/airlock',
    prepare: `cp -a ${CHECKOUT} /home/bot/airlock`,
    undo: 'rm -rf /home/bot/airlock',
    status: 1,
    error: /\/home\/bot belongs to user bot/,
    hint: /\/opt/,
  },
  {
    name: 'checkout below a directory that all can write',
    checkout: '/opt/open/airlock',
    prepare: `mkdir -m 777 /opt/open && chmod 777 /opt/open && cp -a ${CHECKOUT} /opt/open/`,
    undo: 'rm -rf /opt/open',
    status: 1,
    error: /\/opt\/open can be written/,
    hint: /chmod go-w/,
  },
  {
    name: 'Node in a place that the agent can write',
    path: '/home/bot/bin',
    prepare: 'install -d -o bot /home/bot/bin && cp /usr/local/bin/node /home/bot/bin/node',
    undo: 'rm -rf /home/bot/bin',
    status: 1,
    error: /node: \/home\/bot\/bin belongs to user bot/,
    hint: /node/i,
  },
  {
    name: 'Node that a group can write',
    path: '/opt/fake',
    prepare: 'mkdir -p /opt/fake && cp /usr/local/bin/node /opt/fake/ && chgrp bot /opt/fake/node && chmod g+w /opt/fake/node',
    undo: UNDO_FAKE,
    status: 1,
    error: /node: \/opt\/fake\/node can be written/,
    hint: /chmod/,
  },
  {
    name: 'npm that another user can write',
    path: '/opt/fake',
    prepare:
      'mkdir -p /opt/fake && ln -s /usr/local/bin/node /opt/fake/node && printf "#!/bin/sh\\n" >/opt/fake/npm && chmod 777 /opt/fake/npm',
    undo: UNDO_FAKE,
    status: 1,
    error: /npm: \/opt\/fake\/npm can be written/,
    hint: /chmod/,
  },
];

const GOOD = '--operator ada --agent-user bot';
const PATH = `/usr/local/sbin:/usr/local/bin:${SYSTEM_PATH}`;

/** The command line that has to be refused. */
export const refusalCommand = (refusal: Refusal): string[] => {
  const { path, args = GOOD, checkout = CHECKOUT, through = '' } = refusal;
  const search = path === undefined ? PATH : path.includes(':') ? path : `${path}:${PATH}`;
  return ['env', `PATH=${search}`, 'bash', '-c', `${through} ${checkout}/install.sh ${args}`];
};

export const shell = (script: string | undefined): Promise<string> =>
  script === undefined ? Promise.resolve('') : must(['bash', '-ec', script]);
