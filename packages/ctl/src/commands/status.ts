/** status: one look. */
import { AirlockError, presenceText, type ApproveStatus, type GatewayStatus } from '@airlock/protocol';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { hintFor } from '../hints.js';
import { print } from '../output.js';
import type { Command } from './command.js';

interface Up<T> {
  readonly up: boolean;
  readonly status: T | null;
  readonly problem: AirlockError | null;
}

const look = async <T>(asking: Promise<T>): Promise<Up<T>> => {
  try {
    return { up: true, status: await asking, problem: null };
  } catch (error) {
    if (!(error instanceof AirlockError)) throw error;
    return { up: false, status: null, problem: error };
  }
};

/** Both daemons, asked at the same time; one that is down is told, not thrown. */
export const bothDaemons = async (context: Context): Promise<{ totp: Up<ApproveStatus>; gateway: Up<GatewayStatus> }> => {
  const [totp, gateway] = await Promise.all([
    look(withTotp(context, (link) => ask<ApproveStatus>(link, 'status'))),
    look(withGateway(context, (link) => ask<GatewayStatus>(link, 'status'))),
  ]);
  return { totp, gateway };
};

const daemonText = (
  name: string,
  up: Up<{ readonly sealed: { readonly message: string; readonly hint: string } | null; readonly version: string }>,
): string => {
  if (!up.status)
    return `${name}  down: ${up.problem?.message ?? 'no answer'}\n              ${up.problem ? hintFor(up.problem) : ''}`;
  const { sealed, version } = up.status;
  return sealed ? `${name}  sealed: ${sealed.message}\n              ${sealed.hint}` : `${name}  up (${version})`;
};

const ISOLATION_TEXT = {
  users: 'agents run under a user of their own',
  'same-user': 'WEAK: agent and operator are one user; approve on the phone with the match number',
  none: 'NONE: development launcher, users are not isolated',
};

/** Nothing where the files are what is in force. */
const rulesLines = ({ problem, staged }: GatewayStatus['rules']): string[] => [
  ...(problem === null ? [] : [`policies      broken, so what was in force stays in force: ${problem}`]),
  ...(staged === 0 ? [] : [`policies      ${staged} changes wait for a code: airlock-ctl policy apply`]),
];

const stateText = ({ locked, presence }: ApproveStatus): string => {
  if (locked) return 'LOCKED: airlock-ctl unlock';
  const reasons = presence?.reasons ?? [];
  return reasons.length === 0 ? 'open' : `FROZEN: ${presenceText(reasons)}; be there, or: airlock-ctl unlock`;
};

const statusText = (totp: Up<ApproveStatus>, gateway: Up<GatewayStatus>): string => {
  const lines = [daemonText('totp        ', totp), daemonText('gateway     ', gateway)];
  const approvals = totp.status;
  if (approvals) {
    const { terminal } = approvals.lockout;
    if (approvals.alert !== undefined)
      lines.push(`ALERT         ${approvals.alert.message} (${approvals.alert.at})\n              airlock-ctl audit verify`);
    lines.push(
      `phone         ${approvals.enrolled ? `enrolled, next code in ${approvals.nextStepInS} s` : 'not enrolled: sudo airlock-ctl init'}`,
      `state         ${stateText(approvals)}${terminal.locked ? ', codes from this terminal are locked out' : ''}`,
      `waiting       ${approvals.queue}`,
      `leases        ${approvals.leases}`,
    );
  }
  if (gateway.status) {
    const { services, cells, isolation, audit, blocked, rules } = gateway.status;
    lines.push(
      `services      ${services}`,
      ...(blocked === 0 ? [] : [`blocked       ${blocked}: airlock-ctl sessions`]),
      ...rulesLines(rules),
      `cells         ${cells.live} of ${cells.slots}`,
      `record        ${audit.records} records`,
      `isolation     ${ISOLATION_TEXT[isolation]}`,
    );
  }
  return lines.join('\n');
};

const status = async (context: Context): Promise<number> => {
  const { totp, gateway } = await bothDaemons(context);
  const value = {
    enrolled: totp.status?.enrolled ?? false,
    locked: totp.status?.locked ?? false,
    frozen: totp.status?.presence?.reasons ?? [],
    presence: totp.status?.presence ?? null,
    ...(totp.status?.alert === undefined ? {} : { alert: totp.status.alert }),
    totp: { up: totp.up, nextStepInS: totp.status?.nextStepInS ?? null, sealed: totp.status?.sealed ?? null },
    gateway: { up: gateway.up, sealed: gateway.status?.sealed ?? null },
    queue: totp.status?.queue ?? 0,
    leases: totp.status?.leases ?? 0,
    services: gateway.status?.services ?? 0,
    blocked: gateway.status?.blocked ?? 0,
    rules: gateway.status?.rules ?? null,
    lockout: totp.status?.lockout ?? null,
    isolation: gateway.status?.isolation ?? null,
  };
  print(context, value, statusText(totp, gateway));
  return totp.up && gateway.up ? 0 : 5;
};

export const STATUS_COMMANDS: readonly Command[] = [
  { name: 'status', summary: 'daemons, phone, lock, queue, leases, isolation', run: status },
];
