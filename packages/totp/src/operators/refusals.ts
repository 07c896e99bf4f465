/**
 * Why a submission is refused, in words. Precise about what was sent, coarse about codes: wrong, reused, below the
 * floor and too old are one answer (QUEUE-9).
 */
import { AirlockError, type ApproveParams, type Channel } from '@airlock/protocol';
import { triesLeft, waitForCodeS } from '../queue/failures.js';
import type { Now, OperatorState } from '../queue/state.js';
import type { Verdict } from '../queue/submit.js';

/** Seconds until the phone shows another code that can be accepted. */
export const nextCodeInS = (state: OperatorState, now: Now): number => {
  const toNextStep = Math.max(1, Math.ceil((now.step + 1) * now.periodS - now.wallMs / 1000));
  return Math.max(toNextStep, waitForCodeS(state, now));
};

export const codeRejected = (state: OperatorState, channel: Channel, now: Now): AirlockError => {
  const nextS = nextCodeInS(state, now);
  const tries = triesLeft(state, channel);
  return new AirlockError('CODE_REJECTED', 'the code was not accepted', {
    hint: `mistyped, already used or too old; next code in ${nextS} s; ${tries} ${tries === 1 ? 'try' : 'tries'} left; check the phone's clock`,
    retryAfterMs: nextS * 1000,
  });
};

export const lockedOut = (channel: Channel): AirlockError =>
  new AirlockError('CODE_LOCKED_OUT', `too many codes were wrong on channel ${channel}`, {
    hint: `as root: airlock-ctl lockout clear ${channel}`,
  });

const wrongDigest = (params: ApproveParams): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'the digest is not that of the text of this request; the code was not looked at', {
    field: 'params.digest',
    expected: 'the digest of the text that was shown',
    request: params.request,
    hint: 'show the request again (airlock-ctl pending), then approve what it shows',
  });

const matchProblem = (params: ApproveParams, problem: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${problem}; the code was not looked at`, {
    field: 'params.match',
    expected: 'the two digits in the last line of the request',
    request: params.request,
    hint: 'look at the request that is in front (airlock-ctl pending), then give --match NN',
  });

/** The code was good, named what cannot be approved, and is used up (QUEUE-3). */
const notFront = (state: OperatorState, params: ApproveParams): AirlockError => {
  const status = state.decided.find((one) => one.id === params.request)?.status;
  const detail = {
    request: params.request,
    hint: 'the code is used up; show what is in front (airlock-ctl pending), and use the next code',
  };
  if (status === 'denied') return new AirlockError('APPROVAL_DENIED', 'the request was denied before', detail);
  if (status === 'expired') return new AirlockError('APPROVAL_EXPIRED', 'the request is over', detail);
  const expected = state.front === null ? 'nothing waits' : state.front.id;
  return new AirlockError('PARAMS_INVALID', 'the request is not in front', {
    ...detail,
    field: 'params.request',
    expected,
    found: params.request,
  });
};

export const refusalOf = (
  state: OperatorState,
  params: ApproveParams,
  verdict: Exclude<Verdict, { kind: 'approved' | 'code' }>,
): AirlockError => {
  switch (verdict.kind) {
    case 'locked-out':
      return lockedOut('terminal');
    case 'digest':
      return wrongDigest(params);
    case 'match-missing':
      return matchProblem(params, 'another request waits or was left undecided, so the match number is needed');
    case 'match-wrong':
      return matchProblem(params, 'the match number is not that of this request');
    case 'not-opener':
      return new AirlockError(
        'POLICY_DENIED',
        'only the command that asked for this can approve it; the code was not looked at',
        {
          request: params.request,
          hint: 'type the code into the terminal that runs airlock-ctl credentials get',
        },
      );
    case 'not-front':
      return notFront(state, params);
  }
};
