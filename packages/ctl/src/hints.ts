/** Hints of the table speak to programs, of members and methods; whoever reads them here has arguments and commands. With --json they stand as they are. */
import { ERRORS, type AirlockError, type ErrorCode, type ErrorData } from '@airlock/protocol';

/** What a member, an argument or a flag is called by people. Pure. */
const partOf = (field: string): string => {
  if (field.startsWith('-')) return `the option ${field}`;
  if (/^[A-Z][A-Z_-]*$/.test(field)) return `the argument ${field}`;
  return `what was given as ${field.replace(/^params\./, '')}`;
};

const correction = ({ field, expected }: ErrorData): string => {
  if (field === undefined) return 'airlock-ctl help COMMAND says what it takes';
  return `correct ${partOf(field)}${expected === undefined ? '' : `, allowed: ${expected}`}; then run it again`;
};

const AGAIN = 'run it again';

/** In place of hints that only a program can follow. */
const FOR_PEOPLE: Partial<Readonly<Record<ErrorCode, (data: ErrorData) => string>>> = {
  INTERNAL: ({ audit }) =>
    `this is a defect of Airlock; ${audit === undefined ? 'sudo journalctl -u airlock-totp -u airlock-gateway' : `record ${audit} of airlock-ctl audit`} helps to report it`,
  NOT_FOUND: (data) =>
    data.field === undefined
      ? 'nothing has this name or id; those that there are: airlock-ctl pending, leases, service list, role list'
      : `look at ${partOf(data.field)}${data.expected === undefined ? '' : `, expected: ${data.expected}`}`,
  PARAMS_INVALID: correction,
  FRAME_INVALID: () => 'airlock-ctl and the daemon may be of two releases; restart both daemons',
  FRAME_TOO_LARGE: () => 'give less, or ask for less',
  METHOD_UNKNOWN: () => 'airlock-ctl and the daemon may be of two releases; restart both daemons',
  SERVICE_UNKNOWN: () => 'airlock-ctl service list',
  OPERATION_UNKNOWN: () => 'is it an operation of this service? airlock-ctl service list',
  READ_ONLY: () => 'the configuration allows reading alone here',
  APPROVAL_PENDING: () => 'decide it first: airlock-ctl pending',
  APPROVAL_EXPIRED: () => `nobody decided in time; ${AGAIN}`,
  LEASE_INVALID: () => AGAIN,
  LEASE_EXPIRED: () => `the lease has ended; ${AGAIN}`,
  LEASE_REVOKED: () => `the lease was revoked or released; ${AGAIN}`,
  LEASE_SESSION: () => AGAIN,
  LEASE_INTENT: () => AGAIN,
  LEASE_BUDGET: () => `the budget of the lease is spent; ${AGAIN}`,
  NOT_AUTHENTICATED: () => AGAIN,
};

const waitText = (retryAfterMs: number | undefined): string =>
  retryAfterMs === undefined ? 'some time' : `${Math.ceil(retryAfterMs / 1000)} s`;

/** The hint of an error, for people. Pure. */
export const hintFor = ({ code, data }: AirlockError): string => {
  const hint = data.hint === ERRORS[code].hint ? (FOR_PEOPLE[code]?.(data) ?? data.hint) : data.hint;
  return hint.replaceAll(/\bparams\.(?=\w)/g, '').replace('the time named in retryAfterMs', waitText(data.retryAfterMs));
};

/** An error and its hint, as they stand on stderr. Pure. */
export const errorLines = (error: AirlockError, message = error.message): string =>
  `airlock: error: ${message}\nairlock: hint: ${hintFor(error)}`;
