/** init: checks, phone, first service, in one sitting (root). */
import { AirlockError, type ApproveStatus, type EnrolBeginResult, type EnrolCodeResult } from '@airlock/protocol';
import { ask, findOperator, withRoot, withTotp, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { runChecks } from '../doctor/checks.js';
import type { Command } from './command.js';
import { enrolmentDisplay, giveCodes } from './totp.js';

const failedChecks = async (context: Context): Promise<string[]> =>
  (await runChecks(context)).filter(({ ok, id }) => !ok && id !== 'phone').map(({ id, found, fix }) => `${id}: ${found}; ${fix}`);

/** The human proves that the recovery codes were written down. */
const typedBack = async (context: Context, link: Link, operator: string): Promise<void> => {
  note(context, 'Type one of the recovery codes back, to be sure that they are written down.');
  for (;;) {
    const text = await context.terminal.secret('recovery code: ');
    if (text === null)
      throw new AirlockError('PARAMS_INVALID', 'no recovery code was typed back', {
        field: 'recovery code',
        expected: 'one of the ten',
        found: 'nothing',
        hint: 'sudo airlock-ctl init goes on from here',
      });
    const { ok } = await ask<{ ok: boolean }>(link, 'recovery.check', { operator, recoveryCode: text.trim() });
    if (ok) return;
    note(context, 'That is none of them. Look again.');
  }
};

const enrol = async (context: Context, operator: string): Promise<void> =>
  withRoot(context, async (link) => {
    const begun = await ask<EnrolBeginResult>(link, 'enrol.begin', { operator });
    // With --json stdout is for the one value at the end.
    const display = enrolmentDisplay(context, begun);
    if (context.json) context.terminal.err(display);
    else context.terminal.out(display);
    const result = await giveCodes(context, (code) => ask<EnrolCodeResult>(link, 'enrol.code', { operator, code }));
    if (!result.enrolled)
      throw new AirlockError('APPROVAL_EXPIRED', 'the enrolment was not finished', { hint: 'run again: sudo airlock-ctl init' });
    await typedBack(context, link, operator);
  });

const init = async (context: Context): Promise<void> => {
  const operator = findOperator(context);
  const problems = await failedChecks(context);
  for (const problem of problems) note(context, `airlock: warning: ${problem}`);
  const before = await withTotp(context, (link) => ask<ApproveStatus>(link, 'status'));
  if (before.enrolled)
    note(context, `airlock: ${operator} is enrolled already; a new phone is enrolled with: airlock-ctl totp reset`);
  else await enrol(context, operator);
  const next = `next, as ${operator}: airlock-ctl service add gmail   (airlock-ctl service kinds lists the others)`;
  print(context, { enrolled: true, operator, warnings: problems }, `enrolled: ${operator}\n${next}`);
};

export const INIT_COMMANDS: readonly Command[] = [
  { name: 'init', summary: 'check the installation and enrol your phone (root)', run: init },
];
