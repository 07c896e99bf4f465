// Attack: the operator approves the restore of one backup, and what speaks on root.sock gives airlock-totp another. BACKUP-4.
import { FRAME, packBlobs, restoreDigest, sha256Hex, unpackBlobs } from '@airlock/protocol';
import { startTestInstance, type Running } from '@airlock/testkit';
import t from 'tap';
import { backupOf, type Part } from './support/backups.js';
import { connectTo } from './support/house.js';
import { addSealed, approveWith, openedWith, replaceSealed } from './support/keys.js';
import { exchange } from './support/service.js';

let running: Running;
t.setTimeout(120_000);
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
});
t.teardown(() => running.stop());

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
  const shown = await backupOf(running, 'shown');
  await replaceSealed(running, running.secret, 'one', 'token-of-today');
  running.clock.advance(60_000);
  const other = await backupOf(running, 'other');
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
