/** Enrolment, recovery and re-enrolment, over root.sock and approve/OP.sock. */
import t from 'tap';
import type { ApproveStatus, EnrolBeginResult, EnrolCodeResult } from '@airlock/protocol';
import { decodeBase32 } from '../src/codes/base32.js';
import { codeOfStep } from '../src/codes/totp.js';
import { parseSecret } from '../src/operators/enrolment.js';
import {
  SECRET_TEXT,
  approveFront,
  askFor,
  call,
  codeNow,
  front,
  greet,
  openHouse,
  refusal,
  type House,
} from './support/daemon.js';

const codeFor = (house: House, secret: string, ahead = 0): string =>
  codeOfStep(decodeBase32(secret) ?? Buffer.alloc(0), house.clock.step + ahead, 6);

t.test('a first enrolment over root.sock counts after two consecutive codes, which are burnt (ENROL-1)', async (t) => {
  const house = await openHouse({ enrolled: false });
  t.teardown(() => house.end());
  const root = await house.connect('root');
  const approve = await house.connect('approve/default');
  t.match(await call(approve, 'status'), { enrolled: false, sealed: null });
  for (const method of ['pending', 'leases', 'lock', 'heads', 'subscribe', 'log.segments'])
    t.equal(await refusal(call(approve, method)), 'NOT_ENROLLED', `QUEUE-14: ${method}`);
  const bridge = await house.connect('bridge');
  await greet(bridge);
  t.equal(await refusal(askFor(bridge)), 'NOT_ENROLLED');
  t.equal(await refusal(call(root, 'enrol.code', { operator: 'default', code: '123456' })), 'NOT_FOUND');
  const begun = await call<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default' });
  t.match(begun.otpauth, `otpauth://totp/Airlock:default?secret=${begun.secret}`);
  t.equal(decodeBase32(begun.secret)?.length, 20);
  t.equal(new Set(begun.recoveryCodes).size, 10);
  const give = (code: string): Promise<EnrolCodeResult> =>
    call<EnrolCodeResult>(root, 'enrol.code', { operator: 'default', code });
  t.equal(await refusal(give('000000')), 'CODE_REJECTED');
  const drifted = (steps: number): Promise<unknown> => give(codeFor(house, begun.secret, steps)).catch((error: unknown) => error);
  t.match(await drifted(10), {
    code: 'CODE_REJECTED',
    message: 'the code is right, but your phone is 5 minutes ahead',
    data: { found: '5 minutes ahead', hint: /date and time to automatic/ },
  });
  t.match(await drifted(-2), { message: /your phone is 60 s behind/ }, 'ENROL-7');
  t.match(await drifted(-20), { message: /your phone is 10 minutes behind/ });
  t.match(await drifted(21), { message: 'the code was not accepted', data: { hint: /mistyped/ } }, 'further off it is no clock');
  t.same(await give(codeFor(house, begun.secret)), { enrolled: false, codesNeeded: 1, driftS: 0 });
  t.equal(await refusal(give(codeFor(house, begun.secret))), 'CODE_REJECTED', 'the same code is not the next one');
  house.clock.pass(30_000);
  t.same(await give(codeFor(house, begun.secret)), { enrolled: true, codesNeeded: 0, driftS: 0 });
  t.same(await call(root, 'recovery.check', { operator: 'default', recoveryCode: begun.recoveryCodes[3]?.toLowerCase() }), {
    ok: true,
  });
  t.same(await call(root, 'recovery.check', { operator: 'default', recoveryCode: 'AAAA-AAAA-AAAA-AAAA' }), { ok: false });
  await askFor(bridge);
  const shown = await front(approve);
  const params = { request: shown.id, digest: shown.digest, code: codeFor(house, begun.secret) };
  t.equal(await refusal(call(approve, 'request.approve', params)), 'CODE_REJECTED', 'both codes are burnt');
  const far = call(approve, 'request.approve', { ...params, code: codeFor(house, begun.secret, 10) });
  const answer = await far.catch((error: unknown) => error as Error);
  t.match(answer, { message: 'the code was not accepted' });
  t.notMatch(JSON.stringify(answer), /ahead|behind/, 'ENROL-7: once enrolled no code says anything of a clock');
  house.clock.pass(30_000);
  t.equal(await refusal(call(approve, 'request.approve', { ...params, code: codeFor(house, begun.secret) })), 'none');
  await house.restart();
  t.match(await call(await house.connect('approve/default'), 'status'), { enrolled: true, leases: 1 });
});

t.test('a given secret is taken, a short one refused', async (t) => {
  const house = await openHouse({ enrolled: false });
  t.teardown(() => house.end());
  const root = await house.connect('root');
  t.equal(await refusal(call(root, 'enrol.begin', { operator: 'default', secret: 'MZXW6' })), 'PARAMS_INVALID');
  t.equal(await refusal(call(root, 'enrol.begin', { operator: 'nobody' })), 'NOT_FOUND');
  t.equal((await call<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default', secret: SECRET_TEXT })).secret, SECRET_TEXT);
});

t.test('the old phone approves its successor, and approves nothing from then on (ENROL-3)', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const approve = await house.connect('approve/default');
  t.equal(
    await refusal(call(await house.connect('root'), 'enrol.begin', { operator: 'default' })),
    'NOT_AUTHENTICATED',
    'root needs a recovery code',
  );
  t.equal(await refusal(call(approve, 'enrol.begin', { ticket: 'A'.repeat(43) })), 'NOT_AUTHENTICATED');
  await call(approve, 'action.open', { verb: 'totp.reset', params: {} });
  const { ticket } = await approveFront(house, approve);
  const begun = await call<EnrolBeginResult>(approve, 'enrol.begin', { ticket });
  t.equal(await refusal(call(approve, 'enrol.begin', { ticket })), 'NOT_AUTHENTICATED', 'once');
  await call(approve, 'enrol.code', { code: codeFor(house, begun.secret) });
  house.clock.pass(30_000);
  t.match(await call(approve, 'enrol.code', { code: codeFor(house, begun.secret) }), { enrolled: true });
  const bridge = await house.connect('bridge');
  await greet(bridge);
  await askFor(bridge);
  house.clock.pass(60_000);
  const shown = await front(approve);
  const params = { request: shown.id, digest: shown.digest, match: shown.match };
  t.equal(await refusal(call(approve, 'request.approve', { ...params, code: codeNow(house) })), 'CODE_REJECTED', 'the old phone');
  t.equal(
    await refusal(call(approve, 'request.approve', { ...params, code: codeFor(house, begun.secret) })),
    'none',
    'the new phone',
  );

  const recoveryCode = begun.recoveryCodes[0] ?? '';
  const reset = await call<{ ticket: string }>(approve, 'reset.recover', { recoveryCode });
  t.match(reset.ticket, /^[A-Za-z0-9_-]{43}$/);
  await house.restart();
  const after = await house.connect('approve/default');
  t.equal(
    await refusal(call(after, 'reset.recover', { recoveryCode })),
    'CODE_REJECTED',
    'ENROL-2: burnt, though nothing was enrolled',
  );
  for (let n = 0; n < 8; n += 1) await refusal(call(after, 'reset.recover', { recoveryCode: 'AAAA-AAAA-AAAA-AAAA' }));
  t.equal(await refusal(call(after, 'reset.recover', { recoveryCode: 'AAAA' })), 'CODE_LOCKED_OUT');
  t.match(await call<ApproveStatus>(after, 'status'), { lockout: { terminal: { locked: true } } });
});

t.test('ENROL-1: an enrolment ends after ten wrong codes, or fifteen minutes', async (t) => {
  const house = await openHouse({ enrolled: false });
  t.teardown(() => house.end());
  const root = await house.connect('root');
  const begin = (): Promise<EnrolBeginResult> => call<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default' });
  const give = (code: string): Promise<unknown> =>
    call(root, 'enrol.code', { operator: 'default', code }).catch((error: unknown) => error);
  const { secret } = await begin();
  for (let n = 1; n < 10; n += 1) t.match(await give('000000'), { code: 'CODE_REJECTED', data: { hint: /clock$/ } });
  t.match(await give('000000'), { code: 'CODE_REJECTED', data: { hint: /too many wrong codes: begin the enrolment again/ } });
  t.match(await give(codeFor(house, secret)), { code: 'NOT_FOUND' });
  const again = await begin();
  house.clock.pass(15 * 60_000);
  t.match(await give(codeFor(house, again.secret)), { code: 'NOT_FOUND' });
});

t.test('a recovery code is checked against those that count or are about to, and not tried while locked out', async (t) => {
  const house = await openHouse({ enrolled: false });
  t.teardown(() => house.end());
  const root = await house.connect('root');
  const desk = house.totp.house?.desks.get('default');
  if (desk === undefined) throw new Error('sealed');
  const check = (recoveryCode: string): Promise<unknown> => call(root, 'recovery.check', { operator: 'default', recoveryCode });
  const unknown = 'AAAA-AAAA-AAAA-AAAA';
  t.same(await check(unknown), { ok: false }, 'there is none');
  const { secret, recoveryCodes } = await call<EnrolBeginResult>(root, 'enrol.begin', { operator: 'default' });
  const [recoveryCode = ''] = recoveryCodes;
  t.same([await check(recoveryCode), await check(unknown)], [{ ok: true }, { ok: false }], 'of an enrolment begun');
  for (let n = 0; n < 2; n += 1) {
    await call(root, 'enrol.code', { operator: 'default', code: codeFor(house, secret) });
    house.clock.pass(30_000);
  }
  t.same([await check(recoveryCode), await check(unknown)], [{ ok: true }, { ok: false }], 'of the one that counts');
  desk.commit({ ...desk.state, failures: { terminal: 10, relay: 0 } });
  const begin = { operator: 'default', recoveryCode };
  t.equal(await refusal(call(root, 'enrol.begin', begin)), 'CODE_LOCKED_OUT');
  await call(root, 'lockout.clear', { operator: 'default', channel: 'terminal' });
  t.equal(await refusal(call(root, 'enrol.begin', begin)), 'none', 'it was not used up');
});

t.test('a secret that is given is base32 of a usable length', (t) => {
  const found = (text: string): unknown => {
    try {
      return parseSecret(text).length;
    } catch (thrown) {
      return (thrown as { data: { found: string } }).data.found;
    }
  };
  t.equal(found('0189'), 'no base32');
  t.equal(found('GEZDGNBV'), '5 bytes');
  t.equal(found(SECRET_TEXT), 20);
  t.end();
});

t.test('a reset ticket or an action ticket that is no base64url is one that is not known', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const ticket = `${'A'.repeat(42)}B`;
  const approve = await house.connect('approve/default');
  t.equal(await refusal(call(approve, 'enrol.begin', { ticket })), 'NOT_AUTHENTICATED');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const redeem = { operator: 'default', verb: 'unblock' };
  t.equal(await refusal(call(bridge, 'action.redeem', { ...redeem, ticket })), 'NOT_AUTHENTICATED');
  await call(approve, 'action.open', { verb: 'unblock', params: { role: 'default' } });
  const { ticket: own } = await approveFront(house, approve);
  t.same(
    await call(bridge, 'action.redeem', { ...redeem, ticket: own }),
    { operator: 'default', action: { verb: 'unblock', params: { role: 'default' } }, trial: null },
    'negative control: of no service, so nothing is tried',
  );
});
