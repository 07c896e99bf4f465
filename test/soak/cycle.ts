/** One cycle of a soak: agents at the same time, then time, then quiet. */
import { isAlive, pidsOf, until } from '@airlock/testkit';
import { Dice } from '../fire/dice.js';
import { withTotp } from '../fire/operator.js';
import { PATIENCE_MS, visit, type Counts } from './agents.js';
import { CELLS, mcpServers, ROLES, type House } from './house.js';
import { Hourglass } from './hourglass.js';
import { connectionsTo } from './measure.js';
import { Operator } from './operator.js';

/** Longer than any lease; a day of the clock, after which outcomes and limits by the hour or day are forgotten, is a dozen cycles. */
const PAUSE_MS = 2 * 3600 * 1000;

const quiet = async (house: House): Promise<void> => {
  const { running, dovecot, smtp } = house;
  const leases = (): Promise<readonly unknown[]> =>
    withTotp(running, (ask) => ask<{ leases: readonly unknown[] }>('leases')).then((found) => found.leases);
  await until('the end of every lease', async () => (await leases()).length === 0, PATIENCE_MS);
  await until('the end of every connection to Dovecot', () => connectionsTo(dovecot.port) === 0, PATIENCE_MS);
  await until('the end of every connection to aiosmtpd', () => connectionsTo(smtp.port) === 0, PATIENCE_MS);
  await until('the end of every MCP server', () => mcpServers(house) === 0, PATIENCE_MS);
  await until('a cell in every slot', () => pidsOf(running, 'airlock-cell').filter(isAlive).length === CELLS, PATIENCE_MS);
};

export interface Turn {
  readonly seed: number;
  readonly number: number;
  readonly agents: number;
  /** Of each agent, with which it comes back as who it was; kept from cycle to cycle. */
  readonly resumes: Map<number, string>;
}
/** So often an agent comes as a new one. */
const ONE_NEW_IN = 8;

/** Every agent at once; afterwards every lease is over, nothing is connected, a fresh cell is in every slot. */
export const cycle = async (house: House, counts: Counts, { seed, number, agents, resumes }: Turn): Promise<void> => {
  const glass = new Hourglass((ms) => house.running.clock.advance(ms));
  const operator = new Operator(house.running, glass);
  const visits = Array.from({ length: agents }, (_unused, index) => {
    const role = ROLES[index % ROLES.length] ?? ROLES[0];
    const name = `${number} ${role} ${index}`;
    const dice = new Dice(seed, name);
    const resume = dice.chance(ONE_NEW_IN) ? undefined : resumes.get(index);
    const part = { dice, role, name, resume, came: (secret: string) => void resumes.set(index, secret) };
    return visit({ house, operator, glass, counts }, part);
  });
  // An operator who fails leaves agents waiting: what is wrong with it is said first.
  const failed = operator.done.then(() => new Promise<never>(() => undefined));
  await Promise.race([Promise.all(visits), failed]);
  await operator.stop();
  house.running.clock.advance(PAUSE_MS);
  await quiet(house);
};
