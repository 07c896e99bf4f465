// Attack: find a credential anywhere but in the cell that uses it. CELL-4, RELEASE-6, VAULT-8.
import {
  addFixture,
  daemonOf,
  isAlive,
  memoryHolds,
  obtainLease,
  openSession,
  pidsOf,
  startWithFixture,
  until,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import type { AccessStatus, CallResult } from '@airlock/protocol';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { giveBack, recordOf, release, releaseRequest, takeBridge } from './bridge.js';

const CANARY = `canary/${randomBytes(12).toString('hex')}+é`;

/** Forms in which a secret is found by who looks for it; base64 at each of its three alignments. */
const formsOf = (secret: Buffer): Record<string, Buffer> => ({
  raw: secret,
  utf16: Buffer.from(secret.toString('utf8'), 'utf16le'),
  hex: Buffer.from(secret.toString('hex')),
  url: Buffer.from(encodeURIComponent(secret.toString('utf8'))),
  // What is the same whatever stands before and behind.
  ...Object.fromEntries(
    [0, 1, 2].map((shift) => {
      const text = Buffer.concat([Buffer.alloc(shift), secret])
        .toString('base64')
        .replace(/=+$/, '');
      return [`base64 at ${shift}`, Buffer.from(text.slice(shift === 0 ? 0 : 4, -2))];
    }),
  ),
});
const FORMS = formsOf(Buffer.from(CANARY));

let running: Running;
let agent: AgentSession;
let lease: string;
const answers: string[] = [];
t.before(async () => {
  running = await startWithFixture();
  // Tried in a cell before it is stored, then used in another one.
  await addFixture(running, { token: CANARY });
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['fixture:read']));
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const call = async (operation: string, params: object = {}): Promise<unknown> => {
  try {
    const answer = await agent.call<CallResult>('call', { lease, service: 'fixture', operation, params });
    answers.push(JSON.stringify(answer));
    return answer.result;
  } catch (error) {
    answers.push(JSON.stringify({ ...(error as object), message: (error as Error).message }));
    return null;
  }
};

const findIn = (text: Buffer): string[] =>
  Object.entries(FORMS)
    .filter(([, needle]) => text.includes(needle))
    .map(([name]) => name);

const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

let cell: number;
t.test('negative control: in the cell it is found', async (t) => {
  ({ pid: cell } = (await call('pid')) as { pid: number });
  t.ok(memoryHolds(cell, FORMS).includes('raw'));
  for (const [name, needle] of Object.entries(FORMS)) t.ok(needle.length >= 12, `${name} is long enough to mean something`);
});

t.test('no answer carries it, though the connector tries', async (t) => {
  const forms = (await call('secret')) as Record<string, unknown>;
  t.ok(Object.keys(forms).length >= 6, 'the answer came');
  await call('fail', { text: 'refused: ' });
  await call('echo', { text: 'x' });
  const missing = await running.command('airlock-ctl', ['credentials', 'list', '--json']);
  answers.push(missing.stdout, missing.stderr, (await running.command('airlock-ctl', ['audit', '--json'])).stdout);
  answers.push((await running.command('airlock-ctl', ['service', 'list', '--json'])).stdout);
  t.same(findIn(Buffer.from(answers.join('\n'))), []);
  const escaped = JSON.stringify(CANARY).slice(1, -1);
  t.notOk(answers.join('\n').includes(escaped));
});

t.test('neither daemon holds it, nor any file, nor what they print', async (t) => {
  for (const daemon of ['airlock-gateway', 'airlock-totp'] as const)
    t.same(memoryHolds(await daemonOf(running, daemon), FORMS), [], daemon);
  const files = filesBelow(running.dir);
  t.ok(files.length > 8, 'there are files to look at');
  for (const file of files) t.same(findIn(readFileSync(file)), [], file);
  t.same(findIn(Buffer.from(running.output())), []);
  for (const pid of pidsOf(running, 'airlock-cell').filter((one) => one !== cell))
    t.same(memoryHolds(pid, FORMS), [], 'a cell without a lease');
});

t.test('the key of the record is never in the gateway', async (t) => {
  const id = (await agent.call<AccessStatus>('access.status')).leases[0]?.id ?? '';
  const gateway = await takeBridge(running);
  const answer = await release(running, releaseRequest(await gateway.ticket(id, 'fixture'), recordOf(running, 'fixture')));
  await giveBack(running, gateway);
  const dek = Buffer.from(answer.bytes.subarray(5, 37));
  t.ok(memoryHolds(process.pid, { dek }).includes('dek'), 'negative control: we hold it now');
  const needles = { raw: dek, hex: Buffer.from(dek.toString('hex')), base64: Buffer.from(dek.toString('base64').slice(0, 40)) };
  t.same(memoryHolds(await daemonOf(running, 'airlock-gateway'), needles), []);
});

t.test('the end of the lease is the wipe', async (t) => {
  ({ pid: cell } = (await call('pid')) as { pid: number });
  await agent.call('access.release', { lease });
  await until('the end of the cell', () => !isAlive(cell), 1000);
  for (const pid of pidsOf(running, 'airlock-cell').filter(isAlive)) t.same(memoryHolds(pid, FORMS), []);
});

t.test('to the operator it is printed, after a code, and to nobody else', async (t) => {
  const got = await running.command('airlock-ctl', ['credentials', 'get', 'fixture', 'token'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.equal(got.stdout.trim(), CANARY, got.stderr);
  const without = await running.command('airlock-ctl', ['credentials', 'get', 'fixture', 'token', '--json'], {
    stdin: '000000\n',
  });
  t.equal(without.status, 4);
  t.same(findIn(Buffer.from(without.stdout + without.stderr)), []);
  for (const daemon of ['airlock-gateway', 'airlock-totp'] as const)
    t.same(memoryHolds(await daemonOf(running, daemon), FORMS), [], daemon);
});
