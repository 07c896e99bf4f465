// Every command of airlock-ctl and airlock once: exit status, the shape of --json (interfaces.md), and text for people.
import {
  addFixture,
  codeAt,
  openSession,
  startWithFixture,
  TEST_SECRET,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import t from 'tap';

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const TOKEN = 'a-token-to-keep';

let running: Running;
t.before(async () => {
  running = await startWithFixture();
});
t.teardown(() => running.stop());

type Program = 'airlock-ctl' | 'airlock';
const json = (program: Program, args: readonly string[], stdin = ''): Promise<CommandResult> =>
  running.command(program, [...args, '--json'], { stdin });
const withCode = (args: readonly string[], before = ''): Promise<CommandResult> =>
  json('airlock-ctl', args, `${before}${running.freshCode()}\n`);

type Test = Parameters<Extract<Parameters<typeof t.test>[0], (t: never) => unknown>>[0];

/** Both forms of a command that changes nothing: a JSON value of this shape, and text that is no JSON. */
const bothForms = async (t: Test, program: Program, args: readonly string[], shape: unknown, text: RegExp): Promise<void> => {
  const value = await json(program, args);
  t.equal(value.status, 0, `${program} ${args.join(' ')}: ${value.stdout}${value.stderr}`);
  t.match(value.json, shape, `${program} ${args.join(' ')} --json`);
  t.equal(value.stdout.trimEnd().split('\n').length, 1, 'one value on one line');
  const human = await running.command(program, args);
  t.equal(human.status, 0, human.stderr);
  t.match(human.stdout, text, `${program} ${args.join(' ')}`);
  t.throws(() => JSON.parse(human.stdout) as unknown, 'text for people is no JSON');
};

t.test('services and credentials', async (t) => {
  await addFixture(running, { name: 'mine', token: TOKEN });
  await bothForms(
    t,
    'airlock-ctl',
    ['service', 'list'],
    [{ service: 'mine', kind: 'fixture', fields: ['token'], updatedAt: ISO }],
    /mine +fixture/,
  );
  await bothForms(
    t,
    'airlock-ctl',
    ['service', 'kinds'],
    [{ connector: 1, kind: /.+/, title: /.+/ }],
    /fixture[\s\S]*gmail|gmail[\s\S]*fixture/,
  );
  await bothForms(
    t,
    'airlock-ctl',
    ['credentials', 'list'],
    [{ service: 'mine', fields: ['token'], updatedAt: ISO }],
    /mine +token/,
  );
  t.match(await withCode(['service', 'test', 'mine']), { status: 0, json: { ok: true, service: 'mine' } });
  t.match(await withCode(['credentials', 'add', 'mine', '--stdin'], `${TOKEN}-2\n`), {
    status: 0,
    json: { service: 'mine', fields: ['token'] },
  });
  const got = await running.command('airlock-ctl', ['credentials', 'get', 'mine', 'token'], {
    stdin: `${running.freshCode()}\n`,
  });
  t.equal(got.stdout, `${TOKEN}-2\n`, 'the value alone, to be piped on');
  t.match(await withCode(['credentials', 'remove', 'mine']), { status: 0 });
  t.match((await json('airlock-ctl', ['credentials', 'list'])).json, []);
  t.match(await withCode(['credentials', 'add', 'mine', '--stdin'], `${TOKEN}\n`), { status: 0 });
});

t.test('ask, look, approve, call, give back', async (t) => {
  const asked = await json('airlock', ['request', 'mine:read', '--reason', 'to see', '--ttl', '10']);
  t.match(asked, { status: 0, json: { request: /^r-/, status: 'pending', match: /^\d\d$/, expiresAt: ISO } }, asked.stdout);
  const { request, match } = asked.json as { request: string; match: string };
  const shape = {
    ...{ id: request, kind: 'lease', operator: 'default', role: 'default', scopes: ['mine:read'], reason: 'to see' },
    ...{ intent: null, match, createdAt: ISO, expiresAt: ISO, digest: /^[0-9a-f]{64}$/, summary: /.+/ },
  };
  await bothForms(t, 'airlock-ctl', ['pending'], { front: shape, waiting: [] }, /reason +"to see"/);
  const approved = await json('airlock-ctl', ['approve', running.freshCode(), '--request', request, '--match', match]);
  t.match(approved, {
    status: 0,
    json: { request, lease: { id: /.+/, role: 'default', scopes: ['mine:read'], expiresAt: ISO } },
  });
  t.notMatch(approved.stdout, /al1\./, 'never the token');
  const waited = await json('airlock', ['wait', request]);
  t.match(waited, { status: 0, json: { status: 'approved' } }, waited.stdout + waited.stderr);
  await bothForms(
    t,
    'airlock-ctl',
    ['leases'],
    [{ id: /.+/, role: 'default', session: /.+/, scopes: ['mine:read'], issuedAt: ISO, expiresAt: ISO }],
    /mine:read/,
  );
  await bothForms(t, 'airlock', ['services'], [{ service: 'mine', kind: 'fixture' }], /mine/);
  await bothForms(t, 'airlock', ['status'], { role: 'default', leases: [{ scopes: ['mine:read'] }] }, /mine:read/);
  const called = await json('airlock', ['call', 'mine', 'echo', '-p', '{"text":"hello"}']);
  t.match(
    called,
    { status: 0, json: { result: { text: 'hello' }, meta: { audit: Number, masked: 0, truncated: false, risk: 0 } } },
    called.stdout,
  );
  const narrowed = await json('airlock', ['lease', 'narrow', '--scope', 'mine:read:echo', '--ttl', '1']);
  t.equal(narrowed.status, 0, narrowed.stdout + narrowed.stderr);
  t.match(narrowed.stdout, /al1\./);
  t.equal((await json('airlock', ['release'])).status, 0);
  t.same((await json('airlock-ctl', ['leases'])).json, []);
  t.equal((await json('airlock', ['call', 'mine', 'echo'])).status, 4, 'without a lease');
});

t.test('what cannot be meant is refused, whatever waits', async (t) => {
  t.match(await json('airlock-ctl', ['approve', 'abc']), {
    status: 2,
    json: { error: { code: 'PARAMS_INVALID', field: 'CODE' } },
  });
  t.match(
    await json('airlock-ctl', ['approve', '123456']),
    { status: 1, json: { error: { code: 'NOT_FOUND' } } },
    'nothing waits',
  );
  const both = await json('airlock-ctl', ['deny', '--all', 'r-k3m9qz7w2p']);
  t.match(both, { status: 2, json: { error: { code: 'PARAMS_INVALID', found: 'both' } } });
});

t.test('the line above the code says what it is for', async (t) => {
  const asked = (await json('airlock', ['request', 'mine:read', '--reason', 'x', '--intent', 'long '.repeat(200)])).json as {
    request: string;
  };
  const read = await running.command('airlock-ctl', ['approve'], { stdin: '\n' });
  t.equal(read.stderr.trim().split('\n').at(-3), `airlock: the code is for ${asked.request} (default): mine:read for 60 min`);
  t.same((await json('airlock-ctl', ['deny', '--all'])).json, { denied: [asked.request] });
  running.clock.advance(600_000);
});

t.test('deny, revoke, lock, unlock, run', async (t) => {
  const agent = await openSession(running);
  const ask = async (ttlS: number): Promise<string> =>
    (await agent.call<{ request: string }>('access.request', { scopes: ['mine:read'], reason: 'x', ttlS })).request;
  const denied = await ask(60);
  t.same((await json('airlock-ctl', ['deny', denied, '--reason', 'no'])).json, { denied: [denied] });
  running.clock.advance(90_000);
  t.same((await json('airlock-ctl', ['revoke', '--all'])).json, { revoked: [] });
  t.same((await json('airlock-ctl', ['lock'])).json, { locked: true });
  t.same((await withCode(['unlock'])).json, { locked: false });
  const ran = await withCode(['run', 'mine', 'echo', '-p', '{"text":"once"}', '--ttl', '1']);
  t.match(ran, { status: 0, json: { result: { text: 'once' } } }, ran.stdout + ran.stderr);
  t.same((await json('airlock-ctl', ['leases'])).json, [], 'the lease of a run is given back');
  agent.close();
});

t.test('status, audit, doctor', async (t) => {
  const lockout = { terminal: { locked: false, triesLeft: Number }, relay: { locked: false } };
  await bothForms(
    t,
    'airlock-ctl',
    ['status'],
    {
      enrolled: true,
      locked: false,
      totp: { up: true, nextStepInS: Number },
      gateway: { up: true },
      queue: 0,
      leases: 0,
      services: 1,
      lockout,
      isolation: 'none',
    },
    /totp +up[\s\S]*isolation/,
  );
  await bothForms(
    t,
    'airlock-ctl',
    ['audit', '--event', 'lease_issued'],
    [{ seq: Number, ts: ISO, event: 'lease_issued', prev: /^[0-9a-f]{64}$/ }],
    /lease_issued/,
  );
  await bothForms(
    t,
    'airlock-ctl',
    ['policy', 'list'],
    { digest: /^[0-9a-f]{64}$/, policies: [], staged: null },
    /strict +preset/,
  );
  await bothForms(t, 'airlock-ctl', ['policy', 'show', 'strict'], { id: 'strict', requireIdentity: true }, /writes-ask/);
  await bothForms(t, 'airlock-ctl', ['policy', 'check'], [], /no policy file in/);
  await bothForms(t, 'airlock-ctl', ['policy', 'reload'], { outcome: 'unchanged', problem: null }, /nothing has changed/);
  await bothForms(
    t,
    'airlock-ctl',
    ['policy', 'test', 'default', 'mine', 'echo'],
    { decision: 'allow', policy: 'lease', rule: 'lease-scope' },
    /allowed \(policy lease/,
  );
  await bothForms(
    t,
    'airlock-ctl',
    ['policy', 'rehearse', 'policies/read-only.json', '--last', '1d'],
    { changes: [], replayed: Number, unknown: 0 },
    /nothing would have been decided otherwise/,
  );
  await bothForms(t, 'airlock-ctl', ['audit', 'verify'], { ok: true, records: Number, checkpoints: Number }, /whole/);
  const doctor = await json('airlock-ctl', ['doctor']);
  t.match(
    doctor.json,
    { ok: Boolean, checks: [{ id: /.+/, ok: Boolean, found: /.*/, expected: /.*/ }] },
    doctor.stdout.slice(0, 400),
  );
  t.match(await json('airlock-ctl', ['lockout', 'clear', 'terminal']), { status: 0 });
  t.match((await json('airlock-ctl', ['role', 'list'])).status, 0);
});

t.test('help, exit codes, errors, completion, version', async (t) => {
  for (const [program, args, text] of [
    ['airlock-ctl', ['help'], /Usage: airlock-ctl/],
    ['airlock-ctl', ['help', 'exit-codes'], /7 +/],
    ['airlock-ctl', ['help', 'errors'], /CODE_REJECTED/],
    ['airlock-ctl', ['help', 'approve'], /--match/],
    ['airlock-ctl', ['completion', 'bash'], /complete/],
    ['airlock-ctl', ['completion', 'zsh'], /compdef/],
    ['airlock-ctl', ['completion', 'fish'], /complete -c/],
    ['airlock-ctl', ['--version'], /^\d+\.\d+\.\d+\n$/],
    ['airlock', ['help', 'exit-codes'], /7 +/],
    ['airlock', ['--help'], /Usage: airlock/],
    ['airlock', ['completion', 'bash'], /complete/],
    ['airlock', ['--version'], /^\d+\.\d+\.\d+\n$/],
  ] as const) {
    const result = await running.command(program, args);
    t.equal(result.status, 0, args.join(' '));
    t.match(result.stdout, text, args.join(' '));
  }
});

t.test('a new phone: reset with a code of the old one, and remove what was added', async (t) => {
  const removed = await withCode(['service', 'remove', 'mine']);
  t.match(removed, { status: 0, json: { removed: 'mine' } }, removed.stdout);
  const code = codeAt(TEST_SECRET, running.clock.wallMs());
  const used = await json('airlock-ctl', ['totp', 'reset'], `${code}\n`);
  t.equal(used.status, 4, 'negative control: the code of the step before does not do');
});
