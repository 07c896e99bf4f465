/** Services that come with a first enrolment: what its second code approves, and every way to have it approve something else. */
import t from 'tap';
import { FRAME, packBlobs, sha256Hex, unpackBlobs, type EnrolBeginResult, type EnrolCodeResult } from '@airlock/protocol';
import { decodeBase32 } from '../src/codes/base32.js';
import { codeOfStep } from '../src/codes/totp.js';
import { call, connectExchanging, greet, openHouse, refusal, type House, type Link } from './support/daemon.js';

const serviceAdd = (service: string, host = 'imap.gmail.com'): { verb: string; params: object } => ({
  verb: 'service.add',
  params: {
    service,
    kind: 'gmail',
    settings: { user: 'ada@example.org' },
    destination: { kind: 'gmail', origins: [{ scheme: 'imaps', host, port: 993 }], user: 'ada@example.org' },
    fields: ['password'],
    test: true,
  },
});

const begin = (link: Link, actions?: readonly object[], more: object = {}): Promise<EnrolBeginResult> =>
  call(link, 'enrol.begin', { operator: 'default', ...(actions ? { actions } : {}), ...more });

const codeFor = (house: House, secret: string): string => {
  house.clock.pass(30_000);
  return codeOfStep(decodeBase32(secret) ?? Buffer.alloc(0), house.clock.step, 6);
};

const give = (link: Link, code: string, digest?: string): Promise<EnrolCodeResult> =>
  call(link, 'enrol.code', { operator: 'default', code, ...(digest === undefined ? {} : { digest }) });

/** Both codes, with the digest of what was shown. */
const finish = async (house: House, link: Link, begun: EnrolBeginResult): Promise<readonly string[]> => {
  const digest = begun.actions?.digest;
  await give(link, codeFor(house, begun.secret), digest);
  return (await give(link, codeFor(house, begun.secret), digest)).tickets ?? [];
};

const sealing = (ticket: string): Buffer => packBlobs(Buffer.alloc(0), Buffer.from(ticket, 'base64url'));
const redeem = (bridge: Link, ticket: string): Promise<{ trial: string | null; action: object }> =>
  call(bridge, 'action.redeem', { ticket, operator: 'default', verb: 'service.add' });

const opened = async (t: { teardown: (end: () => Promise<void>) => void }): Promise<House> => {
  const house = await openHouse({ enrolled: false });
  t.teardown(() => house.end());
  return house;
};

t.test('ENROL-4: one to four services, each once, nothing else, and only with a first enrolment', async (t) => {
  const house = await opened(t);
  const root = await house.connect('root');
  const many = Array.from({ length: 5 }, (_, n) => serviceAdd(`s${n}`));
  for (const actions of [
    [],
    many,
    [serviceAdd('a'), serviceAdd('a')],
    [{ verb: 'unlock', params: {} }],
    [{ verb: 'totp.reset', params: {} }],
    [{ verb: 'service.remove', params: { service: 'a' } }],
    [{ verb: 'credentials.get', params: { service: 'a', fields: ['password'] } }],
    [{ verb: 'service.add', params: { service: '../a' } }],
    [{ ...serviceAdd('a'), more: 1 }],
    [serviceAdd('long', 'h'.repeat(253)), serviceAdd('b')].map((one) => ({
      ...one,
      params: { ...one.params, settings: { user: 'u'.repeat(1024), a: 'a'.repeat(1024), b: 'b'.repeat(1024) } },
    })),
  ])
    t.equal(await refusal(begin(root, actions)), 'PARAMS_INVALID', JSON.stringify(actions).slice(0, 80));
  const begun = await begin(root, many.slice(0, 4));
  t.equal(begun.actions?.digest, sha256Hex(begun.actions?.text ?? ''), 'negative control: four fit');
  for (const n of [0, 1, 2, 3]) t.match(begun.actions?.text, new RegExp(`service {2}s${n}\n`));
  await finish(house, root, begun);
  t.equal(await refusal(begin(root, [serviceAdd('later')])), 'NOT_AUTHENTICATED', 'enrolled: an ordinary code is needed');
  const [recoveryCode = ''] = begun.recoveryCodes;
  t.equal(
    await refusal(begin(root, [serviceAdd('later')], { recoveryCode })),
    'NOT_AUTHENTICATED',
    'a recovery code does not help',
  );
  t.equal(await refusal(begin(root, undefined, { recoveryCode })), 'none', 'nor was it burnt for it');
});

t.test('ENROL-5: a code for another list than the one that was shown is not looked at', async (t) => {
  const house = await opened(t);
  const root = await house.connect('root');
  const shown = await begin(root, [serviceAdd('gmail')]);
  const first = codeFor(house, shown.secret);
  t.equal(await refusal(give(root, first)), 'PARAMS_INVALID', 'without a digest');
  t.equal(await refusal(give(root, first, sha256Hex('another list'))), 'PARAMS_INVALID');
  const other = await house.connect('root');
  t.equal(await refusal(give(other, first, shown.actions?.digest)), 'NOT_AUTHENTICATED', 'over another connection');
  t.match(
    await give(root, first, shown.actions?.digest),
    { enrolled: false, codesNeeded: 1 },
    'none of these looked at the code',
  );

  const swapped = await begin(other, [serviceAdd('gmail', 'imap.evil.example')], { secret: shown.secret });
  const second = codeFor(house, shown.secret);
  t.equal(
    await refusal(give(root, second, shown.actions?.digest)),
    'PARAMS_INVALID',
    'a list put under the same secret meanwhile',
  );
  t.not(swapped.actions?.digest, shown.actions?.digest);
  const plain = await begin(root, undefined, { secret: shown.secret });
  t.equal(await refusal(give(root, second, shown.actions?.digest)), 'PARAMS_INVALID', 'a digest where there is no list');
  t.equal(
    (await finish(house, root, plain)).length,
    0,
    'negative control: without a list codes alone enrol, and approve nothing else',
  );
});

t.test('ENROL-5: the end of its connection ends an enrolment with actions', async (t) => {
  const house = await opened(t);
  const root = await house.connect('root');
  const begun = await begin(root, [serviceAdd('gmail')]);
  root.close();
  const other = await house.connect('root');
  for (let n = 0; n < 100; n += 1) if ((await refusal(give(other, '000000', begun.actions?.digest))) === 'NOT_FOUND') break;
  t.equal(await refusal(give(other, '000000', begun.actions?.digest)), 'NOT_FOUND');
});

t.test('ENROL-6: a ticket for each action, good for its own, over its own connection, for 300 s', async (t) => {
  const house = await opened(t);
  const { link: root, exchange } = await connectExchanging(house, 'root');
  const thief = await connectExchanging(house, 'root');
  const operator = await connectExchanging(house, 'approve/default');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const begun = await begin(root, [serviceAdd('gmail'), serviceAdd('work', 'imap.example.org')]);
  const [gmail = '', work = ''] = await finish(house, root, begun);
  t.not(gmail, work);
  for (const { exchange: steal } of [thief, operator])
    t.equal((await steal(FRAME.SEAL_KEY_REQUEST, sealing(gmail))).type, FRAME.REFUSED, 'another connection');
  const open = packBlobs(Buffer.alloc(0), Buffer.from(gmail, 'base64url'), Buffer.alloc(1), Buffer.alloc(1));
  t.equal((await exchange(FRAME.OPEN_KEY_REQUEST, open)).type, FRAME.REFUSED, 'root.sock never opens a record');
  const sealed = await exchange(FRAME.SEAL_KEY_REQUEST, sealing(gmail));
  t.equal(sealed.type, FRAME.SEAL_KEY, 'negative control');
  const [header] = unpackBlobs(sealed.payload, 32, 2)?.blobs ?? [];
  t.match(JSON.parse(header?.toString() ?? '{}'), { service: 'gmail', owner: 'default', version: 1 });
  t.match(await redeem(bridge, gmail), { action: serviceAdd('gmail') });
  t.equal(await refusal(redeem(bridge, gmail)), 'NOT_AUTHENTICATED', 'a replay');
  t.match(await redeem(bridge, work), { action: serviceAdd('work', 'imap.example.org') });
  house.clock.pass(300_000);
  t.equal((await exchange(FRAME.SEAL_KEY_REQUEST, sealing(gmail))).type, FRAME.REFUSED, 'after 300 s');
});

t.test('QUEUE-11: three tries of a login under one ticket, each with a record of its own, none after the commit', async (t) => {
  const house = await opened(t);
  const { link: root, exchange } = await connectExchanging(house, 'root');
  const bridge = await house.connect('bridge');
  await greet(bridge);
  const seal = async (ticket: string): Promise<number> => (await exchange(FRAME.SEAL_KEY_REQUEST, sealing(ticket))).type;
  const begun = await begin(root, [serviceAdd('gmail'), serviceAdd('work')]);
  const [gmail = '', work = ''] = await finish(house, root, begun);
  for (const attempt of [1, 2, 3]) {
    t.equal(await seal(gmail), FRAME.SEAL_KEY, `try ${attempt}`);
    t.equal(await seal(gmail), FRAME.REFUSED, 'one record a try');
    t.match(await redeem(bridge, gmail), { trial: /^[\w-]{43}$/ });
    t.equal(await refusal(redeem(bridge, gmail)), 'NOT_AUTHENTICATED', 'one trial a record');
  }
  t.equal(await seal(gmail), FRAME.REFUSED, 'no fourth');
  t.equal(await seal(work), FRAME.SEAL_KEY);
  await redeem(bridge, work);
  await call(bridge, 'record.committed', { operator: 'default', service: 'work', version: 1 });
  t.equal(await seal(work), FRAME.REFUSED, 'its record is stored');
});
