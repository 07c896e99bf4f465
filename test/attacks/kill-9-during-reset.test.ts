// Attack: kill -9 either daemon, or both, at every step of a re-enrolment. The vault opens each time, with the phone that approves.
// ENROL-1, ENROL-3, ENROL-8, ENROL-9.
import type { Connection } from '@airlock/ipc';
import { FRAME, packBlobs, type EnrolBeginResult, type SealedRecordText } from '@airlock/protocol';
import { codeAt, refusalOf, startTestInstance, until, type Running } from '@airlock/testkit';
import { asDek, fromSealedRecord, openRecord } from '@airlock/vault';
import { existsSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ask, connectTo, frontOf, pendingOn, stateHolding, untilServing } from './support/house.js';
import { exchange, sealWith } from './support/service.js';

const PASSWORD = 'correct horse battery staple';
const SERVICES = ['one', 'two'];
const OLD_WRAPPED_CHARS = 80;

/**
 * Loaded by both daemons: ends this one, or both, at the n-th step since the file `kill-at` was written. A step is the moment
 * before, and the moment after, a file takes its place.
 */
const PRELOAD = `
const fs = require('node:fs');
const { join, basename } = require('node:path');
const name = basename(process.argv[1] ?? '', '.cjs');
fs.writeFileSync(join(__dirname, name + '.pid'), String(process.pid));
const rename = fs.renameSync;
let armed = '';
let count = 0;
const step = () => {
  let order;
  try { order = fs.readFileSync(join(__dirname, 'kill-at'), 'utf8'); } catch { return; }
  if (order !== armed) { armed = order; count = 0; }
  const { program, at, both } = JSON.parse(order);
  if (program !== name || ++count !== at) return;
  fs.unlinkSync(join(__dirname, 'kill-at'));
  const other = program === 'airlock-totp' ? 'airlock-gateway' : 'airlock-totp';
  if (both) try { process.kill(Number(fs.readFileSync(join(__dirname, other + '.pid'), 'utf8')), 'SIGKILL'); } catch {}
  process.kill(process.pid, 'SIGKILL');
};
fs.renameSync = (from, to) => { step(); rename(from, to); step(); };
`;

let running: Running;
let secret: string;
t.before(async () => {
  running = await startTestInstance({ cells: 1, preload: PRELOAD });
  ({ secret } = running);
  for (const service of SERVICES) await addSealed(service);
});
t.teardown(() => running.stop());

const killAt = (): string => join(running.dir, 'kill-at');
const phone = (of: string): string => codeAt(of, running.clock.wallMs());
const entryFile = (service: string): string =>
  join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default', `${service}.json`);
const recordOf = (service: string): SealedRecordText =>
  (JSON.parse(readFileSync(entryFile(service), 'utf8')) as { record: SealedRecordText }).record;

/** Opens an action and answers it with a phone. @returns its ticket */
const approveWith = async (link: Connection, of: string, verb: string, params: object): Promise<string> => {
  await ask(link, 'request.deny', { all: true });
  await ask(link, 'action.open', { verb, params });
  running.clock.advance(((await pendingOn(link)).front?.waitS ?? 0) * 1000 + 30_000);
  const { id: request, digest, match } = await frontOf(link);
  return (await ask<{ ticket: string }>(link, 'request.approve', { request, digest, match, code: phone(of) })).ticket;
};

const addSealed = async (service: string): Promise<void> => {
  const destination = { kind: 'http-json', origins: [{ scheme: 'https', host: 'a.example', port: 443 }], user: '' };
  const params = { service, kind: 'http-json', settings: { domains: 'a.example' }, destination, fields: ['token'], test: false };
  const link = await connectTo(running, 'approve/default');
  const gateway = await connectTo(running, 'operator/default');
  const ticket = await approveWith(link, secret, 'service.add', params);
  await ask(gateway, 'service.add', { ticket, record: await sealWith(link, ticket, { token: PASSWORD }) });
  link.close();
  gateway.close();
};

/** What `credentials get` prints with this phone, or the code of the refusal. */
const opened = async (of: string, service: string): Promise<string> => {
  const link = await connectTo(running, 'approve/default');
  try {
    const asked = approveWith(link, of, 'credentials.get', { service, fields: ['token'] });
    const refused = await refusalOf(asked);
    if (refused !== null) return refused;
    const { header, wrapped, body } = fromSealedRecord(recordOf(service));
    const ticket = Buffer.from(await asked, 'base64url');
    const answer = await exchange(link, FRAME.OPEN_KEY_REQUEST, packBlobs(Buffer.alloc(0), ticket, header, wrapped));
    if (answer.type !== FRAME.OPEN_KEY) return `refused: ${answer.payload.toString('latin1')}`;
    return openRecord({ dek: asDek(answer.payload), header, body, expected: { service } }).fields['token'] ?? 'no token';
  } finally {
    link.close();
  }
};

/** A re-enrolment up to its last answer. @returns the new secret, whether or not it counts by now */
const reset = async (order: object | null): Promise<string> => {
  const link = await connectTo(running, 'approve/default');
  const ticket = await approveWith(link, secret, 'totp.reset', {});
  const begun = await ask<EnrolBeginResult>(link, 'enrol.begin', { ticket });
  running.clock.advance(30_000);
  await ask(link, 'enrol.code', { code: phone(begun.secret) });
  running.clock.advance(30_000);
  if (order !== null) writeFileSync(killAt(), JSON.stringify(order));
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

/** What is done must not be hit by what was meant for it. @returns whether the order was still there */
const disarm = (): boolean => {
  try {
    unlinkSync(killAt());
    return true;
  } catch {
    return false;
  }
};

/** @returns whether the process was killed at that step; false: there are fewer */
const round = async (t: Pick<Tap, 'equal'>, program: string, at: number, both: boolean): Promise<boolean> => {
  const next = await reset({ program, at, both });
  await until('the kill, or the end', () => !existsSync(killAt()) || hasForgotten());
  const killed = !disarm();
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
