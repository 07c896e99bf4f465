/** What happens when a part dies, stands still, is misconfigured, or when time is up. */
import { readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { approve, call, obtain } from './approval.js';
import { AGENT, airlock, ctl, errorCode, fact, leaveFact, mainPid, must, OTHER_AGENT, until, wait } from './machine.js';
import { codeOfStep, nextCode } from './phone.js';
import { isAlive, liveCells } from './processes.js';

const works = async (user = AGENT): Promise<boolean> => (await call('count_unread', {}, { user })).status === 0;
const LIMIT_MS = 15_000;

t.test('a lock freezes leases, an unlock with a code thaws them', async (t) => {
  await ctl(['lock']);
  t.equal(errorCode(await call('count_unread')), 'LOCKED');
  t.equal(errorCode(await airlock(['request', 'mail:read', '--reason', 'while locked'])), 'LOCKED');
  const unlocked = await ctl(['unlock'], { input: `${await nextCode()}\n` });
  t.equal(unlocked.status, 0, unlocked.stderr || 'unlock');
  t.ok((await until(works, LIMIT_MS)) !== null, 'the lease works again');
});

for (const unit of ['airlock-gateway', 'airlock-totp']) {
  t.test(`kill -9 of ${unit} keeps the live lease usable`, async (t) => {
    t.ok(await works());
    const [pid, cells] = [await mainPid(unit), await liveCells()];
    t.ok(cells.length > 0, 'a cell lives');
    process.kill(pid, 'SIGKILL');
    const gone = await until(() => cells.every((cell) => !isAlive(cell)), 5000);
    t.ok(gone !== null, `its cells ended after ${Math.round(gone ?? NaN)} ms`);
    const back = await until(works, LIMIT_MS);
    t.ok(back !== null, `the same lease works again after ${Math.round(back ?? NaN)} ms`);
    t.not(await mainPid(unit), pid, 'in a new process');
  });
}

t.test('a code that was used stays used over a kill of airlock-totp', async (t) => {
  process.kill(await mainPid('airlock-totp'), 'SIGKILL');
  t.ok((await until(works, LIMIT_MS)) !== null, 'it is back');
  const asked = await airlock(['request', 'mail:read', '--reason', 'after the kill'], { user: OTHER_AGENT });
  t.equal(asked.value['status'], 'pending', JSON.stringify(asked.value));
  t.equal(errorCode(await approve(await codeOfStep(Number(fact('lastStep'))))), 'CODE_REJECTED');
  t.equal((await approve()).status, 0, 'the next one is good');
  t.equal((await airlock(['wait', String(asked.value['request'])], { user: OTHER_AGENT })).status, 0);
  t.ok(await works(OTHER_AGENT));
});

t.test('a gateway that hears nothing from airlock-totp serves nothing', async (t) => {
  const pid = await mainPid('airlock-totp');
  process.kill(pid, 'SIGSTOP');
  await wait(2600);
  t.equal(errorCode(await call('count_unread')), 'UNAVAILABLE', 'after 2 s');
  t.ok((await until(async () => (await liveCells()).length === 0, 3000)) !== null, 'and its cells are closed');
  process.kill(pid, 'SIGCONT');
  t.ok((await until(works, LIMIT_MS)) !== null, 'until it hears again');
});

t.test('a cell that dies in a call is replaced', async (t) => {
  t.ok(await works());
  for (const pid of await liveCells()) process.kill(pid, 'SIGKILL');
  t.ok((await until(works, LIMIT_MS)) !== null);
});

t.test('a bad configuration starts both daemons sealed, and they say why', async (t) => {
  const path = '/etc/airlock/airlock.yaml';
  const good = readFileSync(path, 'utf8');
  writeFileSync(path, good.replace('digits: 6', 'digits: 9'));
  await must(['systemctl', 'restart', 'airlock-totp', 'airlock-gateway']);
  const answer = await call('count_unread');
  t.equal(errorCode(answer), 'CONFIG_INVALID', JSON.stringify(answer.value));
  t.match(JSON.stringify(answer.value), /totp\.digits.*9.*6 or 7 or 8/);
  t.equal((await ctl(['status'])).value['enrolled'], true, 'the operator can look');
  writeFileSync(path, good);
  await must(['systemctl', 'restart', 'airlock-totp', 'airlock-gateway']);
  t.ok((await until(works, LIMIT_MS)) !== null, 'and with the good one the lease works again');
});

/** quality.md: cell dead at most 1 s after the deadline. */
t.test('when a lease is over, so is its cell', async (t) => {
  await airlock(['release']);
  const { asked } = await obtain(['mail:read'], 1);
  t.equal(asked.status, 0, JSON.stringify(asked.value));
  const deadlineMs = Date.parse(String(asked.value['expiresAt']));
  // An idle cell would close by itself after a minute; this one is used shortly before.
  while (Date.now() < deadlineMs - 6000) await wait(200);
  const before = await liveCells();
  t.ok(await works(), 'it serves until the deadline');
  const own = (await liveCells()).filter((pid) => !before.includes(pid) || isAlive(pid));
  t.ok(own.length > 0, 'a cell lives');
  t.ok((await until(() => own.every((pid) => !isAlive(pid)), 12_000)) !== null, 'it died');
  const lateMs = Date.now() - deadlineMs;
  leaveFact('cell dead after', String(lateMs));
  t.ok(lateMs <= 1000, `${lateMs} ms after the deadline`);
  t.match(errorCode(await call('count_unread', {}, { lease: String(asked.value['lease']) })), /^LEASE_EXPIRED$/);
  t.equal(
    await must(['systemctl', 'list-units', '--failed', '--plain', '--no-legend', 'airlock*']),
    '',
    'the death of a cell is no failed unit',
  );
});

t.test('a lease for the time after the reboot', async (t) => {
  const { asked } = await obtain(['mail:read'], 60);
  t.equal(asked.status, 0, JSON.stringify(asked.value));
  t.ok(await works());
  leaveFact('long lease', String(asked.value['lease']));
});
