/** The literal example of docs/spec/mail.md is what the connector does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openImapSession } from '../src/imap/session.js';
import { imapContext, loopback, run } from './context.js';
import { startImapDouble } from '@airlock/testkit';

const spec = readFileSync(join(import.meta.dirname, '../../../../../docs/spec/mail.md'), 'utf8');
const block = (language: string): string => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(spec)?.[1] ?? '';

t.test('the example of the specification', async (t) => {
  const structure = '(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1) ("APPLICATION" "PDF" ("NAME" "a.pdf") NIL NIL "BASE64" 8) "MIXED")';
  const headers =
    'From: Bob <bob@example.org>\r\nTo: ada@example.org\r\nSubject: =?utf-8?Q?Caf=C3=A9?=\r\nDate: Wed, 01 Jan 2025 00:00:00 +0000';
  const double = await startImapDouble({
    messages: [
      { uid: 3, headers },
      { uid: 4, headers, structure },
    ],
  });
  t.teardown(() => double.stop());
  const session = await openImapSession(imapContext(loopback(double.port)));
  t.same(await run(session, 'list_messages', { limit: 1 }), JSON.parse(block('json')));
  t.same(double.lines, block('imap').trim().split('\n'));
  await session.close();
});

const textsIn = (directory: string): string =>
  readdirSync(join(import.meta.dirname, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, directory, name), 'utf8'))
    .join('\n');

t.test('every MUST of the specification stands in the source and is quoted by a test', async (t) => {
  const numbers = [...spec.matchAll(/\*\*(MAIL-[0-9]+)\*\*/g)].map(([, number]) => String(number));
  t.equal(numbers.length, 31);
  const [source, tests] = [textsIn('../../src'), textsIn('../../test')];
  for (const number of numbers) {
    const quoted = new RegExp(`${number}(?![0-9])`);
    t.match(source, quoted, `${number} in the source`);
    t.match(tests, quoted, `${number} in a test`);
  }
});
