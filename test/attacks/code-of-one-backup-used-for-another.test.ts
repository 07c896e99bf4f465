// Attack: the operator approves the restore of one backup, and what speaks on root.sock gives airlock-totp another. BACKUP-4.
import { FRAME, packBlobs, restoreDigest, sha256Hex, unpackBlobs } from '@airlock/protocol';
import { startTestInstance, type Running } from '@airlock/testkit';
import { deriveBackupKey, openBackup, parseRecoveryKey } from '@airlock/vault';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connectTo } from './support/house.js';
import { addSealed, approveWith, openedWith, replaceSealed } from './support/keys.js';
import { exchange } from './support/service.js';

interface Part {
  readonly made: string;
  readonly key: Buffer;
  readonly sealed: Buffer;
  readonly services: readonly { readonly operator: string; readonly service: string; readonly digest: string }[];
}

interface Body {
  readonly totp: string;
  readonly services: readonly {
    readonly operator: string;
    readonly service: string;
    readonly entry: string;
    readonly listed: string;
  }[];
}

let running: Running;
t.setTimeout(120_000);
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
});
t.teardown(() => running.stop());

/** A backup as airlock-ctl would take it apart. */
const backup = async (name: string): Promise<Part> => {
  const file = join(running.dir, name);
  const { json } = await running.command('airlock-ctl', ['backup', file, '--json']);
  const recoveryKey = parseRecoveryKey((json as { recoveryKey: string }).recoveryKey);
  const { header, salt, body } = openBackup(readFileSync(file), recoveryKey);
  const { totp, services } = JSON.parse(body.toString()) as Body;
  return {
    made: header.made,
    key: Buffer.from(deriveBackupKey(recoveryKey, salt, 'totp')),
    sealed: Buffer.from(totp, 'base64url'),
    services: services.map(({ operator, service, entry, listed }) => ({
      operator,
      service,
      digest: sha256Hex(`${entry}\n${listed}`),
    })),
  };
};

/** What comes of giving `given` with a code for that time and that content. */
const swapped = async (given: Part, made: string, digest: string): Promise<string> => {
  const approve = await connectTo(running, 'approve/default');
  const root = await connectTo(running, 'root');
  try {
    running.clock.advance(60_000);
    const ticket = await approveWith(running, approve, running.secret, 'restore', { made, digest });
    const order = Buffer.from(JSON.stringify({ tickets: { default: ticket }, services: given.services }));
    const { type, payload } = await exchange(root, FRAME.RESTORE_REQUEST, packBlobs(given.key, given.sealed, order));
    if (type === FRAME.RESTORE) return 'taken';
    const { message } = JSON.parse(unpackBlobs(payload, 0, 1)?.blobs[0]?.toString() ?? '{}') as { message?: string };
    return message ?? 'unknown';
  } finally {
    approve.close();
    root.close();
  }
};

t.test('BACKUP-4: the code is for the backup that is given, its services and its time', async (t) => {
  await addSealed(running, running.secret, 'one', 'token-of-yesterday');
  const shown = await backup('shown');
  await replaceSealed(running, running.secret, 'one', 'token-of-today');
  running.clock.advance(60_000);
  const other = await backup('other');
  const [ofShown, ofOther] = [shown, other].map(({ sealed, services }) => restoreDigest(sealed, services));
  const OTHER = 'the ticket is for another backup';
  t.equal(await swapped(other, shown.made, ofShown ?? ''), OTHER);
  t.equal(
    await swapped({ ...other, services: shown.services }, other.made, ofOther ?? ''),
    OTHER,
    'with the services of another',
  );
  t.equal(await swapped(other, shown.made, ofOther ?? ''), OTHER, 'with the time of another');
  t.equal(await swapped(other, other.made, sha256Hex('a file')), OTHER);
  t.equal(await openedWith(running, running.secret, 'one'), 'token-of-today', 'nothing changed');
  t.equal(await swapped(other, other.made, ofOther ?? ''), 'taken', 'negative control: what was approved');
});
