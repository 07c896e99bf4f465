/** run: one operation under the built-in role `operator`, asked for and approved on the spot. */
import {
  AirlockError,
  systemTimers,
  type AccessRequestResult,
  type AccessWaitResult,
  type CallResult,
  type Json,
  type Params,
  type ServiceSummary,
} from '@airlock/protocol';
import { checkCode, noteSummary, shownFront, submit } from '../action.js';
import { ask, withGateway, withTotp, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { textOption, type Command, type Invocation } from './command.js';

const POLL_S = 50;
const CALL_TIMEOUT_MS = 60_000;

const parseParams = (text: string | undefined): Params => {
  if (text === undefined) return {};
  try {
    const value = JSON.parse(text) as Json;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Params;
  } catch {
    // Falls through to the one message there is.
  }
  throw new AirlockError('PARAMS_INVALID', 'the parameters are not a JSON object', {
    field: '-p',
    expected: 'a JSON object, e.g. \'{"limit": 5}\'',
    found: text.slice(0, 80),
    hint: 'quote the JSON for your shell',
  });
};

const parseMinutes = (text: string | undefined): number => {
  if (text === undefined) return 5 * 60;
  const minutes = Number(text);
  if (Number.isInteger(minutes) && minutes >= 1 && minutes <= 480) return minutes * 60;
  throw new AirlockError('PARAMS_INVALID', `--ttl: found ${text}, allowed: whole minutes from 1 to 480`, {
    field: '--ttl',
    expected: '1 to 480',
    found: text,
    hint: 'leave it out for 5 minutes',
  });
};

/** The scope of exactly this operation, in its own class. */
const scopeOf = async (link: Link, service: string, operation: string): Promise<string> => {
  const services = await ask<readonly ServiceSummary[]>(link, 'services.list');
  const found = services.find((one) => one.service === service);
  if (!found)
    throw new AirlockError('SERVICE_UNKNOWN', `there is no service ${service}`, {
      field: 'SERVICE',
      expected: services.map((one) => one.service).join(', ') || 'none yet',
      found: service,
    });
  const known = found.operations.find((one) => one.name === operation);
  if (!known)
    throw new AirlockError('OPERATION_UNKNOWN', `${service} has no operation ${operation}`, {
      field: 'OPERATION',
      expected: found.operations.map((one) => one.name).join(', '),
      found: operation,
    });
  return `${service}:${known.class}:${operation}`;
};

const approveHere = async (context: Context, request: string): Promise<boolean> =>
  withTotp(context, async (link) => {
    const { front } = await shownFront(link);
    if (front?.id !== request) {
      note(context, `airlock: another request is in front; decide it first: airlock-ctl pending`);
      return false;
    }
    note(context, front.text);
    noteSummary(context, front);
    const typed = await context.terminal.secret('code: ');
    if (typed === null || typed.trim() === '') return false;
    const again = (await shownFront(link)).front;
    if (again?.id !== request)
      throw new AirlockError('APPROVAL_PENDING', 'another request came to the front, so no code was sent', {
        hint: 'airlock-ctl pending',
      });
    await submit(link, again, checkCode(typed.trim()), again.match);
    return true;
  });

const waitForLease = async (
  link: Link,
  { request, match }: AccessRequestResult,
  context: Context,
  approved: boolean,
): Promise<string> => {
  if (!approved) note(context, `airlock: waiting for: airlock-ctl approve CODE --request ${request} --match ${match}`);
  for (;;) {
    const result = await ask<AccessWaitResult>(link, 'access.wait', { request, timeoutS: POLL_S }, (POLL_S + 10) * 1000);
    if (result.status === 'approved' && result.lease !== undefined) return result.lease;
    if (result.status === 'denied') throw new AirlockError('APPROVAL_DENIED', 'the request was denied');
    if (result.status === 'expired') throw new AirlockError('APPROVAL_EXPIRED', 'nobody approved in time');
  }
};

/** Long polls until the operation is decided, then fetches what became of it. */
const outcomeOf = async (link: Link, request: string): Promise<CallResult> => {
  for (;;) {
    await ask<AccessWaitResult>(link, 'access.wait', { request, timeoutS: POLL_S }, (POLL_S + 10) * 1000);
    try {
      return await ask<CallResult>(link, 'call.result', { request });
    } catch (thrown) {
      if (!(thrown instanceof AirlockError) || thrown.code !== 'APPROVAL_PENDING') throw thrown;
      await new Promise<void>((resolve) => void systemTimers.after(thrown.data.retryAfterMs ?? 1000, resolve));
    }
  }
};

/** One call; what needs an approval of its own is shown with every parameter, and asks for a second code here. */
const callOrAsk = async (context: Context, link: Link, params: object): Promise<CallResult> => {
  try {
    return await ask<CallResult>(link, 'call', params, CALL_TIMEOUT_MS);
  } catch (thrown) {
    const request = thrown instanceof AirlockError && thrown.code === 'APPROVAL_PENDING' ? thrown.data.request : undefined;
    if (request === undefined) throw thrown;
    note(context, 'airlock: this operation needs a code of its own');
    await approveHere(context, request);
    return outcomeOf(link, request);
  }
};

const run = async (context: Context, invocation: Invocation): Promise<void> => {
  const [service = '', operation = ''] = invocation.args;
  const params = parseParams(textOption(invocation, 'params'));
  const ttlS = parseMinutes(textOption(invocation, 'ttl'));
  const result = await withGateway(context, async (link) => {
    await ask(link, 'hello', { client: 'airlock-ctl run', protocol: 1 });
    const scope = await scopeOf(link, service, operation);
    const request = await ask<AccessRequestResult>(link, 'access.request', { scopes: [scope], reason: 'airlock-ctl run', ttlS });
    const lease = await waitForLease(link, request, context, await approveHere(context, request.request));
    try {
      return await callOrAsk(context, link, { lease, service, operation, params });
    } finally {
      await ask(link, 'access.release', { lease }).catch(() => undefined);
    }
  });
  print(context, result, JSON.stringify(result.result, null, 2));
};

export const RUN_COMMANDS: readonly Command[] = [
  {
    name: 'run',
    args: '<service> <operation>',
    summary: 'one operation, now: asks for the code, prints the result, gives the lease back',
    flags: [
      { flags: '-p, --params <json>', summary: 'parameters, a JSON object' },
      { flags: '--ttl <minutes>', summary: 'how long the lease may live (default 5)' },
    ],
    run,
  },
];
