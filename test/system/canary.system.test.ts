/** A credential is nowhere but in the live cell: memory of the daemons, state, journal, read as root. */
import t from 'tap';
import { call, obtain } from './approval.js';
import { AGENT, ctl, leaveFact, mainPid, must, readFacts, wait } from './machine.js';
import { password } from './mailbox.js';
import { formsOf, scanFiles, scanJournal, scanMemory } from './memory.js';
import { liveCells } from './processes.js';

/** A daemon's memory is some hundred megabytes of mappings; much less would mean that nothing was read. */
const LEAST_BYTES = 20_000_000;

t.before(async () => {
  if ((await call('count_unread')).status !== 0) await obtain(['mail:read'], 60, { user: AGENT });
});

t.test('the forms that are looked for', async (t) => {
  const forms = formsOf('canary0123456789');
  for (const [index, prefix] of ['', 'x', 'xy'].entries()) {
    const text = Buffer.from(`${prefix}canary0123456789 and more`).toString('base64');
    t.ok(text.includes(forms[`base64+${index}`]?.toString() ?? '?'), `base64 at offset ${index}`);
  }
});

t.test('after live calls', async (t) => {
  const canary = password();
  for (const operation of ['list_folders', 'list_messages', 'count_unread'])
    t.equal((await call(operation)).status, 0, operation);
  const cells = await liveCells();
  t.ok(cells.length > 0, 'a cell lives');
  const inCell = cells.map((pid) => scanMemory(pid, canary));
  t.ok(
    inCell.some(({ found }) => found.length > 0),
    `negative control: found in the live cell (${inCell.map(({ found }) => found.join(' ')).join(', ')})`,
  );
  for (const unit of ['airlock-totp', 'airlock-gateway']) {
    const { bytes, found } = scanMemory(await mainPid(unit), canary);
    leaveFact(`scanned ${unit}`, String(bytes));
    t.ok(bytes > LEAST_BYTES, `${unit}: ${Math.round(bytes / 1e6)} MB were read`);
    t.strictSame(found, [], `${unit}: no copy in memory`);
  }
});

t.test('on disk and in the journal', async (t) => {
  const canary = password();
  for (const directory of [
    '/var/lib/airlock-totp',
    '/var/lib/airlock-gateway',
    '/etc/airlock',
    '/run/airlock',
    '/run/user-bot',
    '/run/user-ada',
    '/home',
    '/var/tmp',
  ]) {
    t.strictSame(scanFiles(directory, canary).found, [], directory);
  }
  const journal = await scanJournal(canary);
  t.ok(journal.bytes > 10_000, `${Math.round(journal.bytes / 1000)} kB of journal`);
  t.strictSame(journal.found, [], 'the journal');
  t.ok(
    scanFiles('/root', canary).found.some((place) => place.endsWith('/root/mail-password')),
    'negative control: found where the test keeps it',
  );
});

t.test('the lease and the TOTP secret stay where they belong', async (t) => {
  const { lease = '', secret = '' } = readFacts();
  t.strictSame(scanFiles('/var/lib/airlock-gateway', secret).found, [], 'no TOTP secret with the gateway');
  t.strictSame(scanMemory(await mainPid('airlock-gateway'), secret).found, [], 'nor in its memory');
  t.strictSame(scanFiles('/var/lib/airlock-totp', secret).found, [], 'on disk it is wrapped');
  for (const directory of ['/var/lib/airlock-totp', '/var/lib/airlock-gateway']) {
    t.strictSame(scanFiles(directory, lease).found, [], `no lease text below ${directory}`);
  }
  t.strictSame((await scanJournal(lease)).found, [], 'nor in the journal');
});

t.test('when the cell has gone, the credential is gone', async (t) => {
  const cells = await liveCells();
  t.equal((await ctl(['lock'])).status, 0);
  await wait(1000);
  t.strictSame(await liveCells(), [], 'locking ends every cell');
  t.equal(await must(['bash', '-c', `ps -o pid= -p ${cells.join(',')} || true`]), '', 'their processes are gone');
});
