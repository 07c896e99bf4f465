/** Refusals over HTTP: what happened, and what to do next, as JSON. */
import type { AirlockError } from '@airlock/protocol';

export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly expected?: string | undefined;
}

/** Nothing of this server is kept by a cache, or taken for another type than it says. */
export const FIXED_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

export const refusal = (status: number, error: Refusal, headers: Readonly<Record<string, string>> = {}): Response =>
  Response.json({ error }, { status, headers: { ...FIXED_HEADERS, ...headers } });

/** What a gateway refused, as HTTP says it. */
export const refusalOf = (status: number, { code, message, data }: AirlockError): Response =>
  refusal(status, { code, message, hint: data.hint, expected: data.expected });
