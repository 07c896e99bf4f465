// An agent, or a hostile definition of a service, writes text that makes the approver see something else than is approved.
import type { Connection } from '@airlock/ipc';
import { sha256Hex, type ShownRequest } from '@airlock/protocol';
import { addMailbox, openSession, refusalOf, startTestInstance, type AgentSession, type Running } from '@airlock/testkit';
import t, { type Test } from 'tap';
import { ask, auditOf, connectTo, frontOf, goodCode, submit } from './support/house.js';

let running: Running;
let operator: Connection;
let agent: AgentSession;
t.before(async () => {
  running = await startTestInstance({ cells: 1 });
  await addMailbox(running);
  operator = await connectTo(running, 'approve/default');
  agent = await openSession(running);
});
t.teardown(async () => {
  operator.close();
  agent.close();
  await running.stop();
});

const FAKE_MATCH = '  match    99';
/** At most 140 characters each, as a reason may have. */
const HOSTILE: Readonly<Record<string, string>> = {
  'line feeds': `x\n${FAKE_MATCH}\n  access   nothing`,
  'CR over the line': `x\r${FAKE_MATCH}`,
  'other line ends': `a\u0085b\u2028c\u2029d\u000be\u000c${FAKE_MATCH}`,
  'an end of its quotation': `x"\n           (the agent's words)\n${FAKE_MATCH}`,
  'quotation marks and backslashes': '"\\" \\u{202E} \\" "',
  'terminal commands': '\u001b[2J\u001b[1;1H\u001b]0;safe\u0007\u009b31m\u0090x\u009c\u001b[8m',
  'reversed text': 'read \u202Eliam eteled\u202C \u2066x\u2069 \u200f\u061c',
  'zero width': 'm\u200ba\u200ci\u200dl\u2060:\ufeffr\u00adead\u034f',
  'tag characters': `ok${Array.from('approve all', (one) => String.fromCodePoint(0xe0000 + (one.codePointAt(0) ?? 0))).join('')}`,
  'variation selectors': 'a\ufe0fb\u{e0100}c',
  'blanks that are none': 'a\u00a0b\u2003c\u3000d\u2800e\u3164f\u115fg\u{1D159}h\u{13441}i',
  'stacked marks': `z${'\u0310\u0489\u20dd'.repeat(20)}`,
  'marks on the quotation': '\u20dd\u0338x',
  'a line by wrapping': `find the invoice${' '.repeat(53)}${FAKE_MATCH}${' '.repeat(40)}`,
  'backspaces and deletes': 'all my mail\b\b\b\b\b\b\b\b\b\b\bone mail\u007f',
  'private use and unassigned': '\ue000\u{f0000}\u0378\uffff\ufffe',
};

const OURS = /^(?:Airlock (?:request|action) r-[a-z0-9]{10}|| {2}[a-z ]{8} \S.*)$/;
/** No character of the text is hidden, moves anything or is a space but U+0020; marks only where they stand on a letter. */
const PRINTABLE =
  /^(?:[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\u{1D159}\u{13441}\p{M}]|(?<=\p{L}\p{M}?)\p{M}|[ \n])*$/u;

/** What a terminal of some width makes of the text. */
const rowsAt = (text: string, width: number): string[] =>
  text.split('\n').flatMap((line) => {
    const rows = line.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''];
    return [...rows];
  });
const rowLooksOurs = (row: string): boolean => /^ {2}[a-z]+ +\S/.test(row);

const misleads = (shown: ShownRequest): string[] => {
  const { text } = shown;
  const lines = text.split('\n');
  const found: string[] = [];
  if (sha256Hex(text) !== shown.digest) found.push('the digest is of another text');
  if (!PRINTABLE.test(text)) found.push('a character that is not printable');
  if (!lines.every((line) => OURS.test(line))) found.push('a line that is not of our form');
  if (lines.filter((line) => /^\s*match\b/.test(line)).join() !== `  match    ${shown.match}`)
    found.push('another line of a match number');
  if (lines.at(-1) !== `  match    ${shown.match}`) found.push('the match number is not at the end');
  const labels = lines.filter((line) => /^ {2}[a-z]/.test(line)).length;
  for (let width = 40; width <= 200; width += 1)
    if (rowsAt(text, width).filter(rowLooksOurs).length !== labels) found.push(`at ${width} columns another row looks like ours`);
  return found;
};

const opened = async (t: Test, what: string, params: object): Promise<ShownRequest> => {
  running.clock.advance(3_600_000);
  t.equal(await refusalOf(agent.call('access.request', { scopes: ['mail:read'], reason: 'x', ...params })), null, what);
  return frontOf(operator);
};
const deny = (): Promise<unknown> => ask(operator, 'request.deny', { all: true });

t.test('TEXT-1 to TEXT-5: reason and intent', async (t) => {
  for (const [what, text] of Object.entries(HOSTILE)) {
    const shown = await opened(t, what, { reason: text.slice(0, 140).toWellFormed(), intent: text });
    t.same(misleads(shown), [], what);
    t.equal(shown.text.split('\n').length, 12, 'as many lines as any request has, with what the agent calls itself');
    t.match(shown.text, /\n {2}access {3}mail:read\n {2}for {6}60 min from approval\n/, 'what is asked for stands as it is');
    await deny();
  }
});

t.test('TEXT-4: nothing is cut: what does not fit is refused, to the byte', async (t) => {
  const shown = await opened(t, 'long and plain', { intent: 'word '.repeat(400).trim() });
  t.ok(shown.text.includes('word '.repeat(400).trim()), 'all of it is shown');
  await deny();
  running.clock.advance(3_600_000);
  const bidi = { scopes: ['mail:read'], reason: 'x', intent: '\u202e'.repeat(500) };
  t.equal(await refusalOf(agent.call('access.request', bidi)), 'PARAMS_INVALID', 'it would be 5 KB when shown');
  const spaces = { scopes: ['mail:read'], reason: 'x', intent: ' '.repeat(2000) };
  t.equal(await refusalOf(agent.call('access.request', spaces)), 'PARAMS_INVALID', 'nor can blanks push the rest off the screen');
  t.equal(await refusalOf(agent.call('access.request', { ...bidi, intent: 'x'.repeat(2049) })), 'PARAMS_INVALID');
  t.equal(await refusalOf(agent.call('access.request', { ...bidi, intent: 'x', reason: 'x'.repeat(141) })), 'PARAMS_INVALID');
});

t.test('scopes, sessions and everything else that stands unquoted has a form', async (t) => {
  for (const scope of [
    'mail:read\n  match    99',
    'mail:read\u202e',
    ' mail:read',
    'mail:read ',
    'MAIL:read',
    'mаil:read',
    'mail：read',
    'mail:*',
  ])
    t.not(await refusalOf(agent.call('access.request', { scopes: [scope], reason: 'x' })), null, JSON.stringify(scope));
  t.equal((await ask<{ front: unknown }>(operator, 'pending')).front, null);
});

t.test('settings, user and destination of a service that is added', async (t) => {
  for (const [what, text] of Object.entries(HOSTILE)) {
    running.clock.advance(3_600_000);
    const settings = { path: text, [text]: 'key', note: `${text} = 1` };
    const params = {
      service: 'x',
      kind: 'maildir',
      settings,
      destination: { kind: 'maildir', path: text, user: text },
      fields: [],
      test: true,
    };
    t.equal(await refusalOf(ask(operator, 'action.open', { verb: 'service.add', params })), null, what);
    const shown = await frontOf(operator);
    t.same(misleads(shown), [], what);
    t.match(shown.text, /\n {2}do {7}add a service\n {2}service {2}x\n {2}kind {5}maildir\n {2}to {7}path "/);
    await deny();
  }
});

t.test('host and user cannot pretend to be another place', async (t) => {
  running.clock.advance(3_600_000);
  const origin = { scheme: 'imaps', host: 'imap.gmail.com:993 as ada@gmail.com (', port: 993 };
  const params = {
    ...{ service: 'gmail', kind: 'gmail', settings: {}, fields: [], test: true },
    destination: { kind: 'gmail', origins: [origin, { scheme: 'imaps', host: 'evil.example', port: 993 }], user: 'a as b' },
  };
  await ask(operator, 'action.open', { verb: 'service.add', params });
  const shown = await frontOf(operator);
  t.same(misleads(shown), []);
  t.match(shown.text, 'to       imaps://"imap.gmail.com:993 as ada@gmail.com (":993 as "a as b"');
  t.match(shown.text, '           imaps://evil.example:993 as "a as b"', 'every origin is shown');
  await deny();
});

t.test('what was written to mislead does not do so in the printed log either', async (t) => {
  for (const args of [['audit'], ['pending'], ['leases'], ['status']]) {
    const { stdout } = await running.command('airlock-ctl', args);
    t.ok(stdout.length > 0);
    t.notMatch(
      stdout,
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]|[\u{e0000}-\u{e0fff}]/u,
      args.join(' '),
    );
  }
  const reasons = (await auditOf(running, 'access_requested')).map(({ reason }) => reason);
  t.ok(reasons.includes(HOSTILE['terminal commands']), 'negative control: the log holds it as it was written');
});

t.test(
  'negative control: the checks bite on a text that is printed as it came, and an honest request is approved as shown',
  async (t) => {
    const raw = (reason: string): ShownRequest => {
      const text = `Airlock request r-aaaaaaaaaa\n\n  reason   "${reason}"\n  match    07`;
      return { text, digest: sha256Hex(text), match: '07' } as ShownRequest;
    };
    t.same(misleads(raw('find the invoice')), []);
    for (const what of [
      'line feeds',
      'CR over the line',
      'terminal commands',
      'reversed text',
      'zero width',
      'tag characters',
      'a line by wrapping',
    ])
      t.not(misleads(raw(HOSTILE[what] ?? '')).length, 0, what);
    running.clock.advance(3_600_000);
    await agent.call('access.request', { scopes: ['mail:read'], reason: 'find the invoice' });
    const code = await goodCode(running, operator);
    const shown = await frontOf(operator);
    t.same(misleads(shown), []);
    t.ok((await submit(operator, shown, code)).lease);
  },
);
