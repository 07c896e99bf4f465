/** What doctor asks the daemons: are they up, of one version, in time, with room, with signed heads, with credentials. */
import { parseSignedHead } from '@airlock/audit';
import { AirlockError, type ApproveStatus, type GatewayStatus, type KindList, type ServiceList } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bothDaemons } from '../commands/status.js';
import { ask, withGateway, withTotp, type Context } from '../context.js';
import { VERSION } from '../version.js';
import { check, type Check } from './check.js';
import { presenceCheck } from './presence.js';

/** A clock further off than this makes codes fail now and then. */
const MAX_CLOCK_GAP_S = 2;
const MAX_HEARTBEAT_MS = 2000;
/** Without room for the record nothing is served. */
const MIN_FREE_BYTES = 100 * 2 ** 20;

type Status = ApproveStatus | GatewayStatus;

const answering = (name: string, status: Status | null, problem: AirlockError | null): Check[] => {
  if (!status) {
    return [
      check(
        name,
        false,
        problem?.message ?? 'no answer',
        'answers, not sealed',
        `sudo systemctl restart ${name}; sudo journalctl -u ${name} -n 50`,
      ),
    ];
  }
  const { sealed, version } = status;
  return [
    check(
      name,
      sealed === null,
      sealed ? `sealed: ${sealed.message}; ${sealed.hint}` : 'answers',
      'answers, not sealed',
      `sudo journalctl -u ${name} -n 50`,
    ),
    check(`version ${name}`, version === VERSION, version, VERSION, `sudo systemctl restart ${name}`),
  ];
};

const isDevelopment = ({ env }: Context): boolean => env['AIRLOCK_STATE_DIR'] !== undefined;

const ofState = ({
  enrolled,
  locked,
  isOpen,
}: {
  readonly enrolled: boolean;
  readonly locked: boolean;
  readonly isOpen: boolean;
}): Check[] => [
  check('phone', enrolled, enrolled ? 'enrolled' : 'not enrolled', 'enrolled', 'sudo airlock-ctl init'),
  check(
    'lock',
    isOpen,
    locked ? 'locked' : isOpen ? 'open' : 'codes from this terminal are locked out',
    'open',
    locked ? 'airlock-ctl unlock' : 'sudo airlock-ctl lockout clear terminal',
  ),
];

const ofTotp = (context: Context, { enrolled, now, locked, lockout, alert, sealed }: ApproveStatus): Check[] => {
  const gapS = Math.abs(Date.now() - Date.parse(now)) / 1000;
  const isOpen = !locked && !lockout.terminal.locked;
  // Sealed, it may not have read the state at all.
  const isKnown = sealed === null || enrolled;
  return [
    ...(alert === undefined
      ? []
      : [
          check(
            'record',
            false,
            alert.message,
            'the log that was signed',
            'airlock-ctl audit verify; keep the files of both logs',
          ),
        ]),
    ...(isKnown ? ofState({ enrolled, locked, isOpen }) : []),
    check(
      'clock',
      // A development instance may have a clock of its own.
      gapS <= MAX_CLOCK_GAP_S || isDevelopment(context),
      `${gapS.toFixed(1)} s apart`,
      `at most ${MAX_CLOCK_GAP_S} s`,
      'sudo timedatectl set-ntp true',
    ),
  ];
};

/** Told only where there is something to do. */
const ofRules = ({ problem, staged }: GatewayStatus['rules']): Check[] => [
  ...(problem === null
    ? []
    : [check('policies', false, problem, 'files that are right', 'correct the file; sudo airlock-ctl policy reload')]),
  ...(staged === 0
    ? []
    : [check('policies', true, `${staged} changes wait for a code`, 'as in the files', 'airlock-ctl policy apply')]),
];

const ofGateway = ({ heartbeatAgeMs: age, isolation, audit, rules }: GatewayStatus): Check[] => [
  ...ofRules(rules),
  check(
    'bridge',
    age !== null && age <= MAX_HEARTBEAT_MS,
    age === null ? 'never heard of airlock-totp' : `${age} ms ago`,
    `at most ${MAX_HEARTBEAT_MS} ms`,
    'sudo systemctl restart airlock-totp airlock-gateway',
  ),
  check('isolation', isolation === 'users', isolation, 'users', 'sudo ./install.sh --agent-user airlock-agent'),
  check(
    'disk',
    audit.freeBytes >= MIN_FREE_BYTES,
    `${Math.floor(audit.freeBytes / 2 ** 20)} MiB free`,
    `at least ${MIN_FREE_BYTES / 2 ** 20} MiB for the record`,
    'sudo journalctl --vacuum-size=100M',
  ),
];

const publicKeyName = ({ configDir }: Context, log: string): string | null => {
  try {
    return readFileSync(join(configDir, 'keys', `${log}.vkey`), 'utf8').split('+')[0] ?? null;
  } catch {
    return null;
  }
};

/** Every head that airlock-totp signed must be of a log whose public key root has kept. */
const heads = async (context: Context): Promise<Check> => {
  const signed = await withTotp(context, (link) => ask<{ heads: readonly string[] }>(link, 'heads'));
  const known = ['gateway', 'totp'].map((log) => publicKeyName(context, log)).filter((name) => name !== null);
  const strange = signed.heads.filter((head) => !known.includes(parseSignedHead(head).origin));
  const ok = known.length === 2 && strange.length === 0;
  const found =
    known.length < 2 ? 'a public key is missing' : ok ? `${signed.heads.length} signed` : `${strange.length} of another log`;
  return check('audit heads', ok, found, 'signed heads of both logs, their public keys kept', 'sudo airlock-ctl config keys');
};

/** A service whose kind has a secret, and for which none is sealed, can be asked for and never answers. */
const credentials = (context: Context): Promise<Check[]> =>
  withGateway(context, async (link) => {
    const { services } = await ask<ServiceList>(link, 'service.list');
    const { kinds } = await ask<KindList>(link, 'kind.list');
    const needs = (kind: string): boolean =>
      Object.values(kinds.find((one) => one.kind === kind)?.credential.fields ?? {}).some(({ optional }) => optional !== true);
    return services
      .filter(({ kind }) => needs(kind))
      .map(({ service, updatedAt }) =>
        check(
          `credential ${service}`,
          updatedAt !== null,
          updatedAt === null ? 'none sealed' : 'sealed',
          'sealed',
          `airlock-ctl credentials add ${service}`,
        ),
      );
  });

/** What cannot be asked because a daemon is down or sealed is told by that daemon's own check. */
const orNothing = async (asking: Promise<readonly Check[]>): Promise<readonly Check[]> => {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof AirlockError) return [];
    throw error;
  }
};

/** Nobody's presence counts before there is a phone. */
const presence = (context: Context, status: ApproveStatus | null): Check[] =>
  status?.presence === undefined || !status.enrolled || isDevelopment(context) ? [] : [presenceCheck(status.presence)];

/** What both daemons say of themselves. */
export const daemonChecks = async (context: Context): Promise<readonly Check[]> => {
  const { totp, gateway } = await bothDaemons(context);
  return [
    ...answering('airlock-totp', totp.status, totp.problem),
    ...answering('airlock-gateway', gateway.status, gateway.problem),
    ...(totp.status ? ofTotp(context, totp.status) : []),
    ...presence(context, totp.status),
    ...(gateway.status ? ofGateway(gateway.status) : []),
    ...(totp.status ? await orNothing(heads(context).then((one) => [one])) : []),
    ...(await orNothing(credentials(context))),
  ];
};
