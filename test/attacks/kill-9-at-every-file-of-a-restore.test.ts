// Attack: airlock-gateway is killed at each file it makes, writes, syncs, renames or removes in a restore, the clean-up included,
// so that what is left of a backup counts as the whole of it. BACKUP-5, BACKUP-12.
import { daemonOf, startTestInstance, until, type Running } from '@airlock/testkit';
import type { ServiceList } from '@airlock/protocol';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ask, connectTo, killHard, untilServing } from './support/house.js';
import { arm, disarm, KILL_AT } from './support/kill-at.js';
import { addSealed, openedWith, phoneOf, replaceSealed } from './support/keys.js';

const THEN = 'token-of-the-backup';
const NOW = 'token-of-today';
/** All that a restore touches at the gateway; never its log. */
const BELOW = ['/gateway/restore', '/gateway/vault', '/gateway/listed'];

let running: Running;
let file: string;
let key: string;
t.setTimeout(600_000);
t.before(async () => {
  running = await startTestInstance({ cells: 1, preload: KILL_AT });
  for (const service of ['one', 'two']) await addSealed(running, running.secret, service, THEN);
  file = join(running.dir, 'backup');
  const { json } = await running.command('airlock-ctl', ['backup', file, '--json']);
  key = (json as { recoveryKey: string }).recoveryKey;
});
t.teardown(() => running.stop());

const stateOf = (...parts: string[]): string => join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway', ...parts);

/** Each service with what opens of it. */
const found = async (): Promise<string> => {
  const link = await connectTo(running, 'operator/default');
  try {
    const { services } = await ask<ServiceList>(link, 'service.list');
    const tokens: string[] = [];
    for (const { service } of services) tokens.push(`${service}=${await openedWith(running, running.secret, service)}`);
    return tokens.join();
  } finally {
    link.close();
  }
};

const [BEFORE, AFTER] = [`one=${NOW},three=${NOW},two=${NOW}`, `one=${THEN},two=${THEN}`];

/** What is there is of today, and has a service that the backup has not. */
const makeNew = async (): Promise<void> => {
  for (const service of ['one', 'two']) await replaceSealed(running, running.secret, service, NOW);
  if (existsSync(stateOf('vault/default/three.json'))) await replaceSealed(running, running.secret, 'three', NOW);
  else await addSealed(running, running.secret, 'three', NOW);
};

interface Outcome {
  readonly wasKilled: boolean;
  readonly status: number;
  readonly found: string;
}

const round = async (at: number): Promise<Outcome> => {
  await makeNew();
  running.clock.advance(120_000);
  const stdin = `${key}\n${phoneOf(running, running.secret)}\n`;
  arm(running, { program: 'airlock-gateway', at, both: false, below: BELOW });
  const { status } = await running.command('airlock-ctl', ['restore', file, '--force', '--json'], { stdin });
  const wasKilled = !disarm(running);
  await untilServing(running);
  const whole = await until('one of both', async () => {
    const now = await found();
    return [BEFORE, AFTER].includes(now) ? now : null;
  }).catch(found);
  return { wasKilled, status, found: whole };
};

t.test('BACKUP-5, BACKUP-12: at every file: all services of the backup, or all of before and an error', async (t) => {
  const seen = new Map<string, number>();
  for (let at = 1; ; at += 1) {
    const { wasKilled, status, found: now } = await round(at);
    const isWhole = now === AFTER || (now === BEFORE && status !== 0);
    t.ok(isWhole, `step ${at}: exit status ${status} and ${now}`);
    seen.set(now, (seen.get(now) ?? 0) + 1);
    if (!wasKilled) {
      t.equal(`${status} ${now}`, `0 ${AFTER}`, 'negative control: without a kill it is the backup');
      break;
    }
  }
  t.ok(
    (seen.get(BEFORE) ?? 0) > 10 && (seen.get(AFTER) ?? 0) > 10,
    `negative control: kills before and after: ${[...seen.values()].join()}`,
  );
});

t.test('BACKUP-12: what was put in force stays when the gateway starts once more, and nothing is left of it', async (t) => {
  await makeNew();
  const now = await found();
  for (let times = 0; times < 2; times += 1) {
    await killHard(await daemonOf(running, 'airlock-gateway'));
    await untilServing(running);
    t.equal(await found(), now);
  }
  t.same(readdirSync(stateOf('restore')), []);
});
