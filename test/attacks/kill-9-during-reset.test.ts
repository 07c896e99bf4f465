// Attack: kill -9 either daemon, or both, at every step of a re-enrolment. The vault opens each time, with the phone that approves.
// ENROL-1, ENROL-3, ENROL-8, ENROL-9.
import type { EnrolBeginResult, SealedRecordText } from '@airlock/protocol';
import { refusalOf, startTestInstance, until, type Running } from '@airlock/testkit';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ask, connectTo, stateHolding, untilServing } from './support/house.js';
import { arm, disarm, isArmed, KILL_AT, type KillOrder } from './support/kill-at.js';
import { addSealed, approveWith, openedWith, phoneOf, storedRecord } from './support/keys.js';

const PASSWORD = 'correct horse battery staple';
const SERVICES = ['one', 'two'];
const OLD_WRAPPED_CHARS = 80;

let running: Running;
let secret: string;
t.before(async () => {
  running = await startTestInstance({ cells: 1, preload: KILL_AT });
  ({ secret } = running);
  for (const service of SERVICES) await addSealed(running, secret, service, PASSWORD);
});
t.teardown(() => running.stop());

const phone = (of: string): string => phoneOf(running, of);
const opened = (of: string, service: string): Promise<string> => openedWith(running, of, service);
const recordOf = (service: string): SealedRecordText => storedRecord(running, service);

/** A re-enrolment up to its last answer. @returns the new secret, whether or not it counts by now */
const reset = async (order: KillOrder | null): Promise<string> => {
  const link = await connectTo(running, 'approve/default');
  const ticket = await approveWith(running, link, secret, 'totp.reset', {});
  const begun = await ask<EnrolBeginResult>(link, 'enrol.begin', { ticket });
  running.clock.advance(30_000);
  await ask(link, 'enrol.code', { code: phone(begun.secret) });
  running.clock.advance(30_000);
  if (order !== null) arm(running, order);
  await refusalOf(ask(link, 'enrol.code', { code: phone(begun.secret) }));
  link.close();
  return begun.secret;
};

const isRewrapped = (): boolean => SERVICES.every((service) => recordOf(service).wrapped.length > OLD_WRAPPED_CHARS);
const secretBytes = (): number => statSync(join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'totp/default.secret')).size;

/** Size of the file with one secret in it; a second is 22 bytes more, an epoch of two digits one. */
let oneSecret: number;
const hasForgotten = (): boolean => secretBytes() <= oneSecret + 2;
const untilForgotten = (): Promise<unknown> => until('the old secret is forgotten', hasForgotten);

t.test('negative control: without a kill every key is wrapped again, and the old secret is gone', async (t) => {
  t.equal(isRewrapped(), false);
  const next = await reset(null);
  await until('all is wrapped again', isRewrapped);
  await until('it is recorded', () => stateHolding(running, 'phone_forgotten').length > 0);
  await untilServing(running);
  oneSecret = secretBytes();
  t.equal(await opened(secret, 'one'), 'CODE_REJECTED', 'the old phone approves nothing');
  secret = next;
  for (const service of SERVICES) t.equal(await opened(secret, service), PASSWORD);
  t.same(stateHolding(running, PASSWORD), []);
});

/** @returns whether the process was killed at that step; false: there are fewer */
const round = async (t: Pick<Tap, 'equal'>, program: KillOrder['program'], at: number, both: boolean): Promise<boolean> => {
  const next = await reset({ program, at, both });
  await until('the kill, or the end', () => !isArmed(running) || hasForgotten());
  const killed = !disarm(running);
  await untilServing(running);
  const name = `${program}${both ? ' and the other' : ''}, step ${at}`;
  const first = await opened(next, 'one');
  const counts = first !== 'CODE_REJECTED';
  if (counts) secret = next;
  t.equal(counts ? first : await opened(secret, 'one'), PASSWORD, `${name}: ${counts ? 'new' : 'old'} phone`);
  t.equal(await opened(secret, 'two'), PASSWORD, name);
  await untilForgotten();
  return killed;
};
type Tap = typeof t;

for (const [program, both] of [
  ['airlock-totp', false],
  ['airlock-gateway', false],
  ['airlock-totp', true],
  ['airlock-gateway', true],
] as const) {
  t.test(`kill -9 of ${program}${both ? ' and the other' : ''} at every step`, async (t) => {
    let at = 1;
    while (await round(t, program, at, both)) at += 1;
    t.ok(at > 4, `${at - 1} steps`);
  });
}

t.test('after all of it every credential opens, with the last phone only, and the record verifies', async (t) => {
  for (const service of SERVICES) t.equal(await opened(secret, service), PASSWORD);
  t.equal(await opened(running.secret, 'one'), 'CODE_REJECTED', 'negative control: the first phone');
  const verified = await running.command('airlock-ctl', ['audit', 'verify', '--json']);
  t.equal(verified.status, 0, verified.stdout);
});
