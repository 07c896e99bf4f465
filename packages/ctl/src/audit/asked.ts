/**
 * What `audit verify` was told to check, read whole before anything is looked at.
 *
 * AUDIT-33  what does not go together is refused: nothing that was given is left out of account.
 */
import { AirlockError } from '@airlock/protocol';
import { listOption, textOption, type Invocation } from '../commands/command.js';
import type { Context } from '../context.js';
import { parseKept, type Kept } from './kept-heads.js';
import { LOGS, namedLog, type LogName } from './sources.js';
import { keysFor, type Keys } from './verify-keys.js';

export interface Asked {
  /** Path of an export. */
  readonly bundle?: string;
  /** Directory of copied files. */
  readonly dir?: string;
  /** The one log that is asked for. */
  readonly log?: LogName;
  readonly kept: readonly Kept[];
  readonly keys: Keys;
}

/** Flags that say nothing of an export, which names its logs itself. */
const NOT_OF_BUNDLES = ['dir', 'log'] as const;

/** @throws AirlockError PARAMS_INVALID */
const refuseBeside = (invocation: Invocation): void => {
  const beside = NOT_OF_BUNDLES.filter((name) => textOption(invocation, name) !== undefined).map((name) => `--${name}`);
  const [field] = beside;
  if (field === undefined) return;
  throw new AirlockError('PARAMS_INVALID', `${beside.join(' and ')}: found beside BUNDLE, allowed: without`, {
    field,
    expected: 'audit verify BUNDLE [--head HEAD] [--key FILE]',
    found: beside.join(', '),
    hint: 'an export is checked by itself: leave them out, or leave out BUNDLE to check the daemons or copied files',
  });
};

/** @throws AirlockError PARAMS_INVALID */
export const parseAsked = (context: Context, invocation: Invocation): Asked => {
  const [bundle] = invocation.args;
  if (bundle !== undefined) refuseBeside(invocation);
  const [dir, log] = [textOption(invocation, 'dir'), namedLog(invocation)];
  return {
    ...(bundle === undefined ? {} : { bundle }),
    ...(dir === undefined ? {} : { dir }),
    ...(log === undefined ? {} : { log }),
    kept: parseKept(listOption(invocation, 'head')),
    keys: keysFor(context, listOption(invocation, 'key')),
  };
};

/** The logs to read, that of the gateway first (AUDIT-30). */
export const logsOf = ({ log }: Asked): readonly LogName[] => (log === undefined ? LOGS : [log]);
