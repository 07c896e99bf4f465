/** Codes, base32, the URI and the window: published vectors and edges. */
import t from 'tap';
import { decodeBase32, encodeBase32 } from '../src/codes/base32.js';
import { otpauthUri } from '../src/codes/otpauth.js';
import { formatRecoveryCode, recoveryDigest } from '../src/codes/recovery.js';
import { codeOfStep, findStep, stepAt } from '../src/codes/totp.js';
import { acceptableSteps, burnStep, countFailure, isLockedOut } from '../src/queue/failures.js';
import { emptyState, type Now } from '../src/queue/state.js';
import { SECRET, SECRET_TEXT } from './support/daemon.js';

t.test('RFC 6238 appendix B, SHA-1', (t) => {
  const vectors: readonly (readonly [number, string])[] = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ];
  for (const [seconds, code] of vectors) t.equal(codeOfStep(SECRET, stepAt(seconds * 1000, 30), 8), code);
  t.end();
});

t.test('RFC 4226 appendix D', (t) => {
  const codes = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489'];
  codes.forEach((code, counter) => t.equal(codeOfStep(SECRET, counter, 6), code));
  t.end();
});

t.test('RFC 4648 §10 base32, without padding', (t) => {
  const vectors = { '': '', f: 'MY', fo: 'MZXQ', foo: 'MZXW6', foob: 'MZXW6YQ', fooba: 'MZXW6YTB', foobar: 'MZXW6YTBOI' };
  for (const [plain, coded] of Object.entries(vectors)) {
    t.equal(encodeBase32(Buffer.from(plain)), coded);
    if (plain !== '') t.equal(decodeBase32(coded)?.toString(), plain);
  }
  t.equal(decodeBase32('mzxw 6ytb-oi======')?.toString(), 'foobar', 'as people copy it');
  for (const bad of ['', '1', 'MZ!', 'MZXW7', 'M', 'MZ\u0130']) t.equal(decodeBase32(bad), null, JSON.stringify(bad));
  t.same(decodeBase32(SECRET_TEXT), SECRET);
  t.end();
});

t.test('the URI keeps a colon, spaces and quotes of a name apart from its own', (t) => {
  const uri = otpauthUri("Air:lock & Co's", 'ada:x', SECRET, { digits: 6, periodS: 30 });
  t.equal(
    uri,
    `otpauth://totp/Air%3Alock%20%26%20Co%27s:ada%3Ax?secret=${SECRET_TEXT}&issuer=Air%3Alock%20%26%20Co%27s&algorithm=SHA1&digits=6&period=30`,
  );
  t.equal(new URL(uri).searchParams.get('issuer'), "Air:lock & Co's");
  t.end();
});

t.test('recovery codes: groups of four, read back however they are typed', (t) => {
  const code = formatRecoveryCode(Buffer.from('0123456789'));
  t.match(code, /^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/);
  t.equal(recoveryDigest(code.toLowerCase().replaceAll('-', ' ')), recoveryDigest(code));
  t.equal(recoveryDigest('AAAA'), null);
  t.end();
});

const settings = { digits: 6, periodS: 30 } as const;
const nowAt = (step: number): Now => ({ wallMs: step * 30_000, bootMs: 1000, bootId: 'b', step, periodS: 30 });

t.test('CODE-1: what is not a code of the configured length is never computed', (t) => {
  for (const code of ['', '12345', '1234567', '12345a', '１２３４５６', ' 12345'])
    t.equal(findStep(SECRET, code, [1, 2, 3], settings), null);
  t.end();
});

t.test('QUEUE-4: the window, the last used step, the floor', (t) => {
  const state = emptyState('b');
  t.same(acceptableSteps(state, nowAt(100)), [99, 100, 101]);
  t.same(acceptableSteps({ ...state, lastStep: 100 }, nowAt(100)), [101]);
  t.same(acceptableSteps({ ...state, floorStep: 102 }, nowAt(100)), []);
  t.same(acceptableSteps({ ...state, lastStep: 500 }, nowAt(100)), [], 'a clock set back accepts nothing again');
  t.same(acceptableSteps(state, nowAt(0)), [0, 1]);
  for (const [offset, found] of [
    [-2, null],
    [-1, 99],
    [0, 100],
    [1, 101],
    [2, null],
  ] as const)
    t.equal(
      findStep(SECRET, codeOfStep(SECRET, 100 + offset, 6), acceptableSteps(state, nowAt(100)), settings),
      found,
      String(offset),
    );
  t.end();
});

t.test('QUEUE-9: ten failures lock a channel; a good code on the other clears it', (t) => {
  let state = emptyState('b');
  for (let n = 0; n < 9; n += 1) state = countFailure(state, 'terminal');
  t.equal(isLockedOut(state, 'terminal'), false);
  state = countFailure(state, 'terminal');
  t.equal(isLockedOut(state, 'terminal'), true);
  t.equal(isLockedOut(state, 'relay'), false, 'each channel is counted alone');
  const cleared = burnStep(state, 7, 'relay');
  t.equal(isLockedOut(cleared, 'terminal'), false);
  t.equal(cleared.lastStep, 7);
  t.equal(burnStep(countFailure(state, 'relay'), 7, 'terminal').failures.relay, 1, 'a count below the limit stays');
  t.end();
});
