// Attack: a restore is begun while another one runs, so that one removes what the other has handed over. BACKUP-11.
import { FRAME, packBlobs, restoreDigest, sha256Hex, unpackBlobs, type ServiceList } from '@airlock/protocol';
import { refusalOf, startTestInstance, until, type CommandResult, type Running } from '@airlock/testkit';
import type { Connection } from '@airlock/ipc';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { backupOf, type Part } from './support/backups.js';
import { ask, connectTo, filesBelow, untilServing } from './support/house.js';
import { addSealed, approveWith, openedWith, replaceSealed } from './support/keys.js';
import { exchange } from './support/service.js';
import { stateDir } from './state-files.js';

let old: Running;
t.setTimeout(300_000);
t.before(async () => {
  old = await startTestInstance({ cells: 1 });
});
t.teardown(() => old.stop());

/** Each service with what opens of it. */
const found = async (running: Running): Promise<string> => {
  const link = await connectTo(running, 'operator/default');
  const { services } = await ask<ServiceList>(link, 'service.list');
  link.close();
  const tokens: string[] = [];
  for (const { service } of services) tokens.push(`${service}=${await openedWith(running, old.secret, service)}`);
  return tokens.join();
};

/** The same, once codes count again after a restore. */
const foundAtLast = async (running: Running): Promise<string> => {
  let last = '';
  const opened = until('services that open', async () => {
    last = await found(running);
    return last.split(',').every((one) => /=(?:first|second|today)$/.test(one)) ? last : null;
  });
  return opened.catch(() => last);
};

/** One restore by its steps, as airlock-ctl takes them. */
class Attempt {
  readonly #part: Part;
  readonly #approve: Connection;
  readonly root: Connection;
  readonly #ticket: string;
  #tickets: readonly string[] = [];

  private constructor(part: Part, approve: Connection, root: Connection, ticket: string) {
    this.#part = part;
    this.#approve = approve;
    this.root = root;
    this.#ticket = ticket;
  }

  /** With the code of the present phone. */
  static async approved(part: Part): Promise<Attempt> {
    const approve = await connectTo(old, 'approve/default');
    const params = { made: part.made, digest: restoreDigest(part.sealed, part.services) };
    const ticket = await approveWith(old, approve, old.secret, 'restore', params);
    return new Attempt(part, approve, await connectTo(old, 'root'), ticket);
  }

  /** @returns what airlock-totp says of it */
  async begin(): Promise<string> {
    const { key, sealed, services } = this.#part;
    const order = Buffer.from(JSON.stringify({ tickets: { default: this.#ticket }, services }));
    const { type, payload } = await exchange(this.root, FRAME.RESTORE_REQUEST, packBlobs(key, sealed, order));
    const text = unpackBlobs(payload, 0, 1)?.blobs[0]?.toString() ?? '{}';
    if (type !== FRAME.RESTORE) return (JSON.parse(text) as { message?: string }).message ?? 'unknown';
    this.#tickets = (JSON.parse(text) as { tickets: string[] }).tickets;
    return 'open';
  }

  /** @returns the code of the refusal, or null */
  async handOver(index: number): Promise<string | null> {
    const { entry = '', listed = '' } = this.#part.held[index] ?? {};
    const link = await connectTo(old, 'operator/default');
    const refusal = await refusalOf(link.call('service.restore', { ticket: this.#tickets[index] ?? '', entry, listed }));
    link.close();
    return refusal;
  }

  finish(): Promise<string | null> {
    return refusalOf(this.root.call('restore.finish', {}));
  }

  end(): void {
    this.root.close();
    this.#approve.close();
  }
}

/** What the gateway has of services, byte for byte. */
const vault = (): readonly string[] =>
  [...filesBelow(join(old.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault'))].map(
    ([path, bytes]) => `${path} ${sha256Hex(bytes)}`,
  );

/** Two backups of other services and tokens, and what is there after both. */
const twoBackups = async (): Promise<readonly [Part, Part]> => {
  for (const service of ['one', 'two']) await addSealed(old, old.secret, service, 'first');
  const first = await backupOf(old, 'first');
  for (const service of ['one', 'two']) await replaceSealed(old, old.secret, service, 'second');
  await addSealed(old, old.secret, 'three', 'second');
  const second = await backupOf(old, 'second');
  for (const service of ['one', 'two', 'three']) await replaceSealed(old, old.secret, service, 'today');
  return [first, second];
};

const SECOND = ['one', 'three', 'two'].map((service) => `${service}=second`).join();

t.test('BACKUP-11: step by step: the second is refused, and nothing of the first is lost', { timeout: 120_000 }, async (t) => {
  const [first, second] = await twoBackups();
  const [one, two] = [await Attempt.approved(second), await Attempt.approved(second)];
  const before = vault();
  t.equal(await one.begin(), 'open');
  t.equal(await one.handOver(0), null);
  t.equal(await two.begin(), 'another restore is under way');
  t.equal(await two.finish(), 'NOT_FOUND');
  t.equal(await one.finish(), 'UNAVAILABLE', 'not before the gateway holds every service');
  t.same(vault(), before, 'nothing changed');
  one.end();
  const opened = await until('the end of the first', async () => ((await two.begin()) === 'open' ? true : null));
  t.ok(opened, 'once it is over');
  t.equal(await one.handOver(1), 'NOT_AUTHENTICATED', 'its tickets are over too');
  for (const index of second.held.keys()) t.equal(await two.handOver(index), null);
  t.equal(await one.handOver(1), 'NOT_AUTHENTICATED');
  t.equal(await two.finish(), null);
  two.end();
  await untilServing(old);
  t.equal(await foundAtLast(old), SECOND);
  t.ok(first.services.length < second.services.length, 'another set than that of the first');
});

/** How far the first has come when the second begins: files below the state of airlock-gateway that stay. */
const BEHIND: Readonly<Record<string, string>> = {
  'at once': '',
  'once the first holds services': 'restore',
  'once the first is in force': 'restored.json',
};

t.test('BACKUP-11: two commands at once: one whole backup, and an error for the other', { timeout: 240_000 }, async (t) => {
  const file = join(old.dir, 'both');
  const { json } = await old.command('airlock-ctl', ['backup', file, '--json']);
  const stdin = `${(json as { recoveryKey: string }).recoveryKey}\n`;
  for (const [when, path] of Object.entries(BEHIND)) {
    const fresh = await startTestInstance({ cells: 1, enrolled: false });
    const restore = (): Promise<CommandResult> => fresh.command('airlock-ctl', ['restore', file, '--json'], { stdin });
    const second = async (): Promise<CommandResult> => {
      await until(when, () => existsSync(join(stateDir(fresh, 'airlock-gateway'), path)));
      return restore();
    };
    try {
      const ended = await Promise.all([restore(), second()]);
      const told = ended.map(({ status, stdout }) => `${status}: ${stdout.slice(0, 200)}`).join(' | ');
      t.equal(ended.filter(({ status }) => status === 0).length, 1, `${when}: ${told}`);
      t.equal(await foundAtLast(fresh), SECOND, when);
    } finally {
      await fresh.stop();
    }
  }
});
