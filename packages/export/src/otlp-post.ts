/**
 * One POST to an OTLP/HTTP receiver, and what its answer means (opentelemetry.io/docs/specs/otlp "OTLP/HTTP Response").
 *
 * SINK-8  what is refused as such is told apart from what is to be sent again.
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { EXPORT_LIMITS } from './limits.js';
import { NotDelivered } from './sink.js';
import { readCertificates, readHeaders } from './secret-files.js';

export interface OtlpTarget {
  readonly base: URL;
  readonly headers?: string | undefined;
  readonly ca?: string | undefined;
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** What was sent is at fault: the same again would be refused again. */
export class Refused extends NotDelivered {}

/** Bad Request, Content Too Large, Unprocessable Content. Others (401, 404 …) are faults of a setting, which somebody mends. */
const REFUSALS = new Set([400, 413, 422]);

/** Redirects are not followed: what stands in the configuration is who gets the record. */
const post = ({ base, headers, ca }: OtlpTarget, path: string, body: object): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const bytes = Buffer.from(JSON.stringify(body));
    const url = new URL(`${base.pathname.replace(/\/$/, '')}${path}`, base);
    const ask = url.protocol === 'https:' ? requestHttps : requestHttp;
    const options = {
      method: 'POST',
      headers: { ...readHeaders(headers), 'content-type': 'application/json', 'content-length': bytes.length },
      signal: AbortSignal.timeout(EXPORT_LIMITS.timeoutMs),
      ...readCertificates(ca),
    };
    const asked = ask(url, options, (answer) => {
      const chunks: Buffer[] = [];
      let read = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if ((read += chunk.length) > EXPORT_LIMITS.maxAnswerBytes) answer.destroy(new Error('the answer is too long'));
      });
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers['retry-after'],
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    asked.on('error', reject);
    // An answer that is none, such as 101, ends it without an error.
    asked.on('close', () => reject(new Error('the connection ended without an answer')));
    asked.end(bytes);
  });

/** RFC 9110 §10.2.3: seconds, or an instant. @returns milliseconds, or null where nothing (sensible) was asked for */
export const parseRetryAfter = (text: string | undefined, nowMs: number): number | null => {
  if (text === undefined) return null;
  if (/^\d{1,6}$/.test(text)) return Number(text) * 1000;
  const atMs = /GMT$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
};

/** Words of a receiver, for a log of ours. */
const said = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{C}\u2028\u2029]/gu, '?')
    .slice(0, EXPORT_LIMITS.maxSaidChars);

/** What a receiver left out though it answered with 200; it must not be sent again. null: nothing. */
export const partialSuccess = (text: string): string | null => {
  try {
    const { partialSuccess: partial } = JSON.parse(text) as { partialSuccess?: Readonly<Record<string, unknown>> };
    const count = Number(partial?.['rejectedLogRecords'] ?? partial?.['rejectedSpans'] ?? 0);
    const message = partial?.['errorMessage'];
    const words = typeof message === 'string' && message !== '' ? `: ${said(message)}` : '';
    if (count > 0) return `left out ${count} of what it was told${words}`;
    return words === '' ? null : `warns${words}`;
  } catch {
    return null;
  }
};

/** @returns what the receiver left out, or null. @throws Refused, NotDelivered */
export const deliver = async (target: OtlpTarget, path: string, body: object): Promise<string | null> => {
  let answer: Answer;
  try {
    answer = await post(target, path, body);
  } catch (thrown) {
    if (thrown instanceof NotDelivered) throw thrown;
    throw new NotDelivered(said((thrown as NodeJS.ErrnoException).code ?? (thrown as Error).message));
  }
  const { status, retryAfter, text } = answer;
  if (status === 200) return partialSuccess(text);
  const why = `${path} was answered with ${status}`;
  if (REFUSALS.has(status)) throw new Refused(why);
  throw new NotDelivered(why, parseRetryAfter(retryAfter, Date.now()));
};
