/** What the probes are let loose on in the machine, and as whom. */
import { findAccount, moreSockets, tryAll, tryProbe, UNITS, type Probe, type Targets, type Tried } from '@airlock/ctl';
import { readdirSync } from 'node:fs';
import { call, obtain } from './approval.js';
import { AGENT, mainPid, OPERATOR, OTHER_AGENT, wait } from './machine.js';
import { password } from './mailbox.js';
import { liveCells } from './processes.js';

const files = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`);

/** The whole machine, as one of its two agents sees it. */
export const targetsFor = (self: string, pids: Targets['pids']): Targets => {
  const otherAgent = self === AGENT ? OTHER_AGENT : AGENT;
  const otherRole = self === AGENT ? 'helper' : 'default';
  const stateDirs = ['/var/lib/airlock-totp', '/var/lib/airlock-gateway'];
  return {
    node: '/usr/lib/airlock/node',
    runtimeDir: '/run/airlock',
    stateDirs,
    configDir: '/etc/airlock',
    libraryDir: '/usr/lib/airlock',
    self,
    ownRole: self === AGENT ? 'default' : 'helper',
    foreignRoles: [otherRole],
    foreignAgents: [{ user: otherAgent, role: otherRole }],
    operator: OPERATOR,
    operatorHome: `/home/${OPERATOR}`,
    moreSockets: moreSockets('/run/airlock'),
    units: UNITS,
    pids,
    stateFiles: stateDirs.flatMap((directory) => files(directory).slice(0, 6)),
    secrets: [password(), 'al1\\.'],
    commands: { airlock: 'airlock', ctl: 'airlock-ctl' },
  };
};

/** One probe, from the uid of a user. */
export const tryAs = (probe: Probe, user: string): Promise<Tried> =>
  tryProbe(probe, user === 'root' ? null : findAccount(user), findAccount);

/** Several at once, from the uid of a user, those of the cell first: it does not live long when nobody calls. */
export const tryAllAs = (probes: readonly Probe[], user: string): Promise<readonly Tried[]> => {
  const ofCell = ({ name }: Probe): boolean => name.startsWith('cell:');
  const ordered = [...probes.filter(ofCell), ...probes.filter((probe) => !ofCell(probe))];
  return tryAll(ordered, findAccount(user), findAccount);
};

/** The daemons and a cell that lives, for which a lease is obtained where there is none. */
export const untilPids = async (): Promise<Targets['pids']> => {
  if ((await call('count_unread')).status !== 0) {
    await wait(6000);
    const { asked } = await obtain(['mail:read'], 60);
    if (asked.status !== 0) throw new Error(JSON.stringify(asked.value));
    await call('count_unread');
  }
  const [cell] = await liveCells();
  if (cell === undefined) throw new Error('no cell lives');
  const of = async (name: string): Promise<number> => mainPid(`airlock-${name}`);
  return { totp: await of('totp'), gateway: await of('gateway'), presence: await of('presence'), cell };
};
