/** CELL-4 and GUARD-5: no form of the credential is left. */
import fc from 'fast-check';
import t from 'tap';
import type { Json } from '@airlock/protocol';
import { maskValues } from '../src/index.js';

const SECRET = 'sk-Tr0ub4dor&3/ü+"\\wxyz';

const textOf = (value: Json, secrets = [SECRET]): string => JSON.stringify(maskValues(value, secrets).value);

const percent = (secret: string): string =>
  Array.from(Buffer.from(secret), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

/** Every form, written down by other code than that which looks for it. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  raw: (s) => s,
  base64: (s) => Buffer.from(s).toString('base64'),
  base64url: (s) => Buffer.from(s).toString('base64url'),
  'base64 behind one byte': (s) => Buffer.from(`x${s}tail`).toString('base64'),
  'base64 behind two bytes': (s) => Buffer.from(`xy${s}tail`).toString('base64'),
  'base64url behind two bytes': (s) => Buffer.from(`xy${s}`).toString('base64url'),
  'base64 in a URL': (s) => encodeURIComponent(Buffer.from(s).toString('base64')),
  'base64 in lines': (s) =>
    Buffer.from(s)
      .toString('base64')
      .replace(/(.{7})/g, '$1\r\n'),
  hex: (s) => Buffer.from(s).toString('hex'),
  HEX: (s) => Buffer.from(s).toString('hex').toUpperCase(),
  'hex dump': (s) => Array.from(Buffer.from(s), (byte) => byte.toString(16).padStart(2, '0')).join(' '),
  encodeURIComponent: (s) => encodeURIComponent(s),
  'form encoding': (s) => new URLSearchParams({ s }).toString().slice(2),
  'every byte percent-encoded': percent,
  'JSON in a string': (s) => JSON.stringify(s).slice(1, -1),
  'JavaScript escapes': (s) =>
    Array.from({ length: s.length }, (_, i) => `\\u${s.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  'HTML references': (s) => s.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
  'HTML names': (s) => s.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
};

for (const [name, encode] of Object.entries(FORMS)) {
  t.test(`GUARD-5 ${name}`, async (test) => {
    const { value, masked } = maskValues(`before ${encode(SECRET)} after`, [SECRET]);
    test.equal(masked, 1);
    test.match(value, /^before \w{0,2}\[masked …wxyz\]\S{0,9} after$/);
  });
}

t.test('GUARD-5 holds for any secret', async (test) => {
  const secret = fc
    .string({ unit: 'binary', minLength: 8, maxLength: 60 })
    .filter((text) => text.isWellFormed() && text.trim() === text);
  const property = fc.property(secret, fc.constantFrom(...Object.entries(FORMS)), (value, [, encode]) => {
    const form = encode(value);
    const { value: masked } = maskValues({ deep: [`<${form}>`] }, [value]);
    return !JSON.stringify(masked).includes(JSON.stringify(form).slice(1, -1));
  });
  fc.assert(property, { numRuns: 2000, seed: 7 });
  test.pass();
});

t.test('CELL-4 nested values and keys; keys that become alike stay apart', async (test) => {
  const value = {
    list: [{ [SECRET]: SECRET, ok: [null, true, 3] }],
    [`a${SECRET}`]: 1,
    [`a${Buffer.from(SECRET).toString('hex')}`]: 2,
  };
  test.same(maskValues(value, [SECRET]), {
    value: {
      list: [{ '[masked …wxyz]': '[masked …wxyz]', ok: [null, true, 3] }],
      'a[masked …wxyz]': 1,
      'a[masked …wxyz] (2)': 2,
    },
    masked: 4,
  });
});

t.test('a short secret shows nothing of itself, and is masked as a whole value only', async (test) => {
  test.same(maskValues(['hunter2', 'x hunter2'], ['hunter2']).value, ['[masked]', 'x [masked]']);
  test.same(maskValues(['042', 'room 042', 42, { '042': 1 }], ['042']).value, ['[masked]', 'room 042', 42, { '[masked]': 1 }]);
  test.same(maskValues([1234, 12345, '12345'], ['1234']).value, ['[masked]', 12345, '[masked]5']);
});

t.test('several secrets, one inside of the other; a key file is found line by line', async (test) => {
  test.notMatch(
    textOf(['correct horse', 'correct horse battery'], ['correct horse', 'correct horse battery']),
    /correct|battery/,
  );
  const line = (n: number): string => Buffer.alloc(48, n).toString('base64');
  const file = `-----BEGIN KEY-----\n${Array.from({ length: 80 }, (_, n) => line(n + 1)).join('\n')}\n-----END KEY-----\n`;
  const text = textOf({ file, quoted: line(7), hex: Buffer.from(line(9)).toString('hex') }, [file]);
  for (let n = 1; n <= 80; n += 1) test.notOk(text.includes(line(n)));
});

t.test('negative control: what is no secret stays as it is, and no prototype is made', async (test) => {
  const value = JSON.parse('{"__proto__":{"a":1},"t":"nothing here","n":[1.5,"x"]}') as Json;
  const masked = maskValues(value, [SECRET]);
  test.equal(masked.masked, 0);
  test.equal(JSON.stringify(masked.value), JSON.stringify(value));
  test.same(maskValues({ a: 'b' }, []), { value: { a: 'b' }, masked: 0 });
  test.same(maskValues('', ['']), { value: '', masked: 0 });
});
