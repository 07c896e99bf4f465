import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConnectorManifest, Json } from '@airlock/protocol';
import { Ajv } from 'ajv';
import t from 'tap';
import { connector } from '../src/index.js';
import { openImapSession } from '../src/imap/session.js';
import { imapContext, loopback, maildirContext, refused } from './context.js';
import { startImapDouble } from '@airlock/testkit';
import { fillMaildir } from './mail-fixture.js';

const directory = join(import.meta.dirname, '../../manifests');
const manifests = new Map(
  readdirSync(directory).map((file) => {
    const manifest = JSON.parse(readFileSync(join(directory, file), 'utf8')) as ConnectorManifest;
    return [manifest.kind, manifest] as const;
  }),
);
const manifestOf = (kind: string): ConnectorManifest => {
  const manifest = manifests.get(kind);
  if (!manifest) throw new Error(`no manifest ${kind}`);
  return manifest;
};

const TOOLS = {
  list_folders: 'list_mail_folders',
  list_messages: 'list_emails',
  search: 'search_emails',
  get_message: 'get_email',
  get_attachment: 'get_email_attachment',
  count_unread: 'count_unread',
};
const WRITES = { save_draft: 'save_email_draft', send_message: 'send_email' };

t.test('four kinds, the same operations, reading but for those that write and send', async (t) => {
  t.same([...manifests.keys()].sort(), ['gmail', 'icloud', 'imap', 'maildir']);
  for (const { kind, operations, module } of manifests.values()) {
    t.equal(module, 'mail');
    t.same(
      Object.fromEntries(operations.map(({ name, tool }) => [name, tool])),
      kind === 'maildir' ? TOOLS : { ...TOOLS, ...WRITES },
      kind,
    );
    const reading = operations.filter(({ name }) => !(name in WRITES));
    t.ok(
      reading.every((operation) => operation.class === 'read' && !operation.outward),
      'MAIL-2',
    );
    t.ok(reading.every(({ name, untrusted }) => untrusted || name === 'count_unread'));
    for (const { name, class: of, outward } of operations.filter((one) => one.name in WRITES))
      t.same([of, outward], ['write', name === 'send_message'], `${kind} ${name}`);
  }
});

t.test('schemas are strict, and only gmail has query', async (t) => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  for (const { kind, operations, settings } of manifests.values()) {
    t.equal(settings['additionalProperties'], false);
    ajv.compile(settings);
    for (const { params, result, name } of operations) {
      t.equal(params['additionalProperties'], false, `${kind} ${name}`);
      ajv.compile(params);
      ajv.compile(result);
    }
    const search = operations.find(({ name }) => name === 'search');
    t.equal('query' in (search?.params['properties'] as object), kind === 'gmail', kind);
  }
});

t.test('the credential forms take what providers hand out', async (t) => {
  const fits = (kind: string, typed: string): boolean => {
    const field = manifestOf(kind).credential.fields['password'];
    return new RegExp(field?.pattern ?? '^$').test(field?.strip === 'spaces' ? typed.replace(/\s/g, '') : typed);
  };
  t.ok(fits('gmail', 'abcd efgh ijkl mnop') && fits('icloud', 'abcd-efgh-ijkl-mnop') && fits('imap', 'pass word ü'));
  t.notOk(fits('gmail', 'my real password') || fits('icloud', 'abcd') || fits('imap', 'a\nb'));
  t.same(manifestOf('maildir').credential.fields, {});
});

t.test('what the operations return is what the manifests say, and they refuse the same ghosts', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'airlock-manifest-')), 'Maildir');
  mkdirSync(path);
  fillMaildir(path);
  t.teardown(() => rmSync(join(path, '..'), { recursive: true, force: true }));
  const structure = '(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 5 1) ("APPLICATION" "PDF" ("NAME" "a.pdf") NIL NIL "BASE64" 8) "MIXED")';
  const double = await startImapDouble({
    messages: [{ uid: 4, headers: 'From: a@b\r\nSubject: x', structure, sections: { '1': 'hello', '2': 'aGVsbG8=' } }],
  });
  t.teardown(() => double.stop());
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  for (const [kind, session] of [
    ['maildir', await connector.open(maildirContext(path))],
    ['imap', await openImapSession(imapContext(loopback(double.port)))],
  ] as const) {
    const context = { signal: new AbortController().signal, constraints: {} };
    const params: Record<string, Json> = {};
    for (const { name, params: schema, result } of manifestOf(kind).operations.filter((one) => !(one.name in WRITES))) {
      const own = Object.fromEntries(Object.entries(params).filter(([field]) => field in (schema['properties'] as object)));
      const answer = await session.execute(name, own, context);
      const validate = ajv.compile(result);
      t.ok(validate(answer.result), `${kind} ${name} ${JSON.stringify(validate.errors)}`);
      t.ok(Number.isInteger(answer.count));
      await refused(t, session.execute(name, { ...own, ghost: 1 }, context), 'PARAMS_INVALID', `${kind} ${name} ghost`);
      if (name !== 'list_messages') continue;
      const { messages } = answer.result as { messages: readonly { id: string; attachments: readonly { part: string }[] }[] };
      const found = messages.find(({ attachments }) => attachments.length > 0);
      params['id'] = found?.id ?? '';
      params['part'] = found?.attachments[0]?.part ?? '';
    }
    await session.close();
  }
});
