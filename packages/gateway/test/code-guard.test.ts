/** What counts as a one-time code where agents speak (CODE-2). */
import t from 'tap';
import { callHoldsCode, holdsCode } from '../src/agent/code-guard.js';

t.test('CODE-2: codes as people write them', (t) => {
  for (const text of [
    '123456',
    ' 12345678 ',
    '123 456',
    '12 34 56',
    '123-456',
    'code 123456',
    'Code: 123456',
    'the code is 123456, please approve',
    'my phone’s code now is: 123 456',
    'OTP=123456',
    'totp "123456"',
    'PIN 123456',
    'passcode was 12345678',
    'approve with 123456',
    'approved by 123 456',
  ])
    t.equal(holdsCode({ reason: text }), true, text);
  t.equal(holdsCode({ scopes: ['mail:read', '123456'] }), true, 'however deep');
  t.equal(holdsCode({ code: 123456 }), true, 'a field called like one');
  t.equal(callHoldsCode({ params: { query: '123456' }, lease: 'al1' }), false, 'parameters of a service are its own affair');
  t.end();
});

t.test('CODE-2: numbers that are none', (t) => {
  for (const text of [
    'invoice 2026-1107',
    'order 1234567',
    'postal code 1070, order 31415926-A',
    'pin code 12',
    'error code in build 20261107',
    'approve the invoice 20261107',
    'barcode 123456',
    'code 123456789',
    'code 2026-11-07-0123456',
    'r-k3m9qz7w2p',
  ])
    t.equal(holdsCode({ reason: text }), false, text);
  t.end();
});
