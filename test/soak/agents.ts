/** Agents that come, get a lease, read mail from a real Dovecot, and go or let it run out. */
import {
  openSession,
  startDovecot,
  startTestInstance,
  until,
  writeMaildir,
  pidsOf,
  isAlive,
  type DovecotServer,
  type Running,
} from '@airlock/testkit';
import type { AccessRequestResult, AccessWaitResult, CallResult } from '@airlock/protocol';
import { connectionsTo } from './measure.js';
import type { Dice } from '../fire/dice.js';
import { approve, withTotp } from '../fire/operator.js';

export interface House {
  readonly running: Running;
  readonly dovecot: DovecotServer;
  stop(): Promise<void>;
}

const CELLS = 8;

export const openHouse = async (): Promise<House> => {
  const dovecot = await startDovecot((maildir) => writeMaildir(maildir));
  const running = await startTestInstance({ cells: CELLS });
  const settings = ['host=127.0.0.1', `port=${dovecot.port}`, 'security=none', `user=${dovecot.user}`];
  const added = await running.command(
    'airlock-ctl',
    ['service', 'add', 'imap', '--name', 'mail', ...settings.flatMap((one) => ['--set', one]), '--stdin', '--json'],
    { stdin: `${dovecot.password}\n${running.freshCode()}\n` },
  );
  const stop = async (): Promise<void> => {
    await running.stop();
    await dovecot.stop();
  };
  if (added.status === 0) return { running, dovecot, stop };
  await stop();
  throw new Error(`service add: ${added.stdout}${added.stderr}`);
};

export interface Counts {
  leases: number;
  calls: number;
  released: number;
}

const OPERATIONS = ['list_folders', 'list_messages', 'list_messages'] as const;
/** Leases of agents that go without a word end within two codes of others. */
const SHORT_S = 60;

/** One agent from hello to its end. */
const visit = async ({ running }: House, counts: Counts, dice: Dice): Promise<void> => {
  const agent = await openSession(running);
  try {
    const ask = { scopes: ['mail:read'], reason: 'soak', ttlS: SHORT_S + dice.below(60) };
    const { request, match } = await agent.call<AccessRequestResult>('access.request', ask);
    await until('an approval', () => approve(running, match));
    const { lease } = await agent.call<AccessWaitResult>('access.wait', { request, timeoutS: 10 });
    if (lease === undefined) throw new Error('no lease was delivered');
    counts.leases += 1;
    for (const operation of OPERATIONS) {
      await agent.call<CallResult>('call', { lease, service: 'mail', operation, params: {} });
      counts.calls += 1;
    }
    if (dice.chance(2)) return;
    await agent.call('access.release', { lease });
    counts.released += 1;
  } finally {
    agent.close();
  }
};

const AGENTS = 4;

/** Some agents one after the other, then quiet: every lease over, no connection to the mailbox, a fresh cell in every slot. */
export const cycle = async (house: House, counts: Counts, dice: Dice): Promise<void> => {
  for (let agent = 0; agent < AGENTS; agent += 1) await visit(house, counts, dice);
  house.running.clock.advance(2 * SHORT_S * 1000);
  const leases = (): Promise<readonly unknown[]> =>
    withTotp(house.running, (ask) => ask<{ leases: readonly unknown[] }>('leases')).then((found) => found.leases);
  await until('the end of every lease', async () => (await leases()).length === 0);
  await until('the end of every connection to Dovecot', () => connectionsTo(house.dovecot.port) === 0);
  await until('a cell in every slot', () => pidsOf(house.running, 'airlock-cell').filter(isAlive).length === CELLS);
};
