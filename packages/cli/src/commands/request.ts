/** `airlock request SCOPE…`: asks the human; with --wait stays until the decision. */
import { AirlockError, accessRequest, awaitDecision, leaseFacts } from '@airlock/client';
import type { AccessRequestParams, AccessRequestResult, Decision } from '@airlock/client';
import { parseConstraints } from '../constraints.js';
import { findLease, waitingFor, withSession, type Connected, type Context } from '../context.js';
import { parseMinutes } from '../numbers.js';
import { printNote, printResult } from '../output.js';
import type { Command } from './command.js';

export interface RequestFlags {
  readonly reason: string;
  readonly intent?: string;
  readonly ttl?: string;
  readonly constraint?: readonly string[];
  readonly wait?: boolean;
  readonly renew?: boolean;
}

const paramsOf = (scopes: readonly string[], flags: RequestFlags, renew: string | undefined): AccessRequestParams => {
  const { reason, intent, ttl, constraint = [] } = flags;
  return {
    ...(scopes.length === 0 && renew !== undefined ? {} : { scopes }),
    reason,
    ...(intent === undefined ? {} : { intent }),
    ...(ttl === undefined ? {} : { ttlS: parseMinutes(ttl) }),
    ...(constraint.length === 0 ? {} : { constraints: parseConstraints(constraint) }),
    ...(renew === undefined ? {} : { renew }),
  };
};

const whatToDo = ({ request, match, expiresAt }: AccessRequestResult): string =>
  [
    `request ${request}, match number ${match}, open until ${expiresAt}`,
    'the operator approves it with: airlock-ctl approve',
    `on a phone the answer is: ${match} CODE (typed by the human, never by an agent)`,
  ].join('\nairlock: ');

const pendingText = (asked: AccessRequestResult): string =>
  `airlock: ${whatToDo(asked)}\nairlock: then run: airlock wait ${asked.request}`;

/** What `request --wait` and `wait` wait for. */
export const WAITED_FOR = 'the operator to approve or deny';

/** Keeps the lease where the next command finds it. */
export const keepLease = ({ store, role }: Connected, { lease }: Pick<Decision, 'lease'>): void => store.writeLease(role, lease);

export const grantedText = ({ lease, expiresAt }: Decision): string =>
  `approved until ${expiresAt}: ${leaseFacts(lease).scopes.join(', ')}`;

const noScopes = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'there is no SCOPE', {
    field: 'SCOPE',
    expected: 'service:class[:operation], or --renew for those of the present lease',
    found: 'nothing',
    hint: 'run: airlock services, then: airlock request SERVICE --reason TEXT',
  });

export const request = (context: Context, scopes: readonly string[], flags: RequestFlags): Promise<void> =>
  withSession(context, async (connected) => {
    if (scopes.length === 0 && flags.renew !== true) throw noScopes();
    const { session, store, role } = connected;
    const renew = flags.renew === true ? leaseFacts(findLease(context, store, role)).id : undefined;
    const asked = await accessRequest(session, paramsOf(scopes, flags, renew));
    const { request: id, match } = asked;
    if (flags.wait !== true) {
      printResult(context.output, { request: id, status: asked.status, match, expiresAt: asked.expiresAt }, () =>
        pendingText(asked),
      );
      return;
    }
    printNote(context.output, whatToDo(asked));
    const decided = awaitDecision(session, asked, { timers: context.timers });
    const decision = await waitingFor(context, WAITED_FOR, decided);
    keepLease(connected, decision);
    printResult(context.output, { request: id, status: 'approved', match, ...decision }, () => grantedText(decision));
  });

export const REQUEST: Command = {
  name: 'request',
  args: '[scope...]',
  summary: 'ask the human for access: service:class[:operation], without a class: read',
  flags: [
    { flags: '--reason <text>', summary: 'why, in one line; shown as the words of the agent', required: true },
    { flags: '--intent <text>', summary: 'the task; binds the lease to it' },
    { flags: '--ttl <minutes>', summary: 'for how long' },
    { flags: '--constraint <key=value>', summary: 'narrow it, e.g. calls=20; may be given again', many: true },
    { flags: '--wait', summary: 'wait for the decision and keep the lease' },
    { flags: '--renew', summary: 'follow the present lease, which ends then; without SCOPE for the same access' },
  ],
  run: (context, { args, options }) => request(context, args, options as unknown as RequestFlags),
};
