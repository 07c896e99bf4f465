// Attack: arguments that make no sense, to every command. Exit status of the table, error and hint, and nothing changed. ERR-5.
import { addMailbox, startTestInstance, type CommandResult, type Running } from '@airlock/testkit';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

let running: Running;
t.before(async () => {
  running = await startTestInstance({ cells: 2 });
  await addMailbox(running);
});
t.teardown(() => running.stop());

type Program = 'airlock-ctl' | 'airlock';

/** Commands as they are typed, with arguments no command can take. */
const CTL: readonly (readonly string[])[] = [
  [],
  ['nosuch'],
  ['--nosuch'],
  ['status', '--nosuch'],
  ['status', 'extra'],
  ['approve', 'abc'],
  ['approve', '12345'],
  ['approve', '123456789'],
  ['approve', '１２３４５６'],
  ['approve', '123456', '--match', 'x'],
  ['approve', '123456', '--request', 'nosuch'],
  ['approve', '123456', '--nosuch'],
  ['approve', '123456', '654321'],
  ['deny', 'nosuch'],
  ['deny', 'r-aaaaaaaaaa'],
  ['deny', '--reason'],
  ['pending', 'x'],
  ['leases', 'x'],
  ['revoke'],
  ['revoke', 'nosuch'],
  ['revoke', 'a b'],
  ['revoke', '../../x'],
  ['lock', 'x'],
  ['unlock', 'x'],
  ['service', 'nosuch'],
  ['service', 'add'],
  ['service', 'add', 'nosuch'],
  ['service', 'add', 'maildir'],
  ['service', 'add', 'maildir', '--set', 'path'],
  ['service', 'add', 'maildir', '--set', 'path=relative'],
  ['service', 'add', 'maildir', '--set', 'path=/a/../b'],
  ['service', 'add', 'maildir', '--set', 'nosuch=1'],
  ['service', 'add', 'maildir', '--name', 'Not A Name', '--set', 'path=/tmp'],
  ['service', 'add', 'maildir', '--name', 'x'.repeat(33), '--set', 'path=/tmp'],
  ['service', 'add', 'maildir', '--set', `path=/${'x'.repeat(60_000)}`],
  ['service', 'add', 'maildir', '--set', 'path=/a\nb'],
  ['service', 'add', 'imap', '--set', 'host=a b', '--set', 'user=x'],
  ['service', 'add', 'imap', '--set', 'host=x', '--set', 'user=x', '--set', 'port=99999'],
  ['service', 'remove'],
  ['service', 'remove', 'nosuch'],
  ['service', 'test', 'nosuch'],
  ['credentials', 'add'],
  ['credentials', 'add', 'nosuch'],
  ['credentials', 'add', 'mail'],
  ['credentials', 'get', 'nosuch'],
  ['credentials', 'get', 'mail', 'nosuch'],
  ['credentials', 'remove', 'nosuch'],
  ['run'],
  ['run', 'mail'],
  ['run', 'nosuch', 'list_messages'],
  ['run', 'mail', 'list_messages', '-p', '{'],
  ['run', 'mail', 'list_messages', '-p', '[]'],
  ['run', 'mail', 'list_messages', '--ttl', '0'],
  ['run', 'mail', 'list_messages', '--ttl', 'x'],
  ['audit', 'yesterday'],
  ['audit', '--last', 'x'],
  ['audit', '--last', '-1d'],
  ['audit', '--last', '99999d'],
  ['audit', 'verify', 'x'],
  ['lockout', 'clear'],
  ['lockout', 'clear', 'nosuch'],
  ['role', 'add'],
  ['role', 'add', 'Bad Name'],
  ['totp', 'nosuch'],
  ['completion'],
  ['completion', 'tcsh'],
  ['help', 'nosuch'],
  ['status', `--${'x'.repeat(5000)}`],
];

const AGENT: readonly (readonly string[])[] = [
  ['nosuch'],
  ['--nosuch'],
  ['request'],
  ['request', 'mail:read'],
  ['request', '', '--reason', 'x'],
  ['request', 'nosuch:read', '--reason', 'x'],
  ['request', 'mail:nosuch', '--reason', 'x'],
  ['request', 'mail:write', '--reason', 'x'],
  ['request', 'mail:read', '--reason', ''],
  ['request', 'mail:read', '--reason', 'x'.repeat(141)],
  ['request', 'mail:read', '--reason', 'x', '--ttl', '0'],
  ['request', 'mail:read', '--reason', 'x', '--ttl', 'x'],
  ['request', 'MAIL', '--reason', 'x'],
  ['request', 'a:b:c:d', '--reason', 'x'],
  ['request', ...Array.from({ length: 17 }, () => 'mail:read'), '--reason', 'x', '--nosuch'],
  ['wait'],
  ['wait', 'nosuch'],
  ['wait', 'r-aaaaaaaaaa'],
  ['call'],
  ['call', 'mail'],
  ['call', 'mail', 'list_messages', '-p', '{'],
  ['call', 'mail', 'list_messages'],
  ['call', 'mail', 'list_messages', '--lease', 'al1.x.y'],
  ['--lease', 'nosuch', 'call', 'mail', 'list_messages'],
  ['call', 'nosuch', 'x', '-p', '[]'],
  ['services', 'x'],
  ['status', 'x'],
  ['lease', 'narrow'],
  ['lease', 'narrow', 'nosuch', '--scope', 'mail:read'],
  ['lease', 'nosuch'],
  ['release', 'x'],
  ['mcp', 'nosuch'],
  ['--role', 'nosuch', 'status'],
  ['--role', 'Bad Role', 'status'],
  ['--socket', '/nonexistent.sock', 'status'],
  ['--socket', '/etc/passwd', 'status'],
  ['--socket', '', 'status'],
  ['--socket', '/'.repeat(5000), 'status'],
  ['completion', 'tcsh'],
  ['help', 'nosuch'],
  ['request', `mail:read:${'x'.repeat(60_000)}`, '--reason', 'x'],
];

/** Exit statuses of docs/spec/errors.md that a bad argument may have. */
const ALLOWED = new Set([1, 2, 3, 4, 5, 6]);

const stateNow = async (): Promise<string> => {
  const parts = await Promise.all(
    [['pending'], ['leases'], ['service', 'list'], ['credentials', 'list']].map((args) =>
      running.command('airlock-ctl', [...args, '--json']),
    ),
  );
  const vault = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default');
  const files = readdirSync(vault).map((file) => `${file} ${statSync(join(vault, file)).mtimeMs}`);
  return JSON.stringify([...parts.map(({ stdout }) => stdout), files]);
};

const isErrorValue = ({ json }: CommandResult): boolean => {
  const error = (json as { error?: { code?: unknown; message?: unknown; hint?: unknown } } | null)?.error;
  return (
    typeof error?.code === 'string' && typeof error.message === 'string' && typeof error.hint === 'string' && error.hint !== ''
  );
};

/** What only a program can follow: members of an error, methods and fields of the wire. */
const FOR_PROGRAMS = /`|field named|\bparams\.|\baccess\.[a-z]|\bservices\.list|retryAfterMs|send hello|list first/;

const problemOf = (json: CommandResult, human: CommandResult | null): string | null => {
  if (!ALLOWED.has(json.status)) return `status ${json.status}`;
  if (!isErrorValue(json)) return `--json printed ${json.stdout.slice(0, 200) || 'nothing'}; ${json.stderr.slice(0, 200)}`;
  if (/^ {4}at /m.test(json.stderr)) return 'a stack';
  if (human === null) return null;
  if (json.status !== human.status) return `status ${json.status} with --json, ${human.status} without`;
  if (!/^airlock: error: .+/m.test(human.stderr)) return `no error line: ${human.stderr.slice(0, 300)}`;
  if (!/^airlock: hint: .+/m.test(human.stderr)) return `no hint line: ${human.stderr.slice(0, 300)}`;
  const hint = /^airlock: hint: (.+)/m.exec(human.stderr)?.[1] ?? '';
  if (FOR_PROGRAMS.test(hint)) return `a hint for programs: ${hint}`;
  if (/^ {4}at /m.test(human.stderr)) return 'a stack';
  return null;
};

const all = async (
  t: { ok: (value: boolean, name: string) => unknown },
  program: Program,
  commands: readonly (readonly string[])[],
  env: Record<string, string> = {},
): Promise<void> => {
  for (let at = 0; at < commands.length; at += 4) {
    await Promise.all(
      commands.slice(at, at + 4).map(async (args) => {
        const json = await running.command(program, ['--json', ...args], { stdin: '', env });
        // The form for people is the same code; every fifth keeps this short.
        const human = commands.indexOf(args) % 5 === 0 ? await running.command(program, args, { stdin: '', env }) : null;
        const problem = problemOf(json, human);
        t.ok(problem === null, `${program} ${args.map((one) => one.slice(0, 40)).join(' ')}: ${problem ?? String(json.status)}`);
      }),
    );
  }
};

t.test('airlock-ctl', async (t) => {
  const before = await stateNow();
  await all(t, 'airlock-ctl', CTL);
  t.equal(await stateNow(), before, 'nothing changed');
});

t.test('airlock', async (t) => {
  const before = await stateNow();
  await all(t, 'airlock', AGENT);
  t.equal(await stateNow(), before, 'nothing changed');
});

t.test('no sockets, or a directory that is none: exit 5 and the remedy', async (t) => {
  for (const dir of ['/nonexistent', running.dir]) {
    for (const args of [
      ['status'],
      ['pending'],
      ['approve', '123456'],
      ['lock'],
      ['leases'],
      ['service', 'list'],
      ['audit', 'verify'],
    ]) {
      const result = await running.command('airlock-ctl', [...args, '--json'], { env: { AIRLOCK_RUNTIME_DIR: dir } });
      t.equal(result.status, 5, `${args.join(' ')} in ${dir}: ${result.stdout}`);
    }
    const agent = await running.command('airlock', ['status', '--json'], { env: { AIRLOCK_RUNTIME_DIR: dir } });
    t.equal(agent.status, 5, agent.stdout);
    t.match(agent.json, { error: { code: 'UNAVAILABLE', hint: /.+/ } });
  }
});

t.test('negative control: the same harness on commands that make sense finds no error', async (t) => {
  for (const args of [['status'], ['pending'], ['leases'], ['service', 'list']]) {
    const json = await running.command('airlock-ctl', ['--json', ...args]);
    t.not(problemOf(json, await running.command('airlock-ctl', args)), null, args.join(' '));
    t.equal(json.status, 0);
  }
});
