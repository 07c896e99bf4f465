/** `access.request`: asks the human; identical requests of one session are one, so sending it again is harmless. */
import type { AccessRequestParams, AccessRequestResult } from '@airlock/protocol';
import { readAnswer } from '../answer.js';
import type { Caller } from './caller.js';

/** @throws AirlockError at once for what no approval could allow: POLICY_DENIED, READ_ONLY, SERVICE_UNKNOWN, RATE_LIMITED, LOCKED … */
export const accessRequest = async (caller: Caller, params: AccessRequestParams): Promise<AccessRequestResult> =>
  readAnswer('access.request', await caller.call('access.request', params), {
    request: 'string',
    match: 'string',
    expiresAt: 'string',
    pollIntervalS: 'number',
  });
