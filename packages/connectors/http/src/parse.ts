/**
 * An HTTP answer as JSON, or as an error in our own words.
 *
 * HTTP-4  Only an answer of status 2xx that says it is JSON and is strict JSON is read; nothing of any other leaves the cell but its status.
 */
import { AirlockError, parseJsonStrict, type Json } from '@airlock/protocol';
import type { EgressResponse } from '@airlock/egress';
import { HTTP_LIMITS } from './limits.js';

/** RFC 8259 §11, RFC 6839 §3.1. */
const JSON_TYPE = /^(?:application|text)\/(?:json|[a-z0-9.+-]+\+json)\s*(?:;|$)/i;
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

const refused = (message: string, found: string): AirlockError => new AirlockError('UPSTREAM_REFUSED', message, { found });

/** RFC 9110 §10.2.3: seconds, or a date; dates are not worth a clock. */
const retryAfterMs = (value: string | undefined): { retryAfterMs?: number } =>
  value !== undefined && /^[0-9]{1,6}$/.test(value)
    ? { retryAfterMs: Math.min(Number(value) * 1000, HTTP_LIMITS.maxRetryAfterMs) }
    : {};

const statusError = ({ status, headers }: EgressResponse): AirlockError => {
  const found = `status_${status}`;
  const wait = retryAfterMs(headers['retry-after']);
  if (status === 404 || status === 410) return new AirlockError('NOT_FOUND', 'the service has nothing there', { found });
  if (status === 429) return new AirlockError('RATE_LIMITED', 'the service wants fewer requests', { found, ...wait });
  if (status === 401) return refused('the service refused the credential, or wants one', 'bad_credentials');
  if (status < 500) return refused('the service refused the request', found);
  const hint = 'the service has a problem of its own; try again later';
  return new AirlockError('UNAVAILABLE', 'the service cannot answer now', { found, hint, ...wait });
};

const withoutBom = (body: Buffer): Buffer => (body.subarray(0, 3).equals(BOM) ? body.subarray(3) : body);

/** HTTP-4. @throws AirlockError UPSTREAM_REFUSED, UNAVAILABLE, NOT_FOUND, RATE_LIMITED */
export const parseAnswer = (answer: EgressResponse): Json => {
  if (answer.status < 200 || answer.status > 299) throw statusError(answer);
  if (!JSON_TYPE.test(answer.headers['content-type'] ?? '')) throw refused('the service answered no JSON', 'not_json');
  try {
    return parseJsonStrict(withoutBom(answer.body)) as Json;
  } catch {
    // The complaint quotes keys of the answer.
    throw refused('the service answered JSON that is damaged or ambiguous', 'bad_json');
  }
};
