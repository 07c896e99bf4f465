/** AUDIT-30: which heads in the gateway's log the log of airlock-totp has to record, whichever of the two is read first. */
import { Chain, generateHeadKey, lineDigest, parsePrivateKey, signHead, type Head } from '@airlock/audit';
import t from 'tap';
import { decideMissing, PutBack, unrecordedText } from '../src/audit/put-back.js';

const key = parsePrivateKey(generateHeadKey('airlock-gateway').privateKey);
const other = parsePrivateKey(generateHeadKey('airlock-gateway').privateKey);

const heads: Head[] = [];
const chain = new Chain();
for (let n = 0; n < 40; n += 1) {
  heads.push(chain.head());
  chain.extend(lineDigest(Buffer.from(String(n))).toString('latin1'));
}
const headAt = (size: number): Head => heads[size] ?? { size, hash: '' };

type Line = readonly [event: string, fields: object];
const started: Line = ['started', {}];
const signed = (size: number): Line => ['checkpoint', { origin: 'airlock-gateway', ...headAt(size) }];
const accepted = (log: string): Line => ['log_accepted', { log }];
const held = (size: number, signer = key, origin = 'airlock-gateway'): Line => [
  'checkpoint',
  { note: signHead(signer, origin, headAt(size)) },
];

interface Logs {
  readonly totp: readonly Line[];
  readonly gateway: readonly Line[];
  /** `seq` of the first record of airlock-totp's that is there. */
  readonly from?: number;
}

const GATEWAY_FIRST = { isLive: true } as const;
const TOTP_FIRST = { isLive: false } as const;

const read = ({ totp, gateway, from = 1 }: Logs, { isLive }: { readonly isLive: boolean }): PutBack => {
  const found = new PutBack();
  const records = (lines: readonly Line[], first: number): (readonly [string, Buffer])[] =>
    lines.map(([event, fields], at) => [event, Buffer.from(JSON.stringify({ seq: first + at, ...fields }))]);
  const readTotp = (): void => records(totp, from).forEach(([event, line]) => found.recorded(event, line));
  const readGateway = (): void => records(gateway, 1).forEach(([event, line]) => found.held(event, line));
  for (const one of isLive ? [readGateway, readTotp] : [readTotp, readGateway]) one();
  return found;
};

const problem = (logs: Logs, order: { readonly isLive: boolean }): string | null =>
  read(logs, order).problem(key.publicKey, order.isLive)?.problem ?? null;

const BOTH = [GATEWAY_FIRST, TOTP_FIRST];

t.test('AUDIT-30: a head that airlock-totp signed and does not know is told, the oldest one', (t) => {
  const logs = { totp: [started, signed(5), signed(20)], gateway: [started, held(5), held(9), held(12), held(20)] };
  for (const order of BOTH)
    t.equal(
      problem(logs, order),
      "airlock-totp's record was put back: the gateway's log holds a head of 9 signed by airlock-totp, which airlock-totp's log does not know",
    );
  for (const order of BOTH)
    t.match(problem({ ...logs, totp: [started, signed(20)] }, order), /a head of 5 /, 'from the first on');
  t.end();
});

t.test('negative control: what airlock-totp knows, and more of it, is no fault', (t) => {
  const logs = { totp: [started, signed(5), signed(7), signed(9), signed(20)], gateway: [started, held(5), held(9), started] };
  for (const order of BOTH) t.equal(problem(logs, order), null, 'heads that the gateway never wrote down');
  t.equal(read(logs, TOTP_FIRST).unrecorded(), null);
  t.equal(problem({ totp: [started, signed(5)], gateway: [started, held(5), held(5)] }, TOTP_FIRST), null);
  t.end();
});

t.test('a head of another history is not known', (t) => {
  const totp = [started, ['checkpoint', { origin: 'airlock-gateway', size: 9, hash: headAt(8).hash }] as const];
  for (const order of BOTH) t.match(problem({ totp, gateway: [held(9)] }, order), /a head of 9 /);
  t.end();
});

t.test('what airlock-totp did not sign says nothing of it', (t) => {
  const strange = [held(9, other), held(9, key, 'airlock-totp'), ['checkpoint', { note: 'x' }], ['checkpoint', {}]] as const;
  for (const order of BOTH) t.equal(problem({ totp: [started, signed(20)], gateway: strange }, order), null);
  t.end();
});

t.test('the newest heads may be younger than a copy of the log of airlock-totp, not than that which is served', (t) => {
  const logs = { totp: [started, signed(5)], gateway: [held(5), held(9), held(12)] };
  t.match(problem(logs, GATEWAY_FIRST), /a head of 9 /);
  t.equal(problem(logs, TOTP_FIRST), null);
  const unrecorded = read(logs, TOTP_FIRST).unrecorded();
  t.same(unrecorded, { heads: 2, from: 9 });
  t.match(unrecordedText(unrecorded ?? { heads: 0, from: 0 }), [/2 signed heads, of 9 records and more, are younger/]);
  t.match(problem({ totp: [started], gateway: [held(5)] }, GATEWAY_FIRST), /a head of 5 /, 'none at all is known');
  t.same(read({ totp: [started], gateway: [held(5)] }, TOTP_FIRST).unrecorded(), { heads: 1, from: 5 });
  t.end();
});

t.test('a log of airlock-totp that was shortened, or begun anew, knows nothing of before its first head', (t) => {
  const gateway = [held(5), held(9), held(12), held(20)];
  for (const order of BOTH) {
    t.equal(problem({ totp: [signed(12), signed(20)], from: 7, gateway }, order), null, 'shortened');
    t.equal(problem({ totp: [accepted('airlock-totp'), signed(12), signed(20)], gateway }, order), null, 'begun anew');
    t.equal(problem({ totp: [accepted('airlock-totp')], gateway }, order), null, 'and no head yet');
    t.match(problem({ totp: [signed(5), signed(12), signed(20)], from: 7, gateway }, order), /a head of 9 /, 'but after it');
  }
  t.end();
});

t.test('a log of the gateway that was begun anew has to be known from its first head on', (t) => {
  const totp = [started, signed(5), signed(30), accepted('airlock-gateway'), signed(9)];
  for (const order of BOTH) {
    t.equal(problem({ totp, gateway: [held(9)] }, order), null);
    t.match(problem({ totp, gateway: [held(3), held(9)] }, order), /a head of 3 /);
    t.equal(problem({ totp, from: 7, gateway: [held(9)] }, order), null, 'in a log that was shortened, too');
    t.match(problem({ totp, from: 7, gateway: [held(3), held(9)] }, order), /a head of 3 /);
  }
  t.end();
});

t.test('the decision', (t) => {
  const known = { first: 5, newest: 20, isWhole: true };
  t.equal(decideMissing(3, known, false), 'due');
  t.equal(decideMissing(3, { ...known, isWhole: false }, true), 'before');
  t.equal(decideMissing(20, { ...known, isWhole: false }, false), 'due');
  t.equal(decideMissing(21, known, false), 'later');
  t.equal(decideMissing(21, known, true), 'due');
  t.equal(decideMissing(1, { first: null, newest: null, isWhole: true }, false), 'later');
  t.end();
});
