// Attack, or a disk restored in part: the whole state of airlock-totp put back to an older copy, log, heads and register together,
// so that it knows of nothing it has forgotten. BRIDGE-8, HEADS-5.
import { connectSocket } from '@airlock/ipc';
import type { AccessStatus, ApproveStatus } from '@airlock/protocol';
import {
  addFixture,
  obtainLease,
  openSession,
  pidsOf,
  refusalOf,
  restartWith,
  startWithFixture,
  until,
  untilServing,
  type AgentSession,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Disk, stateDir, untilSigned } from './state-files.js';

let running: Running;
let agent: AgentSession;
let disk: Disk;
t.before(async () => {
  running = await startWithFixture();
  await addFixture(running);
  disk = new Disk(running, 'airlock-totp');
  agent = await openSession(running);
});
t.teardown(async () => {
  agent.close();
  await running.stop();
});

const ctl = (args: readonly string[], stdin?: string): Promise<CommandResult> =>
  running.command('airlock-ctl', [...args, '--json'], stdin === undefined ? {} : { stdin });
const reopen = async (): Promise<void> => {
  agent.close();
  agent = await openSession(running, { resume: agent.hello.resume });
};
const unlock = (code = running.freshCode()): Promise<CommandResult> => ctl(['unlock'], `${code}\n`);
const errorOf = ({ json }: CommandResult): string => (json as { error?: { code: string } }).error?.code ?? 'none';
const status = async (): Promise<ApproveStatus> => {
  const link = await connectSocket(running.sockets['approve/default'] ?? '');
  try {
    return (await link.call('status', {})) as ApproveStatus;
  } finally {
    link.close();
  }
};
const read = (lease: string): Promise<string | null> =>
  refusalOf(agent.call('call', { lease, service: 'fixture', operation: 'pid', params: {} }));
const leases = async (): Promise<readonly string[]> =>
  (await agent.call<AccessStatus>('access.status')).leases.map(({ id }) => id);
const recordsOf = (daemon: 'airlock-totp' | 'airlock-gateway'): Readonly<Record<string, unknown>>[] => {
  const dir = join(stateDir(running, daemon), 'audit');
  return readdirSync(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(join(dir, name), 'utf8').split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
};
const mismatches = (): Readonly<Record<string, unknown>>[] =>
  recordsOf('airlock-totp').filter(({ event }) => event === 'audit_mismatch');

for (const [name, isGatewayDown] of [
  ['while airlock-gateway lives on', false],
  ['while both are down', true],
] as const) {
  t.test(`put back ${name}: a revoked lease and a used code stay what they are, and everybody is told`, async (t) => {
    const { lease } = await obtainLease(running, agent, ['fixture:read']);
    const [id = ''] = await leases();
    await untilSigned(running, 'airlock-gateway');
    await disk.keep();
    t.equal(await read(lease), null, 'negative control: the copy itself, unchanged, is served on');
    t.match(await status(), { locked: false });
    t.equal((await status()).alert, undefined);
    const before = mismatches().length;

    t.equal((await ctl(['revoke', id])).status, 0);
    t.equal(await read(lease), 'LEASE_REVOKED');
    t.equal((await ctl(['lock'])).status, 0);
    const used = running.freshCode();
    t.equal((await unlock(used)).status, 0, 'a code is used');
    await untilSigned(running, 'airlock-gateway');

    await restartWith(running, 'airlock-totp', () => {
      disk.restore();
      if (isGatewayDown) for (const pid of pidsOf(running, 'airlock-gateway')) process.kill(pid, 'SIGKILL');
    });
    if (isGatewayDown) await reopen();
    await until('it is locked', async () => (await status()).locked);
    t.match((await status()).alert, { message: /airlock-totp was put back to an older state: it knows of \d+ signed records/ });
    t.not(await read(lease), null, 'the revoked lease is not served');
    t.same(await leases(), [], 'and lives no more');
    t.match(mismatches().slice(before), [{ log: 'airlock-totp' }], 'recorded once');
    t.equal(errorOf(await unlock(used)), 'CODE_REJECTED', 'the used code');

    running.clock.advance(90_000);
    t.equal((await unlock()).status, 0, 'another, later one');
    await until('open again', async () => !(await status()).locked);
    t.equal((await status()).alert, undefined);
    t.equal(await read(lease), 'LEASE_REVOKED', 'it is not thawed by the unlock');
    await untilSigned(running, 'airlock-gateway');
    await restartWith(running, 'airlock-gateway');
    await reopen();
    t.match(await status(), { locked: false }, 'what was told and unlocked is not told again');
    const again = await obtainLease(running, agent, ['fixture:read']);
    t.equal(await read(again.lease), null, 'work goes on');
    await ctl(['revoke', '--all']);
    await untilSigned(running, 'airlock-gateway');
  });
}

/** The gateway's log begins anew by a decision with a code. */
const beginAnew = async (): Promise<void> => {
  const accepted = await ctl(['audit', 'accept', '--log', 'gateway'], `${running.freshCode()}\n`);
  if (accepted.status !== 0) throw new Error(accepted.stderr);
  await untilServing(running);
  if ((await status()).locked) await unlock();
  await until('open', async () => !(await status()).locked);
  await reopen();
};

for (const name of ['before the log of airlock-gateway was begun anew', 'between two times that it was'])
  t.test(`put back to ${name}: no lease of then lives on, and the gateway is not accused`, async (t) => {
    if (name.startsWith('between')) await beginAnew();
    const { lease } = await obtainLease(running, agent, ['fixture:read']);
    const [id = ''] = await leases();
    await untilSigned(running, 'airlock-gateway');
    await disk.keep();
    await beginAnew();
    const asides = (): number => readdirSync(stateDir(running, 'airlock-gateway')).filter((one) => /set-aside/.test(one)).length;
    const before = asides();
    t.equal(await read(lease), null, 'negative control: it lives');
    t.equal((await ctl(['revoke', id])).status, 0);
    await untilSigned(running, 'airlock-gateway');

    await restartWith(running, 'airlock-totp', () => disk.restore());
    await until('it is told', async () => (await status()).alert !== undefined);
    t.match(await status(), {
      locked: true,
      alert: {
        message: /airlock-totp was put back to an older state: airlock-gateway began its log anew by decision [0-9a-f]{18}/,
      },
    });
    t.same(await leases(), []);
    t.equal(asides(), before, 'nothing is set aside by it');
    running.clock.advance(90_000);
    await beginAnew();
    t.equal(await read(lease), 'LEASE_REVOKED', 'begun anew and unlocked, it stays revoked');
    t.equal((await status()).alert, undefined);
    await untilSigned(running, 'airlock-gateway');
    await restartWith(running, 'airlock-gateway');
    await reopen();
    t.match(await status(), { locked: false }, 'and is not told again');
  });
