// Attack: who holds the gateway hides yesterday, by its own word that it was removed because of its age. AUDIT-28.
// One gateway's log, one of airlock-totp, one verifier: `airlock-ctl audit verify --dir`, with public keys and heads alone.
import { generateHeadKey, openLog, parsePrivateKey, parseSignedHead, signHead, type AuditLog } from '@airlock/audit';
import { systemTimers } from '@airlock/protocol';
import { checkout } from '@airlock/testkit';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-11-20T12:00:00Z');
const keys = {
  gateway: parsePrivateKey(generateHeadKey('airlock-gateway').privateKey),
  totp: parsePrivateKey(generateHeadKey('airlock-totp').privateKey),
};
const dir = mkdtempSync(join(tmpdir(), 'airlock-removed-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

/** Where the clock stands, in days, when a removal is said, when that is signed, and at later heads. */
interface Clocks {
  readonly said: number;
  readonly signed?: number;
  readonly later?: readonly number[];
}

/** Both logs over so many days, a head each evening; then the first day is said to be too old, signed, and removed. */
const verified = async (
  name: string,
  { said, signed = said, later = [] }: Clocks,
  retainDays: number,
): Promise<{ status: number | null; stdout: string }> => {
  const at = join(dir, name);
  let wall = START_MS;
  const open = (log: string): AuditLog =>
    openLog({
      dir: join(at, log),
      clock: { wallMs: () => wall, bootMs: () => 0 },
      reserveBytes: 0,
      bootId: 'b',
      timers: systemTimers,
    });
  spawnSync('mkdir', ['-p', '-m', '700', at]);
  const [gateway, totp] = [open('gateway'), open('totp')];
  const sign = async (): Promise<string> => {
    await gateway.flush();
    const note = signHead(keys.gateway, 'airlock-gateway', gateway.durableHead());
    const { origin, size, hash } = parseSignedHead(note);
    totp.append('checkpoint', { origin, size, hash, note });
    return note;
  };
  gateway.append('operation', { service: 'mail', operation: 'list_messages' });
  await sign();
  gateway.append('operation', { service: 'bank', operation: 'what_is_to_be_hidden' });
  await gateway.flush();
  const { size, hash } = gateway.durableHead();
  await sign();
  const toDay = (day: number): void => void (wall = START_MS + day * DAY_MS);
  toDay(said);
  gateway.append('log_pruned', { file: '2020-01-01.jsonl', size, hash, retainDays });
  toDay(signed);
  let newest = await sign();
  for (const day of later) {
    toDay(day);
    gateway.append('operation', { service: 'mail', operation: 'list_messages' });
    newest = await sign();
  }
  writeFileSync(join(at, 'gateway.note'), newest);
  await totp.flush();
  writeFileSync(join(at, 'totp.note'), signHead(keys.totp, 'airlock-totp', totp.durableHead()));
  await Promise.all([gateway.close(), totp.close()]);
  unlinkSync(join(at, 'gateway/2026-11-20.jsonl'));
  for (const log of ['gateway', 'totp'] as const) writeFileSync(join(at, `${log}.vkey`), `${keys[log].publicKey}\n`);
  const flags = ['gateway', 'totp'].flatMap((log) => ['--key', join(at, `${log}.vkey`), '--head', join(at, `${log}.note`)]);
  const args = [join(checkout, 'dist/lib/airlock-ctl.cjs'), 'audit', 'verify', '--dir', at, ...flags];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
};

t.test('what is said to be older than it can be is refused', async (t) => {
  t.match(await verified('yesterday', { said: 1 }, 365), { status: 7, stdout: /DAMAGED: gateway log, .*older than 365 days/ });
});

t.test('AUDIT-29: a number of days that lies small is told', async (t) => {
  const found = await verified('small', { said: 2 }, 1);
  t.match(found, { status: 0, stdout: /it says that what it removed was older than 1 days/ });
  t.notMatch(found.stdout, /WARNING/, 'nobody knows what the machine of a copy was told to keep');
});

t.test('negative control: what is as old as that may be gone', async (t) => {
  t.match(await verified('old', { said: 366 }, 365), { status: 0, stdout: /whole: .*\ngateway log: from record 3 on/ });
});

t.test('AUDIT-28: what a clock that ran ahead removed is no damage, and is told', async (t) => {
  t.match(await verified('ahead', { said: 400, later: [1, 2] }, 365), {
    status: 0,
    stdout: /^whole[^]*WARNING: gateway log: the clock of this machine ran ahead: airlock-totp signed the removal at 2027-12-25T/,
  });
});

t.test('AUDIT-28: only the clock of airlock-totp counts, and only when it signed that it goes', async (t) => {
  const damaged = { status: 7, stdout: /DAMAGED: gateway log, .*older than 365 days/ };
  t.match(
    await verified('gateway-alone', { said: 400, signed: 1, later: [2] }, 365),
    damaged,
    'the times of the gateway are its own',
  );
  t.match(await verified('before', { said: 1, later: [400, 2] }, 365), damaged, 'a clock that ran ahead later excuses nothing');
});
