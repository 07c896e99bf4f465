/** `access.wait`: a long poll; the lease text is in the first answer after the approval, and only there. */
import type { AccessWaitResult } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

/** interfaces.md: `timeoutS ≤ 50`. */
export const MAX_WAIT_S = 50;
/** The gateway answers in `timeoutS`; this much later the connection counts as dead. */
const GRACE_MS = 5000;

export const accessWait = async (caller: Caller, request: string, timeoutS: number): Promise<AccessWaitResult> =>
  readAnswer('access.wait', await caller.call('access.wait', { request, timeoutS }, { timeoutMs: timeoutS * 1000 + GRACE_MS }), {
    status: 'string',
    lease: 'string?',
    expiresAt: 'string?',
    reason: 'string?',
  });
