/** Hostile messages: a well-behaved server hands out mail made to exhaust or mislead its reader. */
import { canonicalJson, encodeBase64url, type Json } from '@airlock/protocol';
import { serveImap, type DoubleMessage } from '../imap-double.js';
import type { HostileFixture } from './fixture.js';

const UIDVALIDITY = 7;
const UID = 1;
/** The id a list would show (docs/spec/mail.md). */
const ID = encodeBase64url(Buffer.from(canonicalJson(['INBOX', UIDVALIDITY, UID])));

const part = (subtype: string, text: string, encoding = '7BIT'): string =>
  `("TEXT" "${subtype}" ("CHARSET" "utf-8") NIL NIL "${encoding}" ${Buffer.byteLength(text)} 1 NIL NIL NIL NIL)`;

const message = (over: Partial<DoubleMessage>): DoubleMessage => ({
  uid: UID,
  headers: 'From: a@example.org\r\nSubject: x',
  ...over,
});

const bodyOf = (result: Json): string => {
  const { body } = result as { body?: Json };
  return typeof body === 'string' ? body : '';
};

type Judge = (result: Json) => string | null;
const answers: Judge = () => null;
const withoutSecret: Judge = (result) =>
  JSON.stringify(result).includes('SECRET')
    ? 'hidden text was handed out'
    : bodyOf(result).includes('seen')
      ? null
      : 'visible text is missing';

const read = (name: string, shown: DoubleMessage, judge: Judge = answers): HostileFixture => ({
  name,
  kind: 'imap',
  operation: 'get_message',
  params: { id: ID },
  connection: (socket) => serveImap(socket, { messages: [shown], uidvalidity: UIDVALIDITY }),
  expect: { result: judge },
  upstream: 'kept',
});

const listed = (name: string, shown: DoubleMessage): HostileFixture => ({
  ...read(name, shown),
  operation: 'list_messages',
  params: {},
});

const text = (name: string, body: string, judge?: Judge): HostileFixture =>
  read(`mime-${name}`, message({ structure: part('PLAIN', body), sections: { '1': body } }), judge);
const html = (name: string, body: string, judge?: Judge): HostileFixture =>
  read(`html-${name}`, message({ structure: part('HTML', body), sections: { '1': body } }), judge);

const deepStructure = (levels: number): string =>
  `${'('.repeat(levels)}${part('PLAIN', 'x')}${' "MIXED" NIL NIL NIL)'.repeat(levels)}`;
const wideStructure = (parts: number): string => `(${part('PLAIN', 'x').repeat(parts)} "MIXED" NIL NIL NIL)`;
const quadratic = '=?utf-8?q?'.repeat(1500) + '=?*'.repeat(5000) + 'BODY['.repeat(1000);

/** Each is answered, without what was hidden, at once and in bounded memory; the connection lives on. */
export const HOSTILE_MAIL: readonly HostileFixture[] = [
  listed('mime-subject-for-quadratic-decoders', message({ headers: `Subject: ${quadratic}` })),
  listed('mime-ten-thousand-recipients', message({ headers: `To: ${'a@example.org, '.repeat(10_000)}b@example.org` })),
  listed('mime-structure-of-100-levels', message({ structure: deepStructure(100) })),
  listed('mime-structure-of-5000-parts', message({ structure: wideStructure(5000) })),
  listed('mime-names-of-the-prototype', message({ headers: '__proto__: x\r\nconstructor: y\r\nSubject: __proto__' })),
  text('base64-that-is-none', `${'=%$'.repeat(50_000)}seen`),
  text('nothing-but-control-characters', `${'\u0000\u0001\u001b[2J\u202e\u200b'.repeat(2000)}seen`, (result) =>
    /[\u0000-\u0008\u001b\u202e]/.test(bodyOf(result)) ? 'control characters reached the agent' : null,
  ),
  text('a-line-of-half-a-megabyte', 'x'.repeat(500_000)),
  html('hidden-by-style', '<p>seen</p><div style="display:none">SECRET</div>', withoutSecret),
  html('hidden-by-class', '<style>.q{visibility:hidden}</style><p>seen</p><p class="q">SECRET</p>', withoutSecret),
  html('hidden-by-size', '<p>seen</p><span style="font-size:0">SECRET</span>', withoutSecret),
  html('hidden-in-a-comment', '<p>seen</p><!-- SECRET --><template>SECRET</template><script>SECRET</script>', withoutSecret),
  html('60000-open-elements', `${'<div>'.repeat(60_000)}seen`),
  html('100000-attributes', `<p ${'a=b '.repeat(100_000)}>seen</p>`),
  html('never-ending-entity', `<p>&${'a'.repeat(400_000)};seen</p>`),
  html('tables-in-tables', `${'<table><tr><td>'.repeat(5000)}seen`),
];
