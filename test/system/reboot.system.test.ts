/** After a reboot: enrolment, services and used codes are there, no lease is. */
import t from 'tap';
import { approve, call } from './approval.js';
import { airlock, ctl, errorCode, fact, must, until, run } from './machine.js';
import { startMail } from './mailbox.js';
import { codeOfStep, frontLeft } from './phone.js';

t.test('both daemons are up by themselves', async (t) => {
  for (const unit of ['airlock-totp', 'airlock-gateway']) {
    t.ok((await until(async () => (await run(['systemctl', 'is-active', '-q', unit])).status === 0, 10_000)) !== null, unit);
  }
  const { value } = await ctl(['doctor'], { user: 'root' });
  const checks = (value['checks'] ?? []) as { id: string; ok: boolean; found: string }[];
  t.strictSame(
    checks.filter(({ ok }) => !ok).map(({ id, found }) => `${id}: ${found}`),
    [],
    'doctor finds nothing',
  );
});

t.test('all leases have ended', async (t) => {
  t.strictSame((await ctl(['leases'])).value, []);
  const answer = await call('count_unread', {}, { lease: fact('long lease') });
  t.match(errorCode(answer), /^LEASE_(INVALID|REVOKED|EXPIRED|SESSION)$/, 'a lease of 60 minutes from before is refused');
  t.equal(answer.status, 4);
});

t.test('a new approval reads the same mailbox; codes from before stay used', async (t) => {
  await startMail();
  const used = Number(fact('lastStep'));
  // Something left the front undecided before, and for how long the machine was off cannot be known: codes are held back.
  frontLeft();
  const asked = await airlock(['request', 'mail:read', '--reason', 'after the reboot']);
  t.equal(asked.value['status'], 'pending', JSON.stringify(asked.value));
  t.equal(errorCode(await approve(await codeOfStep(used))), 'CODE_REJECTED');
  const approved = await approve();
  t.equal(approved.status, 0, JSON.stringify(approved.value) + approved.stderr);
  t.equal((await airlock(['wait', String(asked.value['request'])])).status, 0);
  const { value } = await call('count_unread');
  t.match(value['result'], { total: 440 }, JSON.stringify(value));
  t.equal((await ctl(['audit', 'verify'])).value['ok'], true, 'both logs verify over the reboot');
});

t.test('no unit failed at boot', async (t) => {
  t.equal(await must(['systemctl', 'list-units', '--failed', '--plain', '--no-legend', 'airlock*']), '');
});
