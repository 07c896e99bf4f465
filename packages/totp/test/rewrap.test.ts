/** Keys are wrapped again for the phone that approves; the old secret goes only when nothing needs it (ENROL-8, ENROL-9). */
import t from 'tap';
import { FRAME, packBlobs, unpackBlobs, type EnrolBeginResult } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBase32 } from '../src/codes/base32.js';
import { codeOfStep } from '../src/codes/totp.js';
import { approveFront, call, codeNow, front, greet, openHouse, refusal, type House, type Link } from './support/daemon.js';

interface Wrapped {
  readonly header: string;
  readonly wrapped: string;
}
const DESTINATION = { kind: 'gmail', origins: [{ scheme: 'https', host: 'a.example', port: 443 }], user: '' };
const params = { service: 'mail', kind: 'gmail', destination: DESTINATION, fields: ['password'], test: false };

/** A sealed key of the next version of `mail`, through an action approved with the phone of the tests. */
const sealKey = async (house: House): Promise<Wrapped> => {
  let answer: (payload: Buffer) => void = () => undefined;
  const link = await house.connect('approve/default', (type, payload) => {
    if (type === FRAME.SEAL_KEY) answer(payload);
  });
  await call(link, 'action.open', { verb: 'credentials.add', params });
  const { ticket = '' } = await approveFront(house, link);
  const got = new Promise<Buffer>((resolve) => (answer = resolve));
  link.sendBinary(FRAME.SEAL_KEY_REQUEST, packBlobs(Buffer.alloc(0), Buffer.from(ticket, 'base64url')));
  const [header, wrapped] = unpackBlobs(await got, 32, 2)?.blobs ?? [];
  return { header: header?.toString('base64url') ?? '', wrapped: wrapped?.toString('base64url') ?? '' };
};

const enrolAgain = async (house: House): Promise<void> => {
  const link = await house.connect('approve/default');
  await call(link, 'action.open', { verb: 'totp.reset', params: {} });
  const { ticket } = await approveFront(house, link);
  const { secret } = await call<EnrolBeginResult>(link, 'enrol.begin', { ticket });
  const code = (): string => codeOfStep(decodeBase32(secret) ?? Buffer.alloc(0), house.clock.step, 6);
  house.clock.pass(30_000);
  await call(link, 'enrol.code', { code: code() });
  house.clock.pass(30_000);
  t.match(await call(link, 'enrol.code', { code: code() }), { enrolled: true });
};

const greeted = async (house: House): Promise<{ bridge: Link; rewrap: boolean }> => {
  const bridge = await house.connect('bridge');
  const { operators } = await greet(bridge);
  return { bridge, rewrap: operators[0]?.rewrap === true };
};
const operator = 'default';

t.test('ENROL-8: rewrapped record by record, and forgotten when all are shown', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const first = await greeted(house);
  t.equal(first.rewrap, false);
  const key = await sealKey(house);
  await call(first.bridge, 'record.committed', { operator, service: 'mail', version: 1 });
  t.same(await call(first.bridge, 'record.rewrap', { operator, ...key }), { wrapped: key.wrapped }, 'nothing to do yet');
  await enrolAgain(house);
  await house.restart();
  const { bridge, rewrap } = await greeted(house);
  t.equal(rewrap, true, 'said at every hello');
  const refused = await call(bridge, 'records.rewrapped', { operator, records: [key] }).catch((error: unknown) => error);
  t.match(refused, { code: 'PARAMS_INVALID', message: /earlier phone/ }, 'ENROL-9: an old wrapping');
  const { wrapped } = await call<Wrapped>(bridge, 'record.rewrap', { operator, ...key });
  const again = { header: key.header, wrapped };
  t.equal(Buffer.from(wrapped, 'base64url').readUInt32BE(), 1);
  for (const [name, records] of Object.entries({
    twice: [again, again],
    'of a damaged key': [{ ...again, wrapped: `${wrapped.slice(0, -2)}${wrapped.endsWith('AA') ? 'BB' : 'AA'}` }],
    'of a later epoch': [{ ...again, wrapped: `AAAAAg${wrapped.slice(6)}` }],
    'no header': [{ header: 'AAAA', wrapped }],
  }))
    t.not(await refusal(call(bridge, 'records.rewrapped', { operator, records })), 'none', `ENROL-9: ${name}`);
  const size = (): number => readFileSync(join(house.stateDir, 'default.secret')).length;
  const before = size();
  t.same(await call(bridge, 'records.rewrapped', { operator, records: [again] }), { forgotten: 1 });
  t.equal(before - size(), 22 - ',"first":1'.length, 'on disk too');
  t.same(await call(bridge, 'records.rewrapped', { operator, records: [again] }), { forgotten: 0 });
  t.equal(await refusal(call(bridge, 'record.rewrap', { operator, ...key })), 'VAULT_UNREADABLE', 'the old wrapping is dead');
  await house.restart();
  const last = await greeted(house);
  t.equal(last.rewrap, false);
  t.same(await call(last.bridge, 'record.rewrap', { operator, ...again }), { wrapped }, 'across a restart');
  const link = await house.connect('approve/default');
  await call(link, 'action.open', { verb: 'unlock', params: {} });
  const shown = await front(link);
  house.clock.pass(90_000);
  const submission = { request: shown.id, digest: shown.digest, match: shown.match, code: codeNow(house) };
  t.equal(await refusal(call(link, 'request.approve', submission)), 'CODE_REJECTED', 'ENROL-3');
});

t.test('ENROL-9: what was sealed for the old phone and not stored by then never becomes current', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const stored = await sealKey(house);
  const first = await greeted(house);
  await call(first.bridge, 'record.committed', { operator, service: 'mail', version: 1 });
  const late = await sealKey(house);
  await enrolAgain(house);
  const { wrapped } = await call<Wrapped>(first.bridge, 'record.rewrap', { operator, ...stored });
  const records = [{ header: stored.header, wrapped }];
  await call(first.bridge, 'records.rewrapped', { operator, records });
  t.equal(await refusal(call(first.bridge, 'record.committed', { operator, service: 'mail', version: 2 })), 'VAULT_UNREADABLE');
  t.equal(await refusal(call(first.bridge, 'record.rewrap', { operator, ...late })), 'VAULT_UNREADABLE');
  t.equal(await refusal(call(first.bridge, 'record.rewrap', { operator, ...records[0] })), 'none', 'the stored one opens');
});

t.test('ENROL-9: a record that is no base64url, was never sealed or is not the newest is refused', async (t) => {
  const house = await openHouse();
  t.teardown(() => house.end());
  const key = await sealKey(house);
  const { bridge } = await greeted(house);
  const said = (method: string, params: object): Promise<unknown> =>
    call(bridge, method, { operator, ...params }).catch((error: unknown) => error);
  const invalid = { code: 'PARAMS_INVALID' };
  t.match(await said('record.committed', { service: 'mail', version: 2 }), { ...invalid, message: /ever sealed/ });
  t.match(await said('record.rewrap', { ...key, wrapped: `${key.wrapped}A` }), invalid);
  t.match(await said('records.rewrapped', { records: [key] }), { ...invalid, message: /not the newest that was stored/ });
  t.match(await said('record.committed', { service: 'mail', version: 1 }), {}, 'negative control');
  t.match(await said('records.rewrapped', { records: [key] }), { forgotten: 0 });
});
