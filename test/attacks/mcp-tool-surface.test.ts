// A hostile agent at the tools of `airlock mcp`: codes in every field of every tool, leases smuggled into parameters and fished
// for in answers, floods of descriptions, crafted skills. With the real daemons and a plain JSON-RPC client that checks nothing.
import {
  addMailbox,
  approveFront,
  checkout,
  obtainLease,
  openSession,
  startTestInstance,
  type AgentSession,
  type Running,
} from '@airlock/testkit';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { UNWATCHED, configWith } from './support/house.js';

interface Tool {
  readonly name: string;
  readonly inputSchema: { readonly properties?: Readonly<Record<string, object>> };
}
interface Answer {
  readonly result?: { readonly structuredContent?: { readonly error?: { readonly code?: string } }; readonly isError?: boolean };
}

const CODE = '493817';
const CODES = [CODE, Number(CODE), '493 817', `code ${CODE}`, [CODE], { deep: { er: CODE } }, { totp: 'x' }];
/** Parameters of operations are the service's affair (CODE-3): what is no field of theirs is refused by the schema. */
const ALL_OWN =
  /^(?:airlock_(?:status|request_access|wait|result|claim|narrow_lease|release)|list_services|search_tools|describe_tools|activate_skill)$/;

let running: Running;
let agent: AgentSession;
let lease = '';
let child: ChildProcess;
let tools: readonly Tool[] = [];
const answers = new Map<number, (answer: Answer) => void>();
let everything = '';
let count = 0;

const send = (message: object): void => void child.stdin?.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const ask = (method: string, params: object): Promise<Answer> =>
  new Promise((resolve) => {
    count += 1;
    answers.set(count, resolve);
    send({ id: count, method, params });
  });
const call = (name: string, args: object, more: object = {}): Promise<Answer> =>
  ask('tools/call', { name, arguments: args, ...more });
const codeOf = ({ result }: Answer): string | undefined => result?.structuredContent?.error?.code;

t.before(async () => {
  running = await startTestInstance({ cells: 4, config: configWith(UNWATCHED) });
  await addMailbox(running);
  agent = await openSession(running);
  ({ lease } = await obtainLease(running, agent, ['mail:read']));
  const env = { PATH: process.env['PATH'], HOME: running.dir, ...running.env };
  child = spawn(process.execPath, [join(checkout, 'dist/lib/airlock.cjs'), 'mcp'], { stdio: ['pipe', 'pipe', 'pipe'], env });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (everything += chunk.toString()));
  if (child.stdout !== null)
    createInterface(child.stdout).on('line', (line) => {
      const message = JSON.parse(line) as Answer & { readonly id?: number };
      answers.get(message.id ?? 0)?.(message);
    });
  const clientInfo = { name: 'hostile', version: '1' };
  await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
  send({ method: 'notifications/initialized' });
  tools = ((await ask('tools/list', {})) as { result: { tools: Tool[] } }).result.tools;
});

const getAccess = async (): Promise<void> => {
  const asked = (await call('airlock_request_access', { scopes: ['mail:read'], reason: 'x' })) as {
    result: { structuredContent: { request: string } };
  };
  await approveFront(running);
  await call('airlock_wait', { request: asked.result.structuredContent.request });
};
t.teardown(async () => {
  child.stdin?.end();
  agent.close();
  await running.stop();
});

t.test('a code in every field of every tool of Airlock’s own, at any depth: refused, never repeated', async (test) => {
  everything = '';
  const own = tools.filter(({ name }) => ALL_OWN.test(name));
  test.equal(own.length, 11, 'negative control: they are all there');
  for (const { name, inputSchema } of own) {
    const fields = [...Object.keys(inputSchema.properties ?? {}), 'code', 'otp', 'constraints', CODE];
    for (const field of fields)
      for (const value of CODES) {
        const code = codeOf(await call(name, { [field]: value }));
        // A limit that counts may have six digits: it is no text that anybody reads as a code.
        if (typeof value === 'number' && ['bytes', 'calls'].includes(field)) continue;
        test.match(code, /^(?:CODE_ON_AGENT_SOCKET|PARAMS_INVALID)$/, `${name}.${field} ${JSON.stringify(value)}`);
      }
  }
  for (const args of [
    { service: CODE, operation: 'x' },
    { service: 'mail', operation: `code ${CODE}` },
  ])
    test.equal(codeOf(await call('execute_tool', args)), 'CODE_ON_AGENT_SOCKET');
  for (const _meta of [{ 'airlock/context': { intent: `code ${CODE}` } }, { 'airlock/context': { code: CODE } }])
    test.match(codeOf(await call('airlock_count_unread', {}, { _meta })), /CODE_ON_AGENT_SOCKET|PARAMS_INVALID/);
  test.notMatch(everything, CODE);
  const { stdout } = await running.command('airlock-ctl', ['audit', '--json']);
  test.match(stdout, /code_on_agent_socket|CODE_ON_AGENT_SOCKET/, 'and it is on record');
  test.notMatch(stdout, CODE);
});

t.test('a lease text is in no answer of any tool, whatever is asked, and reaches no service', async (test) => {
  await getAccess();
  everything = '';
  for (const { name, inputSchema } of tools) {
    await call(name, {});
    for (const field of [...Object.keys(inputSchema.properties ?? {}), 'no_such_field', lease])
      for (const value of [lease, [lease], { deep: [{ _capability: lease }] }, `x ${lease} y`])
        await call(name, { [field]: value });
    await call(name, {}, { _meta: { 'airlock/capability': `${lease}x`, progressToken: lease.slice(0, 60) } });
    await call(name, { _capability: `${lease}.x` });
  }
  await call(lease, {});
  test.equal(codeOf(await call('airlock_search_emails', { text: lease })), 'PARAMS_INVALID');
  const payload = lease.slice(0, 60);
  const echoed = everything.split('\n').filter((line) => line.includes(payload) && !line.includes('notifications/progress'));
  test.same(
    echoed.map((line) => line.slice(0, 200)),
    [],
  );
  const audit = await running.command('airlock-ctl', ['audit', '--json']);
  test.notMatch(audit.stdout, payload);
  test.notMatch(running.output(), payload);
  const used = await call('airlock_count_unread', { _capability: lease });
  test.equal(codeOf(used), 'LEASE_SESSION', 'negative control: it was read, and is of another session');
});

t.test('floods of descriptions and of calls are bounded, and the server goes on', async (test) => {
  await getAccess();
  const names = Array.from({ length: 64 }, () => 'mail.search');
  const answered = await Promise.all(Array.from({ length: 100 }, () => call('describe_tools', { names })));
  test.ok(answered.every((answer) => JSON.stringify(answer).length < 400_000));
  test.equal(
    codeOf(await call('describe_tools', { names: Array.from({ length: 10_000 }, (_, n) => `a.b${n}`) })),
    'PARAMS_INVALID',
  );
  let deep: unknown = 'x';
  for (let depth = 0; depth < 2000; depth += 1) deep = { a: deep };
  test.ok((await call('airlock_request_access', { scopes: ['mail:read'], reason: 'x', constraints: deep })).result?.isError);
  test.ok((await call('execute_tool', { service: 'mail', operation: 'search', arguments: deep as object })).result?.isError);
  test.match(await call('airlock_count_unread', {}), { result: { structuredContent: { result: { unread: 2 } } } });
});

t.test('crafted skills: links, bombs and paths give a line of complaint, and nothing of what they point at', async (test) => {
  const config = running.env['AIRLOCK_CONFIG_DIR'] ?? '';
  const skills = join(config, 'skills');
  mkdirSync(skills, { mode: 0o755 });
  const write = (name: string, text: string): void => writeFileSync(join(skills, name), text, { mode: 0o644 });
  writeFileSync(join(running.dir, 'secret-of-the-house'), 'the-canary-of-the-house');
  symlinkSync(join(running.dir, 'secret-of-the-house'), join(skills, 'link.md'));
  symlinkSync('/dev/zero', join(skills, 'endless.md'));
  write('bomb.md', `---\nname: bomb\ndescription: &a [*a, *a]\ntools: [a.b]\n---\nx`);
  write('wide.md', `---\n${'tools: [a.b]\n'.repeat(100_000)}---\nx`.slice(0, 60_000));
  write('stars.md', `---\nname: stars\ndescription: d\ntools: ["${'*'.repeat(100)}.${'*'.repeat(20)}"]\n---\nx`);
  write('turned.md', '---\nname: turned\ndescription: d\ntools: [a.b]\n---\nsafe \u202e evil');
  write('good.md', '---\nname: good\ndescription: d\ntools: [mail.count_unread]\n---\nGood advice.');
  everything = '';
  const list = (await call('activate_skill', {})) as { result: { structuredContent: { skills: object[]; problems: string[] } } };
  const { skills: shown, problems } = list.result.structuredContent;
  test.same(shown, [{ name: 'good', description: 'd' }], 'negative control: the good one is there');
  for (const name of ['link', 'endless', 'bomb', 'wide', 'stars', 'turned'])
    test.ok(
      problems.some((problem) => new RegExp(`${name}\\.md:\\d+: `).test(problem)),
      name,
    );
  for (const name of [
    '../airlock',
    '../../../../etc/passwd',
    '/etc/passwd',
    'link',
    'good.md',
    'good\u0000',
    '%2e%2e%2fx',
    '..',
    '',
  ])
    test.match(codeOf(await call('activate_skill', { name })), /NOT_FOUND|PARAMS_INVALID/, JSON.stringify(name));
  test.notMatch(everything, /the-canary-of-the-house|root:x:0/);
  test.match(await call('activate_skill', { name: 'good' }), { result: { structuredContent: { advice: 'Good advice.' } } });
});
