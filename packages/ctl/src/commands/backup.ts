/** backup, restore and rotate: keys for life (docs/spec/backup.md). */
import { AirlockError } from '@airlock/protocol';
import { newRecoveryKey, parseRecoveryKey, readBackupHeader, RECOVERY_KEY_GROUPS, recoveryKeyGroups, wipe } from '@airlock/vault';
import { randomInt } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { approveAction } from '../action.js';
import { acceptAnew, type LeftOut } from '../backup/collect.js';
import {
  makeBackup,
  requireNew,
  requireRestorable,
  stageBackup,
  tellKept,
  type MadeBackup,
  type StagedBackup,
} from '../backup/make.js';
import { MAX_BACKUP_BYTES } from '../backup/restorable.js';
import { openBackupFile, restoreBackup, type OpenedBackup, type Restored } from '../backup/restore.js';
import { remarksOf } from '../backup/rules-in-force.js';
import { withRoot, withTotp, type Context } from '../context.js';
import { note, print } from '../output.js';
import { tellError } from '../setup/questions.js';
import { endUnread, requireReader } from '../terminal/shown-once.js';
import type { Command, Invocation } from './command.js';

const TRIES = 3;

const pathOf = ({ args }: Invocation): string => resolve(args[0] ?? '');

const WHICH_CODE = [
  'This key decrypts the backup and approves nothing. Codes of the phone approve and decrypt nothing.',
  'The ten recovery codes enrol a new phone, on a machine that runs or was restored, and decrypt nothing.',
].join('\n');

const keyText = (path: string, groups: readonly string[]): string =>
  [
    `Recovery key of ${path}. Write it down now: it is not shown again, and nothing opens the backup without it.`,
    '',
    `  ${groups.slice(0, RECOVERY_KEY_GROUPS / 2).join('-')}`,
    `  ${groups.slice(RECOVERY_KEY_GROUPS / 2).join('-')}`,
    '',
    WHICH_CODE,
    '',
  ].join('\n');

/** The human proves that the key was written down: one group, at random. @throws AirlockError PARAMS_INVALID */
const typedBack = async ({ terminal }: Context, groups: readonly string[]): Promise<void> => {
  const index = randomInt(groups.length);
  for (let tries = 0; tries < TRIES; tries += 1) {
    const typed = await terminal.secret(`group ${index + 1} of the key: `);
    if (typed === null) break;
    if (typed.trim().toUpperCase() === groups[index]) return;
    terminal.err(`That is not group ${index + 1}. Look again.\n`);
  }
  throw new AirlockError('PARAMS_INVALID', 'the recovery key was not typed back, so no backup was written', {
    field: `group ${index + 1}`,
    expected: 'five characters of the key',
    found: 'others',
    hint: 'run it again; it draws a new key',
  });
};

/** BACKUP-8. */
const leftOutText = (leftOut: readonly LeftOut[]): string =>
  [
    'left out, to be accepted anew on the next machine (restore says it again):',
    ...leftOut.map((one) => `  ${acceptAnew(one)}`),
  ].join('\n');

const printMade = (context: Context, path: string, groups: readonly string[], made: MadeBackup): void => {
  const { file, header, services, leftOut } = made;
  const names = services.map(({ service }) => service);
  const done = `backup ${header.generation} of ${header.operators.join(', ')} with ${names.length} services is in ${path}; take it off this machine`;
  const said = leftOut.length === 0 ? done : `${done}\n${leftOutText(leftOut)}`;
  const value = { file: path, ...{ generation: header.generation, made: header.made, operators: header.operators } };
  const left = leftOut.map((one) => ({ ...one, hint: acceptAnew(one) }));
  print(
    context,
    { ...value, services: names, leftOut: left, bytes: file.length, recoveryKey: groups.join('-') },
    context.terminal.isTerminal ? said : `${keyText(path, groups)}${said}`,
  );
};

/** BACKUP-10: nobody can read the key. */
const unread = (path: string, staged: StagedBackup, code: string): string => {
  staged.discard();
  return [
    `airlock: error: the recovery key is lost: stdout cannot be written (${code}), and no backup counts as kept`,
    `airlock: hint: ${existsSync(path) ? `remove ${path}, which nobody can open, and ` : ''}run it again where stdout is read`,
  ].join('\n');
};

const backup = async (context: Context, invocation: Invocation): Promise<void> => {
  const path = pathOf(invocation);
  requireNew(path);
  requireReader('the recovery key');
  await requireRestorable(context);
  const key = newRecoveryKey();
  try {
    const groups = recoveryKeyGroups(key);
    const made = await makeBackup(context, key);
    const staged = stageBackup(path, made.file);
    const wasRead = endUnread((code) => unread(path, staged, code));
    try {
      if (context.terminal.isTerminal && !context.json) {
        context.terminal.out(`${keyText(path, groups)}\n`);
        await typedBack(context, groups);
      }
      staged.keep();
      printMade(context, path, groups, made);
      // Last: a file whose key was never printed must not take the place of the one before it.
      await tellKept(context, made.header.generation);
    } finally {
      staged.discard();
      wasRead();
    }
  } finally {
    wipe(key);
  }
};

const noFile = (path: string, found: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${path}: found ${found}, allowed: a backup of at most ${MAX_BACKUP_BYTES} bytes`, {
    field: 'FILE',
    expected: 'a file that airlock-ctl backup wrote',
    found,
    hint: 'sudo airlock-ctl restore FILE',
  });

const readFileOnce = (path: string): Buffer => {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (thrown) {
    throw noFile(path, (thrown as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : 'a file that cannot be opened');
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw noFile(path, 'no ordinary file');
    if (stat.size > MAX_BACKUP_BYTES) throw noFile(path, `${stat.size} bytes`);
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
};

const keyNeeded = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'no recovery key was given', {
    field: 'recovery key',
    expected: 'one line on stdin',
    found: 'nothing',
    hint: 'type the key that was printed with the backup',
  });

/** At a terminal a mistyped group is typed again. @throws AirlockError PARAMS_INVALID, VAULT_UNREADABLE */
const openWithKey = async (context: Context, file: Buffer): Promise<{ opened: OpenedBackup; key: Buffer }> => {
  for (let tries = 1; ; tries += 1) {
    const text = await context.terminal.secret('recovery key: ');
    if (text === null || text.trim() === '') throw keyNeeded();
    try {
      const key = parseRecoveryKey(text);
      return { opened: openBackupFile(file, key), key };
    } catch (error) {
      const isTyped = error instanceof AirlockError && error.code === 'PARAMS_INVALID';
      if (!isTyped || !context.terminal.isTerminal || tries >= TRIES) throw error;
      tellError(context, error);
    }
  }
};

const restoredText = ({ generation, made, operators, services, config, byHand, ...rules }: Restored): string =>
  [
    `restored backup ${generation} of ${made}: ${operators.join(', ')} with ${services.join(', ') || 'no service'}`,
    'Codes of the phone of then approve from now on; where it is lost, a recovery code enrols another: airlock-ctl totp reset --recovery',
    'Every lease of before is dead. The record begins anew and names the heads of the old one: airlock-ctl audit --event restored',
    ...(config.length === 0 ? [] : [`configuration put back: ${config.join(', ')}`]),
    ...remarksOf(rules),
    ...(byHand.length === 0 ? [] : ['of the old machine, to be set up again:', ...byHand.map((line) => `  ${line}`)]),
  ].join('\n');

const restore = async (context: Context, invocation: Invocation): Promise<void> => {
  const path = pathOf(invocation);
  const file = readFileOnce(path);
  const { made, generation, operators } = readBackupHeader(file);
  // Whether this is root at all is said before anybody types a key.
  await withRoot(context, () => Promise.resolve());
  note(context, `airlock: ${path} says of itself: backup ${generation}, made ${made}, of ${operators.join(', ')}`);
  const { opened, key } = await openWithKey(context, file);
  try {
    const result = await restoreBackup(context, opened, key, invocation.options['force'] === true);
    print(context, result, restoredText(result));
  } finally {
    wipe(key);
  }
};

const rotate = async (context: Context, { options }: Invocation): Promise<void> => {
  const endLeases = options['endLeases'] === true;
  await withTotp(context, (link) => approveAction(context, link, { verb: 'rotate', params: endLeases ? { endLeases } : {} }));
  const leases = endLeases ? 'every lease has ended (agents ask again)' : 'leases that live go on until their own end';
  print(
    context,
    { rotated: true, leases: endLeases ? 'ended' : 'kept' },
    `the keys are changed: ${leases}, record keys are being wrapped for the new epoch`,
  );
};

export const BACKUP_COMMANDS: readonly Command[] = [
  {
    name: 'backup',
    args: '<file>',
    summary: 'write an encrypted backup (root); its recovery key is shown once',
    run: backup,
  },
  {
    name: 'restore',
    args: '<file>',
    summary: 'put a backup onto this machine (root), with the key that was printed',
    flags: [{ flags: '--force', summary: 'replace a phone that is enrolled here, after a code of it' }],
    run: restore,
  },
  {
    name: 'rotate',
    summary: 'change lease key and record keys; leases that live go on',
    flags: [{ flags: '--end-leases', summary: 'end every lease of every operator: for a key that others may know' }],
    run: rotate,
  },
];
