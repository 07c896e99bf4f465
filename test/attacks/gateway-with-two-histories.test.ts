// Attack: airlock-gateway keeps, or shows, another history than the one that airlock-totp signed. BRIDGE-6, HEADS-4.
import { Chain, lineDigest } from '@airlock/audit';
import { connectSocket } from '@airlock/ipc';
import type { ApproveStatus, PendingResult } from '@airlock/protocol';
import { addMailbox, openSession, restartWith, startTestInstance, until, type Running } from '@airlock/testkit';
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { untilSigned } from './state-files.js';

let running: Running;
t.before(async () => {
  running = await startTestInstance();
  await addMailbox(running);
});
t.teardown(() => running.stop());

const dir = (): string => join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/audit');
const segment = (): string => join(dir(), readdirSync(dir()).find((name) => name.endsWith('.jsonl')) ?? 'none');

const ask = async <T>(method: string): Promise<T> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  const answer = (await link.call(method, {})) as T;
  link.close();
  return answer;
};
const status = (): Promise<ApproveStatus> => ask<ApproveStatus>('status');

/** Every hash made to fit, and no signed head left inside that would give the change away to the log's own reader. */
const rewritten = (text: string): string => {
  const chain = new Chain();
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const record = { ...(JSON.parse(line) as { event: string; note?: string }), note: undefined };
      const event = record.event === 'checkpoint' ? 'operation' : record.event;
      const changed = JSON.stringify({ ...record, event, seq: chain.size + 1, prev: chain.hash });
      chain.extend(lineDigest(Buffer.from(changed)).toString('latin1'));
      return `${changed}\n`;
    })
    .join('');
};

t.test('another history of the same length is not signed: locked, and everybody is told', async (t) => {
  await untilSigned(running, 'airlock-gateway');
  t.match(await status(), { locked: false }, 'negative control: nothing is wrong yet');
  t.equal((await status()).alert, undefined);
  const watcher = spawn(process.execPath, [join(import.meta.dirname, '../../../dist/lib/airlock-ctl.cjs'), 'watch', '--json'], {
    env: { PATH: process.env['PATH'], HOME: running.dir, ...running.env },
  });
  t.teardown(() => watcher.kill());
  let watched = '';
  watcher.stdout.setEncoding('utf8').on('data', (text: string) => (watched += text));
  let whole = '';
  await restartWith(running, 'airlock-gateway', () => {
    whole = readFileSync(segment(), 'utf8');
    const other = rewritten(whole);
    t.not(other, whole);
    writeFileSync(segment(), other);
  });
  await until('it locks', async () => (await status()).locked);
  t.match((await status()).alert, { message: /the log of airlock-gateway is not the one that was signed: another history/ });
  t.match((await running.command('airlock-ctl', ['status'])).stdout, /ALERT .*another history/);
  t.match((await running.command('airlock-ctl', ['audit', 'verify', '--json'])).status, 7);
  await until('watch tells it', async () => /"event":"locked".*"alert":"the log of airlock-gateway/.test(watched));
  const agent = await openSession(running);
  await t.rejects(agent.call('access.request', { scopes: ['mail:read'], reason: 'x' }), { code: 'LOCKED' });
  agent.close();

  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  await link.call('action.open', { verb: 'unlock', params: {} });
  const { front } = (await link.call('pending', {})) as PendingResult;
  t.match(front?.text, /WARNING {2}the log of airlock-gateway is not the one that was signed/, 'the next prompt says it');
  const code = running.freshCode();
  await link.call('request.approve', { request: front?.id, digest: front?.digest, code, match: front?.match });
  link.close();
  await until('what is still another log locks again', async () => (await status()).locked);
  t.match((await status()).alert, { message: /another history/ });

  await restartWith(running, 'airlock-totp', () => undefined);
  t.match(await status(), { locked: true, alert: { message: /another history/ } }, 'a restart forgets nothing');
  await restartWith(running, 'airlock-gateway', () => writeFileSync(segment(), whole));
  const { json } = await running.command('airlock-ctl', ['audit', '--event', 'audit_mismatch', '--json']);
  t.ok((json as unknown[]).length >= 1 && (json as unknown[]).length <= 4, 'on the record, and not once a second');
  t.equal((await running.command('airlock-ctl', ['audit', 'verify'])).status, 0, 'the files that were signed verify again');
});

t.test('an older copy that went on by itself is found though it is longer by now', async (t) => {
  const older = readFileSync(segment(), 'utf8');
  await untilSigned(running, 'airlock-gateway');
  await restartWith(running, 'airlock-gateway', () => {
    const signed = readFileSync(segment(), 'utf8');
    const lines = older.split('\n').slice(0, -6);
    const grown = [...lines, ...Array.from({ length: signed.split('\n').length }, () => lines.at(-1) ?? '')];
    writeFileSync(segment(), rewritten(`${grown.join('\n')}\n`));
  });
  await until('it locks', async () => (await status()).locked);
  t.match((await status()).alert, { message: /another history/ });
});
