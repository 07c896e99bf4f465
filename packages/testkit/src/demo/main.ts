/** The demo: the whole loop on an embedded mailbox, with the real daemons, narrated. Leaves nothing running or behind. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTestInstance, type CommandResult, type Running } from '../instance.js';
import { writeMaildir } from '../mailbox.js';

const raw = process.argv.includes('--raw');
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const heading = (number: number, text: string): void => say(`\n${number}. ${text}`);

class DemoFailure extends Error {}

const shown = (arg: string): string => (arg.startsWith('al1.') ? '"$NARROWED"' : /^[\w:./=-]+$/.test(arg) ? arg : `'${arg}'`);
const shownArgs = (args: readonly string[]): string => args.map(shown).join(' ');

/** Runs a command, prints it with what it said, and checks how it ended. */
const step = async (
  at: Running,
  program: 'airlock-ctl' | 'airlock',
  args: readonly string[],
  expected: { status: number; stdin?: string },
): Promise<CommandResult> => {
  const who = program === 'airlock' ? 'agent   ' : 'operator';
  say(`   ${who} $ ${program} ${shownArgs(args)}`);
  const result = await at.command(
    program,
    raw ? [...args, '--json'] : args,
    expected.stdin === undefined ? {} : { stdin: expected.stdin },
  );
  for (const line of `${result.stdout}${raw ? '' : result.stderr}`.trimEnd().split('\n')) say(`            ${line}`);
  if (result.status !== expected.status) {
    throw new DemoFailure(
      `${program} ${shownArgs(args)} ended with ${result.status} instead of ${expected.status}\n${result.stderr}`,
    );
  }
  return result;
};

const value = async <T>(at: Running, program: 'airlock-ctl' | 'airlock', args: readonly string[], status = 0): Promise<T> => {
  const result = await at.command(program, [...args, '--json']);
  if (result.status !== status)
    throw new DemoFailure(`${program} ${shownArgs(args)} ended with ${result.status}\n${result.stderr}`);
  return result.json as T;
};

const wrongCode = (right: string): string => String((Number(right) + 1) % 1_000_000).padStart(6, '0');

/** Changes one byte of the newest segment. */
const tamper = (at: Running): void => {
  const dir = join(at.dir, 'i/state/gateway/audit');
  const segment = readdirSync(dir)
    .filter((file) => file.endsWith('.jsonl'))
    .sort()
    .at(-1);
  if (segment === undefined) throw new DemoFailure('there is no audit segment');
  const path = join(dir, segment);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"list_messages"', '"list_folders_"'));
};

/** What the agent does while the operator looks: asks, and waits for the decision. */
const askAndWait = (
  at: Running,
  reason: string,
): { readonly waiting: Promise<CommandResult>; readonly front: Promise<string> } => {
  const args = ['request', 'mail:read', '--reason', reason, '--ttl', '30', '--wait'];
  say(`   agent    $ airlock ${shownArgs(args)}`);
  const waiting = at.command('airlock', raw ? [...args, '--json'] : args);
  const fronted = async (): Promise<string> => {
    for (;;) {
      const { front } = await value<{ front: { id: string } | null }>(at, 'airlock-ctl', ['pending']);
      if (front) return front.id;
    }
  };
  return { waiting, front: fronted() };
};

const showOutcome = (result: CommandResult, status: number): void => {
  for (const line of `${result.stdout}${raw ? '' : result.stderr}`.trimEnd().split('\n')) say(`            ${line}`);
  if (result.status !== status) throw new DemoFailure(`the agent's request ended with ${result.status}\n${result.stderr}`);
};

const addMailbox = async (at: Running): Promise<void> => {
  const mailbox = join(at.dir, 'mail');
  writeMaildir(mailbox);
  heading(1, 'The operator adds a mailbox. Every change needs a code from the phone.');
  await step(at, 'airlock-ctl', ['service', 'add', 'maildir', '--name', 'mail', '--set', `path=${mailbox}`], {
    status: 0,
    stdin: `${at.freshCode()}\n`,
  });
  heading(2, 'Before any approval the agent gets nothing.');
  await step(at, 'airlock', ['call', 'mail', 'list_messages'], { status: 4 });
};

const askAndApprove = async (at: Running): Promise<void> => {
  heading(3, 'The agent asks; the match number binds what it shows to what the operator sees. A wrong code is refused.');
  const first = askAndWait(at, 'find the invoice of ACME');
  await first.front;
  const code = at.freshCode();
  await step(at, 'airlock-ctl', ['approve', wrongCode(code)], { status: 4 });
  await step(at, 'airlock-ctl', ['approve', code], { status: 0 });
  showOutcome(await first.waiting, 0);

  heading(4, 'A code works once: the same code does not approve another request.');
  const second = askAndWait(at, 'and now everything else');
  const id = await second.front;
  await step(at, 'airlock-ctl', ['approve', code], { status: 4 });
  await step(at, 'airlock-ctl', ['deny', id, '--reason', 'one is enough'], { status: 0 });
  showOutcome(await second.waiting, 4);
};

const useAndNarrow = async (at: Running): Promise<void> => {
  heading(5, 'The approved lease reads mail. It does not write.');
  const list = await step(at, 'airlock', ['call', 'mail', 'list_messages', '-p', '{"limit":3}'], { status: 0 });
  const { result } = await value<{ result: { messages: readonly { id: string }[] } }>(at, 'airlock', [
    'call',
    'mail',
    'list_messages',
    '-p',
    '{"limit":1}',
  ]);
  if (list.stdout === '') throw new DemoFailure('no message was listed');
  await step(at, 'airlock', ['call', 'mail', 'get_message', '-p', JSON.stringify({ id: result.messages[0]?.id ?? '' })], {
    status: 0,
  });
  await step(at, 'airlock', ['request', 'mail:write', '--reason', 'delete the invoice'], { status: 3 });

  heading(6, 'The agent narrows its lease for a sub-agent, offline; nobody can widen it again.');
  const whole = readFileSync(join(at.env['XDG_RUNTIME_DIR'] ?? '', 'airlock/default.lease'), 'utf8').trim();
  say('   agent    $ airlock lease narrow "$LEASE" --scope mail:read:list_messages --calls 1');
  const { lease } = await value<{ lease: string }>(at, 'airlock', [
    'lease',
    'narrow',
    whole,
    '--scope',
    'mail:read:list_messages',
    '--calls',
    '1',
  ]);
  await step(at, 'airlock', ['call', 'mail', 'count_unread', '--lease', lease], { status: 3 });
};

const expireAndTamper = async (at: Running): Promise<void> => {
  heading(7, 'Access ends by itself: thirty-one minutes later (the demo moves its own clock).');
  at.clock.advance(31 * 60_000);
  await step(at, 'airlock', ['call', 'mail', 'list_messages'], { status: 4 });

  heading(8, 'Everything is on the record, and a record that was changed is found out.');
  await step(at, 'airlock-ctl', ['audit', '--event', 'operation'], { status: 0 });
  await step(at, 'airlock-ctl', ['audit', 'verify'], { status: 0 });
  tamper(at);
  say('   (one word of one record is changed on disk)');
  await step(at, 'airlock-ctl', ['audit', 'verify'], { status: 7 });
};

const main = async (): Promise<number> => {
  const started = performance.now();
  say(
    'Airlock demo: real daemons, a real mailbox, one directory, no root. Users are not isolated here; on a workstation they are.',
  );
  const at = await startTestInstance();
  try {
    await addMailbox(at);
    await askAndApprove(at);
    await useAndNarrow(at);
    await expireAndTamper(at);
  } catch (error) {
    process.stderr.write(
      `airlock: error: the demo failed: ${error instanceof Error ? error.message : 'unknown'}\nairlock: hint: run it again with --raw and report what it prints\n`,
    );
    return 1;
  } finally {
    await at.stop();
  }
  say(`\nThat was the whole loop in ${((performance.now() - started) / 1000).toFixed(1)} s. Nothing is left running or behind.`);
  say('Next: sudo ./install.sh   (workstation: agents, operator and daemons under separate users)');
  return 0;
};

void main().then((status) => {
  process.exitCode = status;
});
