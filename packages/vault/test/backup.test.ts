/** Backups as files, and their printed keys; the literal example of docs/spec/backup.md. BACKUP-1, BACKUP-2, BACKUP-3. */
import { createDecipheriv, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { canonicalJson } from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';
import {
  newRecoveryKey,
  openBackup,
  parseRecoveryKey,
  readBackupHeader,
  recoveryKeyGroups,
  sealBackup,
  type BackupHeader,
} from '../src/index.js';

const read = (path: string): string => readFileSync(new URL(`../../../../${path}`, import.meta.url), 'utf8');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

interface Golden {
  readonly recoveryKey: string;
  readonly printed: string;
  readonly salt: string;
  readonly nonce: string;
  readonly header: BackupHeader;
  readonly content: string;
  readonly file: string;
}
const golden = JSON.parse(read('test/golden/backup.json')) as Golden;
const key = hex(golden.recoveryKey);
const file = Buffer.from(golden.file, 'base64url');
const seal = (): Buffer =>
  sealBackup({
    recoveryKey: key,
    salt: hex(golden.salt),
    header: golden.header,
    body: Buffer.from(golden.content),
    random: () => hex(golden.nonce),
  });
const messageOf = (run: () => unknown): string => {
  try {
    run();
    return 'opened';
  } catch (error) {
    return (error as Error).message;
  }
};

t.test('the golden backup is sealed as ever, and opens with node:crypto', async (t) => {
  t.same(seal(), file);
  t.equal(recoveryKeyGroups(key).join('-'), golden.printed);
  const end = file.indexOf(10, file.indexOf(10) + 1) + 1;
  const archive = Buffer.from(hkdfSync('sha256', key, hex(golden.salt), 'airlock/v1/backup/archive', 32));
  const body = file.subarray(end);
  const decipher = createDecipheriv('aes-256-gcm', archive, body.subarray(0, 12)).setAuthTag(body.subarray(-16));
  decipher.setAAD(file.subarray(0, end));
  t.equal(Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]).toString(), golden.content);
  t.equal(openBackup(file, key).body.toString(), golden.content);
  t.same(readBackupHeader(file), golden.header);
});

t.test('the document shows the vector', async (t) => {
  const document = read('docs/spec/backup.md').replaceAll(/\s/g, '');
  const [first = '', second = ''] = file.toString('latin1').split('\n');
  const end = first.length + second.length + 2;
  for (const text of [golden.printed, first, second, file.subarray(end).toString('base64url')])
    t.ok(document.includes(text.replaceAll(/\s/g, '')), text.slice(0, 30));
});

t.test('BACKUP-3: every bit, every cut, another key: refused, and it is said which', async (t) => {
  t.equal(
    messageOf(() => openBackup(file, key)),
    'opened',
    'control',
  );
  for (let bit = 0; bit < file.length * 8; bit += 1) {
    const changed = Buffer.from(file);
    changed.writeUInt8((changed[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3);
    if (messageOf(() => openBackup(changed, key)) === 'opened') t.fail(`bit ${bit} was not noticed`);
  }
  for (let length = 0; length < file.length; length += 1)
    if (messageOf(() => openBackup(file.subarray(0, length), key)) === 'opened') t.fail(`cut at ${length}`);
  t.match(
    messageOf(() => openBackup(file.subarray(0, -1), key)),
    /cut short: \d+ bytes of \d+/,
  );
  t.match(
    messageOf(() => openBackup(Buffer.concat([file, Buffer.of(0)]), key)),
    /added to/,
  );
  t.match(
    messageOf(() => openBackup(file, Buffer.alloc(20, 9))),
    /key is that of another backup/,
  );
  t.match(
    messageOf(() => openBackup(Buffer.from('airlock-backup 2\n{}\n'), key)),
    /later release/,
  );
  t.match(
    messageOf(() => openBackup(Buffer.from('PK\n\n'), key)),
    /no backup/,
  );
  const last = Buffer.from(file);
  last.writeUInt8((last.at(-1) ?? 0) ^ 1, last.length - 1);
  t.match(
    messageOf(() => openBackup(last, key)),
    /was changed/,
  );
});

t.test('BACKUP-3: a second line that is no header of ours is damage, whatever else it is', async (t) => {
  const end = file.indexOf(10, file.indexOf(10) + 1);
  const header = JSON.parse(file.subarray(file.indexOf(10) + 1, end).toString()) as Record<string, unknown>;
  const withLine = (line: string): Buffer => Buffer.concat([Buffer.from(`airlock-backup 1\n${line}`), file.subarray(end)]);
  const { salt, ...rest } = header;
  t.equal(
    messageOf(() => openBackup(withLine(canonicalJson(header as never)), key)),
    'opened',
    'negative control',
  );
  const lines = [
    ...['', '{', 'null', '7', '"text"', '[]', '[1,2,3,4,5,6]', '{}'],
    ...[{ ...header, more: 1 }, rest, { ...rest, pepper: salt }, { ...header, generation: '1' }].map((one) =>
      canonicalJson(one as never),
    ),
    ...[
      { ...header, operators: 'ada' },
      { ...header, operators: [1] },
    ].map((one) => canonicalJson(one as never)),
    ` ${canonicalJson(header as never)}`,
  ];
  for (const line of lines) {
    for (const open of [readBackupHeader, (bytes: Buffer) => openBackup(bytes, key)])
      t.match(
        messageOf(() => open(withLine(line))),
        /second line of the backup is damaged/,
        line,
      );
  }
});

t.test('BACKUP-1: nothing of the content stands in the file', async (t) => {
  const secret = 'correct horse battery staple';
  const sealed = sealBackup({ recoveryKey: key, salt: hex(golden.salt), header: golden.header, body: Buffer.from(secret) });
  t.notOk(sealed.includes(secret));
  t.notOk(sealed.includes(key));
  t.equal(openBackup(sealed, key).body.toString(), secret, 'negative control');
});

t.test('BACKUP-2: any key is read back however it is copied', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.constantFrom('-', ' ', '', ' - '), (bytes, between) => {
      const text = recoveryKeyGroups(bytes).join(between);
      return parseRecoveryKey(text.toLowerCase()).equals(bytes) && parseRecoveryKey(` ${text}\t`).equals(bytes);
    }),
  );
  t.equal(newRecoveryKey().length, 20);
});

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

t.test('BACKUP-2: every mistyped character, swap of two in a group, and swap of two groups is found in its group', async (t) => {
  const groups = recoveryKeyGroups(hex('00112233445566778899aabbccddeeff01234567'));
  const groupOf = (text: string): string => /^group (\d) /.exec(messageOf(() => parseRecoveryKey(text)))?.[1] ?? 'none';
  let wrong = 0;
  groups.forEach((group, index) => {
    const put = (changed: string): string => groups.map((one, at) => (at === index ? changed : one)).join('-');
    for (let at = 0; at < group.length; at += 1) {
      for (const letter of ALPHABET) {
        const changed = group.slice(0, at) + letter + group.slice(at + 1);
        if (changed !== group && groupOf(put(changed)) !== String(index + 1)) wrong += 1;
      }
      for (let other = at + 1; other < group.length; other += 1) {
        const letters = Array.from(group);
        [letters[at], letters[other]] = [letters[other] ?? '', letters[at] ?? ''];
        const changed = letters.join('');
        if (changed !== group && groupOf(put(changed)) !== String(index + 1)) wrong += 1;
      }
    }
    groups.forEach((other, at) => {
      if (at <= index || other === group) return;
      const swapped = groups.map((one, here) => (here === at ? group : here === index ? other : one)).join('-');
      if (groupOf(swapped) === 'none') wrong += 1;
    });
  });
  t.equal(wrong, 0);
  t.equal(groupOf(groups.join('-')), 'none', 'negative control: the right one');
  t.match(
    messageOf(() => parseRecoveryKey('CDNW-26YV-3UXO-7JDH')),
    /recovery code: it enrols a new phone and decrypts nothing/,
  );
  t.match(
    messageOf(() => parseRecoveryKey('ABC')),
    /has 40 characters/,
  );
  t.match(
    messageOf(() => parseRecoveryKey(groups.join('').replace(/./, '1'))),
    /group 1/,
    'a character that is none of ours',
  );
});
