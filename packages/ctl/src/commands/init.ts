/**
 * init: checks, phone, services, in one sitting (root). docs/spec/init.md
 *
 * INIT-3  run again it does what is missing and changes nothing that is done; what is there is replaced only when asked to.
 * INIT-4  what the second code approves was shown before it was asked for.
 */
import { AirlockError, type ApproveStatus } from '@airlock/protocol';
import { ask, findOperator, withGateway, withTotp, type Context } from '../context.js';
import { runChecks, type Check } from '../doctor/checks.js';
import { parseAnswers, type Answers } from '../init/answers.js';
import { readSecret } from '../init/credential-answer.js';
import { finish } from '../init/finish.js';
import { AGAIN, enrolPhone } from '../init/phone.js';
import { readPrivate, trustedOwners } from '../init/private-file.js';
import { addApproved, addTicketed, isListable, planServices, type Outcome, type Plan } from '../init/services.js';
import { note } from '../output.js';
import { addAction } from '../setup/draft.js';
import { confirm } from '../setup/questions.js';
import { textOption, type Command, type Invocation } from './command.js';

const readAnswers = (context: Context, file: string | undefined): Answers | null =>
  file === undefined ? null : parseAnswers(readPrivate(file, trustedOwners(context.env)), file);

const tellChecks = (context: Context, checks: readonly Check[]): void => {
  for (const { ok, id, found, fix } of checks)
    if (!ok && id !== 'phone' && id !== 'isolation') note(context, `airlock: warning: ${id}: ${found}; ${fix}`);
};

/** One Linux user for agent and operator is the weaker mode; nobody gets it unasked. */
const checkIsolation = async (context: Context, answers: Answers | null): Promise<void> => {
  const { isolation } = await withGateway(context, (link) => ask<{ isolation: string }>(link, 'status'));
  if (isolation !== 'same-user') return;
  note(
    context,
    'airlock: warning: agent and operator are one Linux user here. An agent can then read what you type, codes included:\n' +
      'it keeps an honest agent within its lease and stops no other. Better: sudo ./install.sh --agent-user NAME (SECURITY.md)',
  );
  if (answers?.acceptsSameUser === true) return;
  if (context.terminal.isTerminal && (await confirm(context, 'Go on in the weaker mode?', 'the weaker mode', AGAIN))) return;
  throw new AirlockError('POLICY_DENIED', 'agent and operator are one user, and nobody accepted that', {
    hint: 'give agents a user of their own: sudo ./install.sh --agent-user NAME; or accept it: same_user: accept in the answers file',
  });
};

const enrolAndAdd = async (
  context: Context,
  operator: string,
  answers: Answers | null,
  plans: readonly Plan[],
): Promise<readonly Outcome[]> => {
  const listed = plans.filter(isListable);
  const owners = trustedOwners(context.env);
  const secret = answers?.secret ? readSecret(answers.secret, owners).replaceAll(/[\s=]/g, '').toUpperCase() : null;
  const options = {
    operator,
    secret,
    recoveryCodesFile: answers?.recoveryCodesFile ?? null,
    actions: listed.map(({ draft }) => addAction(draft)),
  };
  const added = await enrolPhone(context, options, (link, tickets) => addTicketed(context, link, listed, tickets));
  return [
    ...added,
    ...(await addApproved(
      context,
      plans.filter((plan) => !isListable(plan)),
    )),
  ];
};

const init = async (context: Context, invocation: Invocation): Promise<number> => {
  const answers = readAnswers(context, textOption(invocation, 'answers'));
  const operator = findOperator(context);
  tellChecks(context, await runChecks(context));
  const { enrolled } = await withTotp(context, (link) => ask<ApproveStatus>(link, 'status'));
  if (enrolled) note(context, `airlock: ${operator} is enrolled already; a new phone is enrolled with: airlock-ctl totp reset`);
  else await checkIsolation(context, answers);
  const plans = await planServices(context, answers?.services ?? null, trustedOwners(context.env));
  const outcomes = enrolled ? await addApproved(context, plans) : await enrolAndAdd(context, operator, answers, plans);
  return finish(context, { operator, outcomes, checks: await runChecks(context) });
};

export const INIT_COMMANDS: readonly Command[] = [
  {
    name: 'init',
    summary: 'check the installation, enrol your phone, add the first services (root); run again it goes on where it stopped',
    flags: [{ flags: '--answers <file>', summary: 'what it would ask, as YAML or JSON, readable by its owner alone' }],
    run: init,
  },
];
