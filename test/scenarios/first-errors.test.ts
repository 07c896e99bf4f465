// Every error a first-time user meets: its code, and its hint run as it stands, after which what failed works.
import {
  approveFront,
  codeAt,
  installFixtureKind,
  sit,
  startTestInstance,
  writeMaildir,
  type CommandResult,
  type Running,
} from '@airlock/testkit';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

type Program = 'airlock' | 'airlock-ctl';
type Test = Parameters<Extract<Parameters<typeof t.test>[0], (t: never) => unknown>>[0];

const start = async (t: Test, enrolled = true): Promise<Running> => {
  const config = mkdtempSync(join(tmpdir(), 'airlock-config-'));
  installFixtureKind(config);
  const running = await startTestInstance({ config, enrolled, cells: 4 });
  t.teardown(async () => {
    await running.stop();
    rmSync(config, { recursive: true, force: true });
  });
  return running;
};

const run = (running: Running, program: Program, args: readonly string[], stdin = ''): Promise<CommandResult> =>
  running.command(program, [...args, '--json'], { stdin });

/** A code that is accepted now, whatever the floor and the last used step are. */
const goodCode = (running: Running): string => {
  running.clock.advance(90_000);
  return codeAt(running.secret, running.clock.wallMs());
};

interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

const refusalOf = (t: Test, result: CommandResult, code: string, what: string): Refusal => {
  const { error } = (result.json ?? {}) as { error?: Refusal };
  t.equal(error?.code, code, `${what}: ${result.stdout}${result.stderr}`);
  t.not(result.status, 0, what);
  return error ?? { code: '', message: '', hint: '' };
};

/** Words in capitals, and dots, stand for what the reader has to fill in. */
interface Filled {
  readonly [word: string]: string;
}

/** The command of ours in a hint, as the reader would type it: what the hint leaves open is filled in, and nothing else. */
const commandIn = (t: Test, hint: string, fill: Filled = {}): { program: Program; args: string[] } => {
  const found = /(?:^|[\s(])(?:sudo )?((airlock-ctl|airlock) [a-z][^;()]*)/.exec(hint)?.[1];
  t.ok(found, `the hint has a command: ${hint}`);
  const words = (found ?? '')
    .trim()
    .split(/\s+/)
    .map((word) => {
      const key = Object.keys(fill).find((one) => word === one || word.endsWith(`=${one}`));
      return key === undefined ? word : `${word.slice(0, word.length - key.length)}${fill[key] ?? ''}`;
    });
  t.notMatch(words.slice(1).join(' '), /(^|[ =])(…|[A-Z]{2,})( |$)/, `all of it is filled in: ${words.join(' ')}`);
  const [program = '', ...args] = words;
  return { program: program as Program, args };
};

const followed = async (t: Test, running: Running, hint: string, fill: Filled = {}, stdin = ''): Promise<CommandResult> => {
  const { program, args } = commandIn(t, hint, fill);
  const result = await run(running, program, args, stdin);
  t.equal(result.status, 0, `the hint followed: ${program} ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  return result;
};

const works = async (t: Test, what: string, act: () => Promise<CommandResult>): Promise<void> => {
  const result = await act();
  t.equal(result.status, 0, `${what}: then it works: ${result.stdout}${result.stderr}`);
};

/** Follows a hint that asks for access, up to the lease. */
const ask = async (t: Test, running: Running, hint: string, scope = 'mine'): Promise<void> => {
  const { args } = commandIn(t, hint, { SERVICE: scope, TEXT: 'because' });
  const waiting = run(running, 'airlock', args);
  for (;;) {
    const pending = await run(running, 'airlock-ctl', ['pending']);
    if ((pending.json as { front: object | null }).front !== null) break;
  }
  running.clock.advance(90_000);
  await approveFront(running);
  t.equal((await waiting).status, 0, `the hint followed: ${args.join(' ')}`);
};

const addMine = (running: Running, name = 'mine', token = 'token'): Promise<CommandResult> =>
  run(
    running,
    'airlock-ctl',
    ['service', 'add', 'fixture', '--name', name, '--set', 'port=9', '--stdin'],
    `${token}\n${goodCode(running)}\n`,
  );

t.test('not enrolled: agents, operator and root are sent to init, which does it', async (t) => {
  const running = await start(t, false);
  const asked = (): Promise<CommandResult> => run(running, 'airlock-ctl', ['pending']);
  const { hint } = refusalOf(t, await asked(), 'NOT_ENROLLED', 'pending');
  const { args } = commandIn(t, hint);
  const recovery = (screen: string): string => / 1 {2}([A-Z2-7-]+)\n/.exec(screen)?.[1] ?? '';
  const phone = (screen: string): string => {
    const secret = (/type the secret:\s+([A-Z2-7 ]+)\n/.exec(screen)?.[1] ?? '').replaceAll(' ', '');
    running.clock.advance(30_000);
    return codeAt(secret, running.clock.wallMs());
  };
  const done = await sit(running, args, [
    [/Enter/, ''],
    [/recovery/, recovery],
    [/^code/, phone],
    [/^Which/, ''],
  ]);
  t.equal(done.status, 0, done.screen);
  await works(t, 'not enrolled', asked);
});

t.test('no daemon: the hint names the unit and the installer', async (t) => {
  const running = await start(t);
  const env = { AIRLOCK_RUNTIME_DIR: join(running.dir, 'none') };
  for (const [program, args, pattern] of [
    ['airlock-ctl', ['pending'], /systemctl status airlock-totp; to install: sudo \.\/install\.sh/],
    ['airlock', ['services'], /airlock-gateway installed and running\?.*airlock-ctl doctor/],
  ] as const) {
    const result = await running.command(program, [...args, '--json'], { env });
    t.equal(result.status, 5);
    t.match(refusalOf(t, result, 'UNAVAILABLE', program).hint, pattern);
    t.equal((await run(running, program, args)).status, 0, 'negative control: where there is one');
  }
});

t.test('codes: wrong, reused, too many wrong ones', async (t) => {
  const running = await start(t);
  await addMine(running);
  const request = async (): Promise<string[]> => {
    const { json } = await run(running, 'airlock', ['request', 'mine', '--reason', `r${running.clock.wallMs()}`]);
    const { request, match } = json as { request: string; match: string };
    return ['--request', request, '--match', match];
  };
  const first = await request();
  const code = goodCode(running);
  const approve = (given: string, which: readonly string[]): Promise<CommandResult> =>
    run(running, 'airlock-ctl', ['approve', given, ...which]);
  const wrong = refusalOf(t, await approve('000000', first), 'CODE_REJECTED', 'wrong');
  t.match(wrong.hint, /^mistyped, already used or too old; next code in \d+ s; 9 tries left/);
  await works(t, 'the code of now', () => approve(code, first));
  const second = await request();
  const reused = refusalOf(t, await approve(code, second), 'CODE_REJECTED', 'reused');
  running.clock.advance(Number(/next code in (\d+) s/.exec(reused.hint)?.[1]) * 1000);
  await works(t, 'after the seconds it names', () => approve(codeAt(running.secret, running.clock.wallMs()), second));
  const third = await request();
  for (let n = 0; n < 9; n += 1) await approve('000000', third);
  const { hint } = refusalOf(t, await approve('000000', third), 'CODE_LOCKED_OUT', 'ten wrong ones');
  refusalOf(t, await approve(goodCode(running), third), 'CODE_LOCKED_OUT', 'a good one is not looked at');
  await followed(t, running, hint);
  await works(t, 'lock-out cleared', () => approve(goodCode(running), third));
});

t.test('services: none, unknown, taken, of an unknown kind, a setting short, without a credential', async (t) => {
  const running = await start(t);
  const ctl = (args: readonly string[], stdin = ''): Promise<CommandResult> => run(running, 'airlock-ctl', args, stdin);
  const none = refusalOf(t, await ctl(['service', 'test', 'mine']), 'SERVICE_UNKNOWN', 'no service');
  const missing = refusalOf(
    t,
    await ctl(commandIn(t, none.hint, { KIND: 'fixture' }).args),
    'PARAMS_INVALID',
    'a setting is missing',
  );
  await followed(t, running, missing.hint, { 'port=…': 'port=9' }, `${goodCode(running)}\n`);
  const bare = refusalOf(
    t,
    await ctl(['service', 'test', 'fixture'], `${goodCode(running)}\n`),
    'VAULT_UNREADABLE',
    'no credential',
  );
  const { args } = commandIn(t, bare.hint);
  await works(t, 'credential', () => ctl([...args, '--stdin'], `token\n${goodCode(running)}\n`));
  await works(t, 'no credential', () => ctl(['service', 'test', 'fixture'], `${goodCode(running)}\n`));
  const kind = refusalOf(t, await ctl(['service', 'add', 'fixtur']), 'PARAMS_INVALID', 'unknown kind');
  t.match((await followed(t, running, kind.hint)).stdout, /"fixture"/);
  const key = refusalOf(
    t,
    await ctl(['service', 'add', 'fixture', '--name', 'b', '--set', 'prt=9']),
    'PARAMS_INVALID',
    'unknown setting',
  );
  t.match(key.message, /allowed: port, dial/);
  const taken = refusalOf(t, await ctl(['service', 'add', 'fixture', '--set', 'port=9']), 'PARAMS_INVALID', 'taken');
  await followed(t, running, taken.hint.replace(/^.*first: /, ''), {}, `${goodCode(running)}\n`);
  await works(t, 'removed first', () => addMine(running, 'fixture'));
  const unknown = refusalOf(t, await run(running, 'airlock', ['request', 'nope', '--reason', 'x']), 'SERVICE_UNKNOWN', 'agent');
  t.equal(unknown.hint, 'ask for one of: fixture');
});

t.test('logins: a wrong password, IMAP switched off, no network, a folder that is not there', async (t) => {
  const running = await start(t);
  for (const found of ['bad_credentials', 'imap_disabled', 'no_network', 'tls', 'other']) {
    const name = found.replace('_', '-');
    const add = ['service', 'add', 'app', '--name', name, '--set', 'port=9', '--stdin'];
    const failed = await run(running, 'airlock-ctl', add, `found-${found}\n\n${goodCode(running)}\n`);
    const { hint } = refusalOf(t, failed, found === 'no_network' ? 'UNAVAILABLE' : 'UPSTREAM_REFUSED', found);
    const { args } = commandIn(t, hint);
    await works(t, found, () =>
      run(running, 'airlock-ctl', [...args, '--stdin'], `abcd efgh ijkl mnop\n\n${goodCode(running)}\n`),
    );
  }
  const path = join(running.dir, 'Mail');
  const folder = await run(
    running,
    'airlock-ctl',
    ['service', 'add', 'maildir', '--set', `path=${path}`],
    `${goodCode(running)}\n`,
  );
  const { hint } = refusalOf(t, folder, 'UNAVAILABLE', 'no such folder');
  t.match(hint, `check that ${path} is there`);
  writeMaildir(path);
  await followed(t, running, hint, {}, `${goodCode(running)}\n`);
});

t.test('leases: none, too narrow, over, revoked; a request denied, expired, locked out', async (t) => {
  const running = await start(t);
  await addMine(running);
  const call = (operation = 'echo'): Promise<CommandResult> => run(running, 'airlock', ['call', 'mine', operation]);
  await ask(t, running, refusalOf(t, await call(), 'LEASE_INVALID', 'no lease').hint, 'mine:read:echo');
  await works(t, 'no lease', call);
  await ask(t, running, refusalOf(t, await call('pid'), 'LEASE_SCOPE', 'another operation').hint);
  await works(t, 'wrong scope', () => call('pid'));
  running.clock.advance(3_600_000);
  await ask(t, running, refusalOf(t, await call(), 'LEASE_EXPIRED', 'over').hint);
  await works(t, 'expired lease', call);
  await run(running, 'airlock-ctl', ['revoke', '--all']);
  await ask(t, running, refusalOf(t, await call(), 'LEASE_REVOKED', 'revoked').hint);
  await works(t, 'revoked lease', call);
  await run(running, 'airlock-ctl', ['lock']);
  const { hint } = refusalOf(t, await call(), 'LOCKED', 'locked');
  await followed(t, running, `as the operator: ${/airlock-ctl unlock/.exec(hint)?.[0] ?? ''}`, {}, `${goodCode(running)}\n`);
  await works(t, 'locked', call);
  const wide = refusalOf(t, await run(running, 'airlock', ['request', 'mine:write', '--reason', 'x']), 'READ_ONLY', 'write');
  t.equal(wide.hint, 'ask for mine:read');
  const { json } = await run(running, 'airlock', ['request', 'mine', '--reason', 'late']);
  running.clock.advance(310_000);
  const late = await run(running, 'airlock', ['wait', (json as { request: string }).request]);
  await ask(t, running, refusalOf(t, late, 'APPROVAL_EXPIRED', 'nobody decided').hint);
});

t.test('one field of a credential: what there is to do instead', async (t) => {
  const running = await start(t);
  const ctl = (args: readonly string[], stdin = ''): Promise<CommandResult> => run(running, 'airlock-ctl', args, stdin);
  const secrets = 'abcd efgh ijkl mnop\na note\n';
  await works(t, 'add', () => ctl(['service', 'add', 'app', '--set', 'port=9', '--stdin'], `${secrets}${goodCode(running)}\n`));
  t.match((await ctl(['credentials', 'list'])).json, [{ fields: ['password', 'note'] }]);
  const optional = refusalOf(t, await ctl(['credentials', 'remove', 'app', 'note']), 'PARAMS_INVALID', 'an optional field');
  const { args } = commandIn(t, optional.hint);
  await works(t, 'sealed anew', () => ctl([...args, '--stdin'], `abcd efgh ijkl mnop\n${goodCode(running)}\n`));
  t.match((await ctl(['credentials', 'list'])).json, [{ fields: ['password'] }]);
  await works(t, 'a single field is the whole', () =>
    ctl(['credentials', 'remove', 'app', 'password'], `${goodCode(running)}\n`),
  );
  const gone = refusalOf(t, await ctl(['credentials', 'get', 'app']), 'NOT_FOUND', 'removed');
  const again = commandIn(t, gone.hint).args;
  await works(t, 'stored again', () => ctl([...again, '--stdin'], `${secrets}${goodCode(running)}\n`));
  const needed = refusalOf(t, await ctl(['credentials', 'remove', 'app', 'password']), 'PARAMS_INVALID', 'a field it needs');
  await followed(t, running, needed.hint, {}, `${goodCode(running)}\n`);
});
