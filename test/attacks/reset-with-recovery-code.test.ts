// The phone is lost, or stolen: recovery codes are guessed, used twice, and the old phone is tried after another was enrolled.
import type { Connection } from '@airlock/ipc';
import type { ApproveStatus, EnrolBeginResult, EnrolCodeResult } from '@airlock/protocol';
import { codeAt, obtainLease, openSession, refusalOf, startTestInstance, type Running } from '@airlock/testkit';
import t from 'tap';
import {
  ask,
  auditOf,
  connectTo,
  countUnread,
  frontOf,
  killHard,
  pendingOn,
  stateHolding,
  untilServing,
} from './support/house.js';
import { addService, maildir } from './support/service.js';

const PASSWORD = 'correct horse battery staple';

let running: Running;
let operator: Connection;
let first: EnrolBeginResult;
let second: EnrolBeginResult;
t.before(async () => {
  running = await startTestInstance({ enrolled: false, cells: 2 });
  operator = await connectTo(running, 'approve/default');
});
t.teardown(async () => {
  operator.close();
  await running.stop();
});

const phone = (secret: string, steps = 0): string => codeAt(secret, running.clock.wallMs() + steps * 30_000);

/** Two codes of two steps in a row. */
const finish = async (link: Connection, secret: string, root = false): Promise<EnrolCodeResult> => {
  const give = (): Promise<EnrolCodeResult> =>
    ask<EnrolCodeResult>(link, 'enrol.code', { ...(root ? { operator: 'default' } : {}), code: phone(secret) });
  await give();
  running.clock.advance(30_000);
  return give();
};

/** Opens an action and answers it with a phone. @returns its ticket, or the refusal */
const approveWith = async (secret: string, verb: string, params: object): Promise<string> => {
  await ask(operator, 'request.deny', { all: true });
  await ask(operator, 'action.open', { verb, params });
  running.clock.advance(((await pendingOn(operator)).front?.waitS ?? 0) * 1000 + 30_000);
  const shown = await frontOf(operator);
  const answer = ask<{ ticket?: string }>(operator, 'request.approve', {
    request: shown.id,
    digest: shown.digest,
    match: shown.match,
    code: phone(secret),
  });
  const refusal = await refusalOf(answer);
  return refusal ?? (await answer).ticket ?? 'no ticket';
};
const test = { service: 'mail' };
const tries = async (): Promise<number> => (await ask<ApproveStatus>(operator, 'status')).lockout.terminal.triesLeft;

/** An agent reads mail through a lease that the phone approves; airlock-ctl shows a sealed password. */
const credentialsOpen = async (secret: string): Promise<readonly [string | null, string]> => {
  const agent = await openSession(running);
  running.clock.advance(60_000);
  const phoneInHand: Running = {
    ...running,
    freshCode: () => {
      running.clock.advance(30_000);
      return phone(secret);
    },
  };
  const { lease } = await obtainLease(phoneInHand, agent, ['mail:read']);
  const read = await refusalOf(countUnread(agent, lease));
  agent.close();
  running.clock.advance(30_000);
  const shown = await running.command('airlock-ctl', ['credentials', 'get', 'account'], { stdin: `${phone(secret)}\n` });
  return [read, shown.stdout.trim()];
};

t.test('a phone is enrolled, credentials are sealed under it, and open', async (t) => {
  const root = await connectTo(running, 'root');
  t.equal(await refusalOf(ask(operator, 'reset.recover', { recoveryCode: 'AAAA-AAAA-AAAA-AAAA' })), 'NOT_ENROLLED', 'QUEUE-14');
  first = await ask<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default' });
  t.equal(first.recoveryCodes.length, 10);
  t.match(await finish(root, first.secret, true), { enrolled: true });
  root.close();
  running.clock.advance(30_000);
  const ticket = await approveWith(first.secret, 'service.add', maildir(running));
  await addService(running, operator, ticket);
  running.clock.advance(30_000);
  const settings = ['--set', 'host=localhost', '--set', 'user=ada'];
  const added = await running.command(
    'airlock-ctl',
    ['service', 'add', 'imap', '--name', 'account', ...settings, '--no-test', '--stdin', '--json'],
    {
      stdin: `${PASSWORD}\n${phone(first.secret)}\n`,
    },
  );
  t.equal(added.status, 0, added.stdout);
  t.same(await credentialsOpen(first.secret), [null, PASSWORD]);
});

t.test('ENROL-2: wrong recovery codes count like codes, and are told apart from nothing', async (t) => {
  const [good = ''] = first.recoveryCodes;
  const before = await tries();
  const wrong = ['AAAA-AAAA-AAAA-AAAA', good.slice(0, -1), `${good}A`, 'x', phone(first.secret)];
  for (const recoveryCode of wrong) t.equal(await refusalOf(ask(operator, 'reset.recover', { recoveryCode })), 'CODE_REJECTED');
  t.equal(await tries(), before - wrong.length);
  t.equal(await refusalOf(ask(operator, 'enrol.begin', { ticket: 'AAAAAAAAAAAAAAAA' })), 'NOT_AUTHENTICATED', 'nor without one');
  const root = await connectTo(running, 'root');
  t.equal(await refusalOf(ask(root, 'enrol.begin', { operator: 'default' })), 'NOT_AUTHENTICATED', 'not even root');
  root.close();
});

t.test('ENROL-2: a recovery code is burnt at once, for good, and by an enrolment nobody finishes', async (t) => {
  const [code = '', other = ''] = first.recoveryCodes;
  const { ticket } = await ask<{ ticket: string }>(operator, 'reset.recover', { recoveryCode: code });
  t.equal(await refusalOf(ask(operator, 'reset.recover', { recoveryCode: code })), 'CODE_REJECTED', 'twice');
  t.equal(
    await refusalOf(ask(operator, 'reset.recover', { recoveryCode: code.toLowerCase() })),
    'CODE_REJECTED',
    'in another spelling',
  );
  const thief = await connectTo(running, 'approve/default');
  t.equal(await refusalOf(ask(thief, 'enrol.begin', { ticket })), 'NOT_AUTHENTICATED', 'its ticket on another connection');
  thief.close();
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => refusalOf(ask(operator, 'reset.recover', { recoveryCode: other }))),
  );
  t.equal(outcomes.filter((outcome) => outcome === null).length, 1, 'five at once: one');
  await ask(operator, 'enrol.begin', { ticket });
  t.match(await approveWith(first.secret, 'service.test', test), /^[\w-]{43}$/, 'not finished: the old phone still approves');
  await killHard(running.pids.totp);
  await untilServing(running);
  operator = await connectTo(running, 'approve/default');
  t.equal(await refusalOf(ask(operator, 'reset.recover', { recoveryCode: code })), 'CODE_REJECTED', 'durably');
  t.equal(
    await refusalOf(ask(operator, 'enrol.code', { code: phone(first.secret) })),
    'NOT_FOUND',
    'and what was begun is forgotten',
  );
});

t.test('ENROL-3: with the new phone enrolled the old one approves nothing, and what it sealed still opens', async (t) => {
  const [, , recoveryCode = '', unused = ''] = first.recoveryCodes;
  const { ticket } = await ask<{ ticket: string }>(operator, 'reset.recover', { recoveryCode });
  second = await ask<EnrolBeginResult>(operator, 'enrol.begin', { ticket });
  t.not(second.secret, first.secret);
  t.equal(
    await refusalOf(ask(operator, 'enrol.code', { code: phone(first.secret) })),
    'CODE_REJECTED',
    'codes of the old phone do not finish it',
  );
  t.match(await finish(operator, second.secret), { enrolled: true });
  t.equal(await approveWith(first.secret, 'service.test', test), 'CODE_REJECTED');
  t.equal(await approveWith(first.secret, 'totp.reset', {}), 'CODE_REJECTED');
  t.equal(
    await refusalOf(ask(operator, 'reset.recover', { recoveryCode: unused })),
    'CODE_REJECTED',
    'nor do its recovery codes',
  );
  t.match(await approveWith(second.secret, 'service.test', test), /^[\w-]{43}$/, 'negative control: the new one does');
  t.same(await credentialsOpen(second.secret), [null, PASSWORD], 'sealed under the first, opened under the second');
});

t.test('no secret and no recovery code stands on disk or in the log in the clear', async (t) => {
  for (const { secret, recoveryCodes } of [first, second]) {
    t.same(stateHolding(running, secret), []);
    for (const code of recoveryCodes)
      t.same([...stateHolding(running, code), ...stateHolding(running, code.replaceAll('-', ''))], []);
  }
  t.same(stateHolding(running, PASSWORD), []);
  t.equal((await auditOf(running, 'recovery_used')).length, 3, 'each use is recorded');
  t.ok(stateHolding(running, 'recovery_used').length > 0, 'negative control: the search bites');
});
