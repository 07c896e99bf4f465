// Attack: the disk is filled up, by whoever can, just when keys are changed, backed up or restored. BACKUP-5, ROTATE-1, ENROL-8.
import { daemonOf, startTestInstance, until, type CommandResult, type Running } from '@airlock/testkit';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connectTo, killHard, untilServing } from './support/house.js';
import { fillUp, FULL_AT, makeRoom, type FullOrder } from './support/full-at.js';
import { addSealed, approveWith, openedWith, phoneOf, replaceSealed } from './support/keys.js';

const SERVICES = ['one', 'two'];
const THEN = 'token-of-the-backup';
const NOW = 'token-of-today';

let running: Running;
t.setTimeout(300_000);
t.before(async () => {
  running = await startTestInstance({ cells: 1, preload: FULL_AT });
  for (const service of SERVICES) await addSealed(running, running.secret, service, THEN);
});
t.teardown(() => running.stop());

/** A sealed daemon starts anew once there is room: what `airlock-ctl audit reopen` has an installation do. */
const repaired = async (): Promise<boolean> => {
  const wasFull = makeRoom(running);
  for (const program of ['airlock-totp', 'airlock-gateway'] as const) await killHard(await daemonOf(running, program));
  await untilServing(running);
  return wasFull;
};

const tokens = (): Promise<readonly string[]> =>
  until('credentials that open', async () => {
    const found = [await openedWith(running, running.secret, 'one'), await openedWith(running, running.secret, 'two')];
    return found.every((one) => one === THEN || one === NOW) ? found : null;
  });

const codeOf = ({ json }: CommandResult): string => (json as { error?: { code: string } } | null)?.error?.code ?? 'none';
const COMMANDS: Readonly<Record<string, (n: string) => Promise<CommandResult>>> = {
  backup: (n) => running.command('airlock-ctl', ['backup', join(running.dir, `backup-${n}`), '--json']),
  rotate: () => running.command('airlock-ctl', ['rotate', '--json'], { stdin: `${phoneOf(running, running.secret)}\n` }),
};

for (const [verb, command] of Object.entries(COMMANDS))
  t.test(`${verb} on a full disk: said, nothing lost, and it works once there is room`, { timeout: 240_000 }, async (t) => {
    for (let at = 1; ; at += at < 4 ? 1 : 3) {
      running.clock.advance(120_000);
      fillUp(running, { program: 'airlock-totp', at });
      const answer = await command(String(at));
      const wasFull = await repaired();
      t.strictSame(await tokens(), [THEN, THEN], `write ${at}: both credentials open`);
      if (!wasFull) {
        t.equal(answer.status, 0, `negative control: with room it succeeds (${answer.stdout})`);
        t.ok(at > 2, `${at - 1} writes`);
        return;
      }
      if (answer.status !== 0) t.match(codeOf(answer), /^(?:AUDIT_UNAVAILABLE|VAULT_UNREADABLE|UNAVAILABLE)$/, answer.stdout);
      if (answer.status !== 0 && verb === 'backup') t.notOk(existsSync(join(running.dir, `backup-${at}`)), 'no file');
    }
  });

/** Fail closed: rules of the backup that could not be put in force (BACKUP-8). */
const unlock = async (): Promise<void> => {
  const link = await connectTo(running, 'approve/default');
  await approveWith(running, link, running.secret, 'unlock', {});
  link.close();
};

const restoredOr = async (
  t: Pick<typeof import('tap').t, 'match' | 'equal'>,
  order: FullOrder,
  file: string,
  key: string,
): Promise<boolean> => {
  for (const service of SERVICES) await replaceSealed(running, running.secret, service, NOW);
  running.clock.advance(120_000);
  fillUp(running, order);
  const answer = await running.command('airlock-ctl', ['restore', file, '--force', '--json'], {
    stdin: `${key}\n${phoneOf(running, running.secret)}\n`,
  });
  const wasFull = await repaired();
  if (answer.stdout.includes('locked until then')) await unlock();
  const [one, two] = await tokens();
  t.equal(one, two, `${order.program}, write ${order.at}: ${one ?? ''}, whole (${answer.stdout.slice(0, 120)})`);
  if (answer.status === 0) t.equal(one, THEN, 'and what was said is so');
  else t.match(codeOf(answer), /^(?:AUDIT_UNAVAILABLE|VAULT_UNREADABLE|UNAVAILABLE)$/, answer.stdout);
  return wasFull;
};

for (const program of ['airlock-totp', 'airlock-gateway'] as const)
  t.test(`BACKUP-5: a restore while the disk of ${program} fills up: all of it or nothing`, { timeout: 240_000 }, async (t) => {
    for (const service of SERVICES) await replaceSealed(running, running.secret, service, THEN);
    const file = join(running.dir, `backup-for-${program}`);
    const made = await running.command('airlock-ctl', ['backup', file, '--json']);
    const { recoveryKey } = made.json as { recoveryKey: string };
    let at = 1;
    while (at < 30 && (await restoredOr(t, { program, at }, file, recoveryKey))) at += at < 4 ? 1 : 4;
    t.ok(at > 3 && at < 30, `${at - 1} writes`);
  });
