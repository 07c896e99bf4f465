/** A hostile program in the host: each harm ends in its refusal, and harms no other call. UPSTREAM-1, -4 to -9, -11 to -13. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AirlockError } from '@airlock/protocol';
import t, { type Test } from 'tap';
import type { McpSession } from '../src/contract.js';
import { connector } from '../src/index.js';
import { deadline, openHost, openProgram, programContext, quiet, refusal, talking } from './support.js';

const SERVER = join(import.meta.dirname, 'hostile-server.js');

const open = (t: Test, harm: string, more: Parameters<typeof openProgram>[1] = { argv: [] }): McpSession =>
  openProgram(t, { ...more, argv: [process.execPath, SERVER, harm] });

const textOf = ({ result }: { result: unknown }): string =>
  (result as { content: readonly { text: string }[] }).content[0]?.text ?? '';

t.test('a harmless one (negative control)', async (t) => {
  const session = open(t, 'none');
  t.same(
    (await session.list()).map(({ operation, problem }) => [operation.name, operation.class, problem]),
    [
      ['fine', 'read', undefined],
      ['change', 'write', undefined],
    ],
  );
  t.match(textOf(await session.execute('fine', {}, quiet())), 'call 1');
});

const REFUSALS: readonly (readonly [harm: string, code: string, found: RegExp])[] = [
  ['huge', 'UPSTREAM_REFUSED', /^too_large$/],
  ['noise', 'UPSTREAM_REFUSED', /^not_mcp$/],
  ['utf8', 'UPSTREAM_REFUSED', /^not_mcp$/],
  ['flood', 'UPSTREAM_REFUSED', /^flood$/],
  ['exit', 'UNAVAILABLE', /^exited_3$/],
  ['protoResult', 'UPSTREAM_REFUSED', /^bad_key$/],
  ['deepResult', 'UPSTREAM_REFUSED', /^too_deep$/],
];

t.test('UPSTREAM-5, UPSTREAM-13: what is too much or cannot be carried is refused', async (t) => {
  for (const [harm, code, found] of REFUSALS) {
    const session = open(t, harm);
    const before = process.memoryUsage().rss;
    await session.list();
    t.match(await refusal(session.execute('fine', {}, quiet())), { code, found }, harm);
    t.ok(process.memoryUsage().rss - before < 200 * 2 ** 20, `${harm}: memory`);
    await session.close();
  }
});

t.test('UPSTREAM-6 an answer counts once and by its exact id', async (t) => {
  const reused = open(t, 'reused');
  await reused.list();
  t.equal(textOf(await reused.execute('fine', {}, quiet())), 'right');
  const twice = open(t, 'twiceAnswered');
  t.equal(textOf(await twice.execute('fine', {}, quiet())), 'first');
  t.equal(textOf(await twice.execute('fine', {}, quiet())), 'first');
  const wrong = open(t, 'wrong');
  await wrong.list();
  t.match(await refusal(wrong.execute('fine', {}, quiet(300))), { code: 'UPSTREAM_TIMEOUT' });
});

t.test('UPSTREAM-11 silence ends by the deadline, is told to the server, and a write of it is unknown', async (t) => {
  const session = open(t, 'silence');
  await session.list();
  t.match(await refusal(session.execute('fine', {}, quiet(200))), { code: 'UPSTREAM_TIMEOUT' });
  const again = open(t, 'silence');
  await again.list();
  t.match(await refusal(again.execute('change', {}, quiet(200))), { code: 'OUTCOME_UNKNOWN' });
  const gone = open(t, 'exit');
  await gone.list();
  t.match(await refusal(gone.execute('change', {}, quiet())), { code: 'OUTCOME_UNKNOWN' });
  const cancelled = new AbortController();
  const late = open(t, 'wrong');
  await late.list();
  const call = refusal(late.execute('fine', {}, { signal: cancelled.signal, constraints: {} }));
  cancelled.abort(new AirlockError('UNAVAILABLE', 'the call was cancelled'));
  t.match(await call, { code: 'UNAVAILABLE' }, 'the reason of whoever cancelled');
  t.same((await late.list()).length, 2, 'the program lives on');
});

t.test('UPSTREAM-12 a program that ends is started again, later and later', async (t) => {
  let nowMs = 0;
  const clock = { wallMs: () => nowMs, bootMs: () => nowMs };
  const session = open(t, 'at-once', { argv: [], clock });
  t.match(await refusal(session.list()), { code: 'UNAVAILABLE', found: 'exited_7' });
  t.match(await refusal(session.list()), { code: 'UNAVAILABLE', found: 'exited_7' }, 'the first time at once');
  t.match(await refusal(session.list()), { code: 'UNAVAILABLE', found: 'held_back', retryAfterMs: 1000 });
  nowMs += 1000;
  t.match(await refusal(session.list()), { found: 'exited_7' });
  t.match(await refusal(session.list()), { found: 'held_back', retryAfterMs: 2000 });
  const crashing = open(t, 'exit');
  await crashing.list();
  await refusal(crashing.execute('fine', {}, quiet()));
  t.equal((await crashing.list()).length, 2, 'and works again');
});

t.test('UPSTREAM-8 lists', async (t) => {
  const problems = async (harm: string): Promise<(string | undefined)[][]> => {
    const session = open(t, harm);
    const listed = await session.list();
    t.match(textOf(await session.execute('fine', {}, quiet())), 'call', `${harm}: the others work`);
    return listed.filter(({ problem }) => problem !== undefined).map(({ operation, problem }) => [operation.name, problem]);
  };
  t.match(await problems('deep'), [['deep', /nested/]]);
  t.match(await problems('giant'), [['giant', /too large/]]);
  t.match(await problems('twice'), [['same', /two tools/]]);
  t.match(await problems('bomb'), [['bomb', /pattern/]]);
  t.match(await problems('remote'), [['remote', /\$ref/]]);
  t.same(await problems('proto'), []);
  const ansi = open(t, 'ansi');
  const listed = await ansi.list();

  t.notMatch(JSON.stringify(listed), /\u001b|\u202e|\\u001b|\u{e0041}/u, 'UPSTREAM-10 nothing hidden leaves');
  t.match(
    listed.map(({ problem }) => problem),
    [undefined, /nobody sees/, /nobody sees/, undefined],
  );
  for (const [harm, found] of [
    ['loop', 'cursor_loop'],
    ['endless', 'too_many_tools'],
    ['many', 'too_many_tools'],
  ] as const)
    t.match(await refusal(open(t, harm).list()), { code: 'UPSTREAM_REFUSED', found }, harm);
  const changing = open(t, 'changing');
  const [one, two] = [await changing.list(), await changing.list()];
  t.not(one[0]?.hash, two[0]?.hash, 'another description is another hash');
});

t.test('UPSTREAM-9 nobody is asked without having said so, and not more than a few at a time', async (t) => {
  const session = open(t, 'asks');
  await session.list();
  const { context, heard } = talking({ capabilities: {} });
  t.equal(textOf(await session.execute('fine', {}, context)), 'asked');
  t.same(heard.asks, []);
  const able = talking({ capabilities: { elicitation: {} } }, () => ({ action: 'decline' }));
  await session.execute('fine', {}, able.context);
  t.ok(able.heard.asks.length > 0 && able.heard.asks.length <= 100, 'negative control');
});

t.test('a banner on standard output, a lone surrogate, ANSI in errors', async (t) => {
  const banner = open(t, 'banner');
  t.equal((await banner.list()).length, 2);
  const surrogate = open(t, 'surrogate');
  t.equal(textOf(await surrogate.execute('fine', {}, quiet())), '\ufffd!');
  const refused = await refusal(banner.execute('mcp_prompts_list', {}, quiet()));
  t.match(refused, { found: 'rpc -32601: \\u{001B}[31mno' });
  t.notMatch(JSON.stringify(refused), 'hunter2', 'UPSTREAM-7 nothing of stderr is in an error');
  t.match(banner.stderr(), 'hunter2', 'negative control: it was written');
});

const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

const untilDead = async (pid: number): Promise<void> => {
  const end = performance.now() + 5000;
  while (isAlive(pid) && performance.now() < end) await new Promise((resolve) => setImmediate(resolve));
};

t.test('UPSTREAM-4 the end of the cell ends a program that ignores signals, and its child', async (t) => {
  const session = open(t, 'stubborn');
  const pids = textOf(await session.execute('fine', {}, quiet()))
    .split(' ')
    .map(Number);
  t.ok(pids.length === 2 && pids.every(isAlive), 'negative control: both live');
  await session.close();
  for (const pid of pids) await untilDead(pid);
  t.notOk(pids.some(isAlive));
});

t.test('UPSTREAM-7 neither a trial nor a call tells what the program wrote to stderr', async (t) => {
  const context = programContext(openHost(t), { argv: [process.execPath, SERVER, 'last-words'] });
  const told: string[] = [];
  const trial = await refusal(connector.test({ ...context, said: (text) => void told.push(text) }));
  t.match(told.join(''), 'hunter2', 'but the operator');
  t.match(trial, { code: 'UNAVAILABLE', found: 'exited_9' });
  t.notMatch(JSON.stringify(trial), 'hunter2');
  t.notMatch(JSON.stringify(await refusal(openProgram(t, { argv: [process.execPath, SERVER, 'last-words'] }).list())), 'hunter2');
});

t.test('a program that is not there', async (t) => {
  const session = openProgram(t, { argv: ['/nonexistent/server'] });
  t.match(await refusal(session.list()), { code: 'UNAVAILABLE', found: 'not_started' });
  const mute = open(t, 'mute');
  const signal = deadline(100);
  t.equal(signal.aborted, false);
  const list = mute.list();
  await mute.close();
  t.match(await refusal(list), { code: 'UNAVAILABLE' }, 'closing ends what waits');
});
