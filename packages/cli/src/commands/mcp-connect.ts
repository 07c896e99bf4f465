/** `airlock mcp connect CLIENT` and `disconnect CLIENT`: the entry in the client's own configuration. */
import { AirlockError, isAirlockError } from '@airlock/client';
import type { Change, Edit, Target } from '@airlock/mcp/clients';
import type { Flag, Invocation } from '@airlock/protocol/command';
import { randomBytes } from 'node:crypto';
import { thisProcess, withLock } from '../config-file/lock.js';
import { becomeOwner } from '../config-file/owner.js';
import { readConfigFile, type ConfigFile } from '../config-file/read.js';
import { backupOf, ensureDirectory, readBackup, replaceConfigFile } from '../config-file/replace.js';
import type { Context } from '../context.js';
import { printable, printNote, printResult } from '../output.js';
import type { Command } from './command.js';
import { clients, launchOf, targetOf } from './mcp-target.js';

/** A client that writes its file all the time would keep us for ever. */
const MAX_ATTEMPTS = 20;

type Decide = (file: ConfigFile) => Edit;

interface Done {
  readonly change: Change;
  readonly before: ConfigFile;
  readonly text: string | null;
}

const isSame = ({ text }: ConfigFile, edit: Edit): boolean => edit.change === 'none' || edit.text === text;

const restless = (path: string): AirlockError =>
  new AirlockError('UNAVAILABLE', `${path} was changed by another program each time`, {
    hint: 'nothing was written; quit the client, then try again',
  });

/** Under the lock: reads, decides and replaces, again and again until nobody came between. */
const change = (file: string, decide: Decide): Done => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const before = readConfigFile(file);
    const edit = decide(before);
    if (isSame(before, edit) || replaceConfigFile(before, edit.text)) return { change: edit.change, before, text: edit.text };
  }
  throw restless(file);
};

const apply = async (context: Context, file: string, decide: Decide): Promise<Done> => {
  const first = readConfigFile(file);
  const edit = decide(first);
  if (isSame(first, edit)) return { change: edit.change, before: first, text: edit.text };
  ensureDirectory(first.path);
  const held = { timers: context.timers, holder: thisProcess(), token: randomBytes(6).toString('hex') };
  return withLock(first.path, () => change(file, decide), held);
};

const COLOURS: Readonly<Record<string, string>> = { '+': '\u001b[32m', '-': '\u001b[31m', '@': '\u001b[36m' };

/** Line ends and tabs as they are, everything else invisible made visible; colours on a terminal. */
const shownDiff = (diff: string, hasColour: boolean): string =>
  diff
    .split('\n')
    .map((line) => line.replace(/\r$/, '').split('\t').map(printable).join('\t'))
    .map((line) =>
      hasColour && COLOURS[line[0] ?? ''] !== undefined ? `${COLOURS[line[0] ?? ''] ?? ''}${line}\u001b[39m` : line,
    )
    .join('\n')
    .trimEnd();

const preview = async (context: Context, target: Target, decide: Decide): Promise<void> => {
  const { unifiedDiff } = await clients();
  const before = readConfigFile(target.file);
  const edit = decide(before);
  const diff = isSame(before, edit) ? '' : unifiedDiff(before.text, edit.text, before.path);
  const value = { client: target.client.name, file: before.path, name: target.name, change: edit.change, dryRun: true, diff };
  const hasColour = context.output.hasColour && process.stdout.isTTY;
  printResult(context.output, value, () => (diff === '' ? 'nothing would change' : shownDiff(diff, hasColour)));
};

/** Whose entry is in the way, and what would stand there instead. */
const showBoth = (context: Context, thrown: unknown): void => {
  if (context.output.isJson || !isAirlockError(thrown) || thrown.data.field !== 'NAME') return;
  printNote(context.output, `there: ${printable(thrown.data.found ?? '')}`);
  printNote(context.output, `ours:  ${printable(thrown.data.expected ?? '')}`);
};

const report = (context: Context, target: Target, done: Done, said: string, next: string | null): void => {
  const isChanged = !isSame(done.before, done);
  const backup = isChanged && done.before.text !== null ? backupOf(done.before.path) : null;
  const value = { client: target.client.name, file: done.before.path, name: target.name, change: done.change, backup, next };
  const lines = [said, ...(backup === null ? [] : [`before: ${printable(backup)}`]), ...(next === null ? [] : [`next: ${next}`])];
  printResult(context.output, value, () => lines.join('\n'));
};

const SAID: Readonly<Record<Change, string>> = {
  none: 'is connected already; nothing changed',
  added: 'connected',
  updated: 'connected anew',
  replaced: 'connected in place of what was there',
  removed: 'disconnected',
};

const run = async (context: Context, target: Target, invocation: Invocation, decide: Decide): Promise<Done | null> => {
  const owner = becomeOwner(target.file);
  if (owner !== null) printNote(context.output, `as ${printable(owner)}, whose place it is: ${printable(target.file)}`);
  try {
    if (invocation.options['dryRun'] !== true) return await apply(context, target.file, decide);
    await preview(context, target, decide);
    return null;
  } catch (thrown) {
    showBoth(context, thrown);
    throw thrown;
  }
};

export const connect = async (context: Context, invocation: Invocation): Promise<void> => {
  const target = await targetOf(context, invocation);
  const { connectEdit } = await clients();
  const launch = launchOf(context, target.client.name);
  const done = await run(context, target, invocation, ({ text }) => connectEdit(text ?? '', target, launch));
  if (!done) return;
  const next = done.change === 'none' ? null : `${target.client.next}; then ask it for airlock_status (here: airlock status)`;
  report(context, target, done, `${target.client.title} ${SAID[done.change]} (${printable(done.before.path)})`, next);
};

export const disconnect = async (context: Context, invocation: Invocation): Promise<void> => {
  const target = await targetOf(context, invocation);
  const { disconnectEdit } = await clients();
  const done = await run(context, target, invocation, ({ path, text }) =>
    text === null ? { change: 'none', text } : disconnectEdit(text, target, readBackup(path)),
  );
  if (!done) return;
  const said = done.change === 'none' ? 'was not connected; nothing changed' : SAID.removed;
  const gone = done.change === 'removed' && done.text === null ? '; the file held nothing else and is gone' : '';
  report(context, target, done, `${target.client.title} ${said} (${printable(done.before.path)})${gone}`, null);
};

/** Flags that say which entry in which file. */
export const SPOT_FLAGS: readonly Flag[] = [
  { flags: '--name <entry>', summary: 'name of the entry (airlock)' },
  { flags: '--project', summary: 'the configuration of the project in this directory' },
  { flags: '--config <path>', summary: 'another configuration file' },
];

const EDIT_FLAGS: readonly Flag[] = [
  ...SPOT_FLAGS,
  { flags: '--force', summary: 'also where the entry of this name is another server' },
  { flags: '--dry-run', summary: 'show the difference and write nothing' },
];

export const MCP_CONNECT: Command = {
  name: 'mcp connect',
  args: '<client>',
  summary: 'put airlock into the configuration of an MCP client',
  flags: EDIT_FLAGS,
  run: connect,
};

export const MCP_DISCONNECT: Command = {
  name: 'mcp disconnect',
  args: '<client>',
  summary: 'take it out again',
  flags: EDIT_FLAGS,
  run: disconnect,
};
