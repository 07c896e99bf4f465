/**
 * The closed table of error codes: the same on every socket, in the CLI and in MCP.
 * docs/spec/errors.md is its document; test/structure.test.ts holds the two together.
 */

/** When it makes sense to send the same thing again. */
export type Retry = 'never' | 'after' | 'after-approval' | 'with-change';

interface ErrorRow {
  /** JSON-RPC 2.0 §5.1 code. */
  readonly rpc: number;
  /** Exit status of both commands. */
  readonly exit: 1 | 2 | 3 | 4 | 5 | 6 | 7;
  readonly retry: Retry;
  /** What to do next, where the thrower knows nothing better. */
  readonly hint: string;
}

const row = (rpc: number, exit: ErrorRow['exit'], retry: Retry, hint: string): ErrorRow => ({ rpc, exit, retry, hint });

export const ERRORS = {
  INTERNAL: row(-32603, 1, 'never', 'this is a defect of Airlock; the audit record named in `audit` helps to report it'),
  UPSTREAM_REFUSED: row(
    -32010,
    1,
    'never',
    'the service answered with a refusal; the operator can run: airlock-ctl service test SERVICE',
  ),
  UPSTREAM_TIMEOUT: row(-32011, 1, 'after', 'the service did not answer in time; try again later'),
  NOT_FOUND: row(-32012, 1, 'never', 'nothing has this name or id; list first, then use an id from the list'),
  OUTCOME_UNKNOWN: row(-32013, 1, 'never', 'the operation may or may not have happened; look before doing it again'),
  PARAMS_INVALID: row(-32602, 2, 'with-change', 'correct the field named in `field` and send again'),
  FRAME_INVALID: row(-32700, 2, 'with-change', 'send one JSON-RPC 2.0 object a line'),
  FRAME_TOO_LARGE: row(-32001, 2, 'with-change', 'send a smaller frame, or ask for less'),
  METHOD_UNKNOWN: row(-32601, 2, 'with-change', 'use one of the methods listed in `expected`'),
  SERVICE_UNKNOWN: row(-32020, 2, 'with-change', 'use services.list to see what this role may get'),
  OPERATION_UNKNOWN: row(-32021, 2, 'with-change', 'use services.list to see the operations of the service'),
  POLICY_DENIED: row(-32030, 3, 'never', 'the configuration does not allow this; ask the operator'),
  READ_ONLY: row(-32031, 3, 'with-change', 'ask for class read; the configuration allows no other class here'),
  CONSTRAINT: row(-32032, 3, 'with-change', 'stay within the constraints of the lease'),
  RISK_TOO_HIGH: row(-32033, 3, 'never', 'the risk score is above what the lease allows'),
  LEASE_SCOPE: row(-32034, 3, 'with-change', 'ask for a lease with this scope'),
  LEASE_BUDGET: row(
    -32035,
    3,
    'with-change',
    'the budget of the lease is spent; ask again: access.request, or airlock request SERVICE --reason TEXT --wait',
  ),
  RATE_LIMITED: row(-32036, 3, 'after', 'wait for the time named in retryAfterMs'),
  BLOCKED: row(
    -32037,
    3,
    'after',
    'stop and look at what went wrong; then wait for the time named in retryAfterMs, or ask the operator: airlock-ctl unblock ROLE',
  ),
  CODE_ON_AGENT_SOCKET: row(-32038, 3, 'never', 'codes are for the human: never ask for one, never send one'),
  APPROVAL_PENDING: row(-32040, 4, 'after-approval', 'wait for the approval with access.wait'),
  APPROVAL_DENIED: row(-32041, 4, 'never', 'the operator denied this; ask what would be acceptable'),
  APPROVAL_EXPIRED: row(
    -32042,
    4,
    'with-change',
    'nobody decided in time; ask again when the operator is there: access.request, or airlock request SERVICE --reason TEXT --wait',
  ),
  CODE_REJECTED: row(-32043, 4, 'after', "mistyped, already used or too old; wait for the next code; check the phone's clock"),
  CODE_LOCKED_OUT: row(-32044, 4, 'never', 'too many wrong codes on this channel; as root: airlock-ctl lockout clear CHANNEL'),
  LEASE_INVALID: row(
    -32045,
    4,
    'after-approval',
    'ask for access first: access.request, or airlock request SERVICE --reason TEXT --wait',
  ),
  LEASE_EXPIRED: row(
    -32046,
    4,
    'after-approval',
    'the lease has ended; ask again: access.request, or airlock request SERVICE --reason TEXT --wait',
  ),
  LEASE_REVOKED: row(
    -32047,
    4,
    'after-approval',
    'the lease was revoked or released; ask again: access.request, or airlock request SERVICE --reason TEXT --wait',
  ),
  LEASE_SESSION: row(-32048, 4, 'after-approval', 'use the lease in the session that asked for it, or ask for one of your own'),
  LEASE_INTENT: row(-32049, 4, 'with-change', 'send context.intent exactly as it was when the lease was asked for'),
  NOT_AUTHENTICATED: row(-32050, 4, 'with-change', 'send hello first'),
  UNAVAILABLE: row(-32060, 5, 'after', 'a part of Airlock does not answer; the operator can run: airlock-ctl doctor'),
  LOCKED: row(-32061, 6, 'after', 'the operator locked Airlock; only airlock-ctl unlock ends that'),
  NOT_ENROLLED: row(-32062, 6, 'never', 'no phone is enrolled yet; as root: airlock-ctl init'),
  VAULT_UNREADABLE: row(
    -32063,
    6,
    'never',
    'the credential cannot be opened; the operator can run: airlock-ctl credentials add SERVICE',
  ),
  CONFIG_INVALID: row(-32064, 6, 'never', 'correct the configuration file named in the message'),
  AUDIT_UNAVAILABLE: row(
    -32070,
    7,
    'never',
    'the record cannot be written, so nothing is done; the operator can run: airlock-ctl doctor',
  ),
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** The `data` member of a JSON-RPC error. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  /** Id of the request that has to be decided first. */
  readonly request?: string;
  /** JSON pointer-like path of the offending parameter, e.g. `params.limit`. */
  readonly field?: string;
  readonly expected?: string;
  readonly found?: string;
  /** `seq` of the audit record of this refusal. */
  readonly audit?: number;
}

export type ErrorDetail = Partial<Omit<ErrorData, 'code'>>;

/** The only error that may cross a socket. `message` says what happened, `data.hint` what to do next. */
export class AirlockError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    const { stackTraceLimit } = Error;
    // A refusal is an answer like any other, and taking down its stack takes longer than making it: only a defect has one.
    if (code !== 'INTERNAL') Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'AirlockError';
    this.code = code;
    this.data = { code, hint: ERRORS[code].hint, retry: ERRORS[code].retry, ...detail };
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }
}

export const isErrorCode = (value: unknown): value is ErrorCode => typeof value === 'string' && Object.hasOwn(ERRORS, value);

/** Anything thrown, as an AirlockError; what is not ours becomes INTERNAL without its text, which may hold secrets. */
export const asAirlockError = (thrown: unknown): AirlockError =>
  thrown instanceof AirlockError ? thrown : new AirlockError('INTERNAL', 'an internal error');

/** JSON-RPC error object as it stands on the wire. */
export interface WireError {
  readonly code: number;
  readonly message: string;
  readonly data: ErrorData;
}

export const toWireError = (error: AirlockError): WireError => ({
  code: ERRORS[error.code].rpc,
  message: error.message,
  data: error.data,
});

/** Turns a received error object back into an AirlockError; an unknown code becomes INTERNAL. */
export const fromWireError = (wire: { message?: unknown; data?: unknown }): AirlockError => {
  const data = (typeof wire.data === 'object' && wire.data !== null ? wire.data : {}) as Partial<ErrorData>;
  const message = typeof wire.message === 'string' ? wire.message : 'an error without a message';
  return isErrorCode(data.code) ? new AirlockError(data.code, message, data) : new AirlockError('INTERNAL', message);
};
