/** totp setup|verify|reset and lockout clear: the phone. */
import { AirlockError, type EnrolBeginResult, type EnrolCodeResult } from '@airlock/protocol';
import { approveAction, checkCode } from '../action.js';
import { ask, findOperator, withRoot, withTotp, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { tellError } from '../setup/questions.js';
import { colorQr, qr } from '../terminal/qr.js';
import type { Command, Invocation } from './command.js';

/** A drift a person should mend, though codes still work. */
const DRIFT_WORTH_TELLING_S = 20;

/** The secret for those who cannot scan, in groups of four. */
export const secretText = ({ secret }: Pick<EnrolBeginResult, 'secret'>): string =>
  `Scan this with your authenticator app, or type the secret:\n  ${secret.match(/.{1,4}/g)?.join(' ') ?? secret}`;

const enrolmentText = ({ secret, recoveryCodes }: EnrolBeginResult): string =>
  [
    secretText({ secret }),
    '',
    'Recovery codes: each allows one re-enrolment, nothing else. Write them down now; they are not shown again.',
    ...recoveryCodes.map((code, index) => `  ${String(index + 1).padStart(2)}  ${code}`),
  ].join('\n');

/** What the human needs once: QR, secret and recovery codes. The QR sets its own colours on a terminal. */
const enrolmentDisplay = (context: Context, begun: EnrolBeginResult): string =>
  `${(context.color ? colorQr : qr)(begun.otpauth)}\n\n${enrolmentText(begun)}\n`;

const showEnrolment = (context: Context, begun: EnrolBeginResult): void =>
  context.terminal.out(context.json ? `${JSON.stringify(begun)}\n` : enrolmentDisplay(context, begun));

const lineOf = async (context: Context, what: string): Promise<string> => {
  const text = await context.terminal.secret(`${what}: `);
  if (text !== null && text.trim() !== '') return text.trim();
  throw new AirlockError('PARAMS_INVALID', `${what}: found nothing, allowed: one line on stdin`, {
    field: what,
    expected: 'one line on stdin',
    found: 'nothing',
  });
};

type Sender = (code: string) => Promise<EnrolCodeResult>;

const isMistyped = (error: unknown): error is AirlockError =>
  error instanceof AirlockError &&
  (error.code === 'CODE_REJECTED' || (error.code === 'PARAMS_INVALID' && error.data.field === 'CODE'));

/**
 * Gives codes until enrolment is complete or input ends; after a rejected one the next is read.
 * @throws AirlockError CODE_REJECTED where the input ended with a rejected one
 */
export const giveCodes = async (context: Context, send: Sender): Promise<EnrolCodeResult> => {
  let result: EnrolCodeResult = { enrolled: false, codesNeeded: 2, driftS: 0 };
  let rejected: AirlockError | null = null;
  while (!result.enrolled) {
    if (context.terminal.isTerminal && rejected === null)
      note(
        context,
        result.codesNeeded === 2 ? 'Type the code your phone shows now.' : 'Good. Now wait for the next code and type that one.',
      );
    const text = await context.terminal.secret('code: ');
    if (text === null || text.trim() === '') break;
    try {
      result = await send(checkCode(text.trim()));
      rejected = null;
    } catch (error) {
      if (!isMistyped(error)) throw error;
      rejected = error;
      tellError(context, error);
      continue;
    }
    if (Math.abs(result.driftS) >= DRIFT_WORTH_TELLING_S)
      note(
        context,
        `airlock: the phone's clock is about ${Math.abs(result.driftS)} s ${result.driftS > 0 ? 'ahead' : 'behind'}: set it to network time`,
      );
  }
  if (rejected !== null) throw rejected;
  return result;
};

const rootSender =
  (link: Link, operator: string): Sender =>
  (code) =>
    ask<EnrolCodeResult>(link, 'enrol.code', { operator, code });

const setup = async (context: Context, { options }: Invocation): Promise<void> => {
  const operator = findOperator(context);
  const secret =
    options['secretStdin'] === true ? { secret: (await lineOf(context, 'secret')).replaceAll(/[\s=]/g, '').toUpperCase() } : {};
  await withRoot(context, async (link) => {
    const begun = await ask<EnrolBeginResult>(link, 'enrol.begin', { operator, ...secret });
    showEnrolment(context, begun);
    if (!context.terminal.isTerminal || context.json) {
      note(context, 'airlock: nothing counts yet: give two codes in a row with: airlock-ctl totp verify');
      return;
    }
    const { enrolled } = await giveCodes(context, rootSender(link, operator));
    note(context, enrolled ? 'airlock: enrolled' : 'airlock: not finished; go on with: airlock-ctl totp verify');
  });
};

const verify = async (context: Context): Promise<number> => {
  const operator = findOperator(context);
  const result = await withRoot(context, (link) => giveCodes(context, rootSender(link, operator)));
  print(
    context,
    result,
    result.enrolled
      ? 'enrolled: codes of this phone now approve'
      : `not yet: ${result.codesNeeded} more code${result.codesNeeded === 1 ? '' : 's'}, of consecutive steps`,
  );
  return result.enrolled ? 0 : 4;
};

/** Old phone (an approved action) or a recovery code, then a new secret and two of its codes. */
const reset = async (context: Context, { options }: Invocation): Promise<number> => {
  const recovery = options['recovery'] === true ? await lineOf(context, 'recovery code') : null;
  const result = await withTotp(context, async (link) => {
    const ticket =
      recovery === null
        ? await approveAction(context, link, { verb: 'totp.reset', params: {} })
        : (await ask<{ ticket: string }>(link, 'reset.recover', { recoveryCode: recovery })).ticket;
    const begun = await ask<EnrolBeginResult>(link, 'enrol.begin', { ticket });
    showEnrolment(context, begun);
    return giveCodes(context, (code) => ask<EnrolCodeResult>(link, 'enrol.code', { code }));
  });
  note(
    context,
    result.enrolled
      ? 'airlock: the new phone approves from now on; the old one does not'
      : 'airlock: not finished: the old phone still approves',
  );
  return result.enrolled ? 0 : 4;
};

const lockoutClear = async (context: Context, { args }: Invocation): Promise<void> => {
  const [channel = ''] = args;
  const operator = findOperator(context);
  await withRoot(context, (link) => ask(link, 'lockout.clear', { operator, channel }));
  print(context, { cleared: channel }, `codes from channel ${channel} are looked at again`);
};

export const TOTP_COMMANDS: readonly Command[] = [
  {
    name: 'totp setup',
    summary: 'show a new secret as QR and text (root); counts only after two codes in a row',
    flags: [{ flags: '--secret-stdin', summary: 'use the secret on stdin (base32)' }],
    run: setup,
  },
  {
    name: 'totp verify',
    summary: 'give the codes that complete an enrolment (root)',
    flags: [{ flags: '--code-stdin', summary: 'codes are lines of stdin' }],
    run: verify,
  },
  {
    name: 'totp reset',
    summary: 'enrol a new phone, with a code of the old one or a recovery code',
    flags: [{ flags: '--recovery', summary: 'the old phone is lost: a recovery code is read instead' }],
    run: reset,
  },
  {
    name: 'lockout clear',
    args: '<channel>',
    summary: 'look at codes again after too many wrong ones (root): terminal or relay',
    run: lockoutClear,
  },
];
