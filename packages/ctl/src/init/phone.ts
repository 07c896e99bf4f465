/** The phone's part of `init`: secret, recovery codes, what the second code approves as well, two codes. */
import { AirlockError, sha256Hex, type Action, type EnrolBeginResult, type EnrolCodeResult } from '@airlock/protocol';
import { giveCodes, secretText } from '../commands/totp.js';
import { ask, withRoot, type Context, type Link } from '../context.js';
import { note } from '../output.js';
import { endOfInput } from '../setup/questions.js';
import { colorQr, qr } from '../terminal/qr.js';
import { writePrivate } from './private-file.js';

/** The command that goes on where this one stopped. */
export const AGAIN = 'sudo airlock-ctl init';

export interface PhoneOptions {
  readonly operator: string;
  /** Base32, for a secret that a phone has already; null: a new one. */
  readonly secret: string | null;
  readonly recoveryCodesFile: string | null;
  readonly actions: readonly Action[];
}

/** With --json stdout is for the one value at the end. */
const show = (context: Context, text: string): void =>
  context.json ? context.terminal.err(`${text}\n`) : context.terminal.out(`${text}\n`);

/** On a terminal of 24 lines one thing at a time. */
const pause = async (context: Context, prompt: string): Promise<void> => {
  if (!context.terminal.isTerminal) return;
  context.terminal.err(prompt);
  if ((await context.terminal.line()) === null) throw endOfInput('the QR code', AGAIN);
};

const showSecret = async (context: Context, begun: EnrolBeginResult): Promise<void> => {
  show(context, (context.color ? colorQr : qr)(begun.otpauth));
  await pause(context, 'Scan this with your authenticator app, then press Enter. ');
  show(context, `${secretText(begun)}\n(An entry from an earlier attempt does not count: delete it in the app.)\n`);
};

/** The human proves that the recovery codes were written down. */
const typedBack = async (context: Context, link: Link, operator: string): Promise<void> => {
  note(context, 'Type one of the recovery codes back, to be sure that they are written down.');
  for (;;) {
    const text = await context.terminal.secret('recovery code: ');
    if (text === null) throw endOfInput('a recovery code typed back', AGAIN);
    const { ok } = await ask<{ ok: boolean }>(link, 'recovery.check', { operator, recoveryCode: text.trim() || '-' });
    if (ok) return;
    note(context, 'That is none of them. Look again.');
  }
};

const keepRecoveryCodes = async (context: Context, link: Link, begun: EnrolBeginResult, options: PhoneOptions): Promise<void> => {
  const { recoveryCodesFile: file, operator } = options;
  if (file !== null) {
    writePrivate(file, `${begun.recoveryCodes.join('\n')}\n`);
    note(context, `airlock: the recovery codes are in ${file}; take them off this machine`);
    return;
  }
  const lines = begun.recoveryCodes.map((code, index) => `  ${String(index + 1).padStart(2)}  ${code}`);
  show(
    context,
    ['Recovery codes: each allows one re-enrolment, nothing else. They are not shown again.', ...lines, ''].join('\n'),
  );
  await typedBack(context, link, operator);
};

/** What the codes are going to approve, read back from airlock-totp. @returns the digest that goes with each code */
const showActions = (context: Context, begun: EnrolBeginResult): string | undefined => {
  if (begun.actions === undefined) return undefined;
  const { text, digest } = begun.actions;
  if (sha256Hex(text) !== digest)
    throw new AirlockError('INTERNAL', 'the text of the enrolment does not have the digest that goes with it', {
      hint: 'give no code; run: airlock-ctl doctor',
    });
  note(context, `${text}\n\nThe next two codes enrol the phone and approve what stands above.`);
  return digest;
};

/**
 * Enrols a phone and hands the tickets of its actions to `use`, on the connection that they belong to.
 * @throws AirlockError PARAMS_INVALID naming the step where the input ended, CODE_REJECTED
 */
export const enrolPhone = <T>(
  context: Context,
  options: PhoneOptions,
  use: (link: Link, tickets: readonly string[]) => Promise<T>,
): Promise<T> =>
  withRoot(context, async (link) => {
    const { operator, secret, actions } = options;
    const begun = await ask<EnrolBeginResult>(link, 'enrol.begin', {
      operator,
      ...(secret === null ? {} : { secret }),
      ...(actions.length === 0 ? {} : { actions }),
    });
    await showSecret(context, begun);
    await keepRecoveryCodes(context, link, begun, options);
    const digest = showActions(context, begun);
    const shown = digest === undefined ? {} : { digest };
    const result = await giveCodes(context, (code) => ask<EnrolCodeResult>(link, 'enrol.code', { operator, code, ...shown }));
    if (!result.enrolled) throw endOfInput(`the ${result.codesNeeded === 2 ? 'first' : 'second'} code`, AGAIN);
    note(context, `airlock: enrolled: codes of this phone approve for ${operator}`);
    return use(link, result.tickets ?? []);
  });
