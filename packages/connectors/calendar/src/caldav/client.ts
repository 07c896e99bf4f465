/**
 * A CalDAV client that reads, and can add one event that was not there before.
 *
 * CAL-1  Only the sealed origin is asked.
 * CAL-4  Requests are PROPFIND of depth 0 and 1, REPORT calendar-query and calendar-multiget, and the PUT of CAL-22; there is no other.
 * CAL-22 A PUT has `If-None-Match: *`, so that it changes nothing that is there, and is sent once.
 */
import type { Egress, EgressResponse } from '@airlock/egress';
import { AirlockError, formatOrigin, type Origin } from '@airlock/protocol';
import { unreadable, upstreamError } from '../failure.js';
import type { Pace } from '../pace.js';
import { parseMultistatus, type Resource } from './multistatus.js';

export interface ClientOptions {
  readonly egress: Egress;
  readonly origin: Origin;
  readonly user: string;
  readonly password: string;
}

interface Ask {
  readonly method: 'PROPFIND' | 'REPORT';
  /** Absolute path on the sealed origin. */
  readonly path: string;
  readonly depth: 0 | 1;
  readonly body: string;
}

/** What a server said of some resources, and at which address, after redirects. */
export interface Answer {
  readonly resources: readonly Resource[];
  readonly url: string;
}

/** RFC 7617 §2.1: UTF-8. */
const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`, 'utf8').toString('base64')}`;

const missing = (): AirlockError => new AirlockError('NOT_FOUND', 'the server has nothing at this place');

/** 404 is a value where something may be missing; all other refusals are errors. */
const check = ({ status, body, headers }: EgressResponse): readonly Resource[] => {
  if (status === 401 || status === 403) throw upstreamError('bad_credentials');
  if (status === 404 || status === 410) throw missing();
  if (status !== 207) throw upstreamError('other');
  const type = headers['content-type'] ?? '';
  if (type !== '' && !/^(?:application|text)\/(?:[a-z.+-]+\+)?xml(?:;|$)/i.test(type.trim()))
    throw unreadable('an answer is no XML');
  return parseMultistatus(body);
};

/** Whether the server took it (201), or had it before (412). @throws AirlockError what a refusal says, or OUTCOME_UNKNOWN (CAL-22) */
const checkPut = (status: number): boolean => {
  if (status === 200 || status === 201 || status === 204) return true;
  if (status === 412) return false;
  if (status === 401) throw upstreamError('bad_credentials');
  if (status === 404 || status === 409 || status === 410) throw missing();
  if (status === 403) throw upstreamError('other', 'the calendar server does not let this account add that event');
  if ((status >= 300 && status < 500) || status === 501 || status === 507) throw upstreamError('other');
  // Whoever stands between may have given up on a server that did it.
  throw new AirlockError('OUTCOME_UNKNOWN', 'the calendar server did not say whether it took the event');
};

export class CaldavClient {
  readonly origin: Origin;
  readonly #egress: Egress;
  readonly #authorization: string;

  constructor({ egress, origin, user, password }: ClientOptions) {
    this.origin = origin;
    this.#egress = egress;
    this.#authorization = basic(user, password);
  }

  /**
   * @throws AirlockError NOT_FOUND (nothing there), UPSTREAM_REFUSED (bad_credentials, other), UPSTREAM_TIMEOUT, UNAVAILABLE.
   */
  async ask({ method, path, depth, body }: Ask, pace: Pace): Promise<Answer> {
    pace.request();
    const answer = await this.#egress.request({
      method,
      url: `${formatOrigin(this.origin)}${path}`,
      headers: {
        authorization: this.#authorization,
        depth: String(depth),
        'content-type': 'application/xml; charset=utf-8',
        accept: 'application/xml, text/xml',
      },
      body,
      signal: pace.signal,
    });
    return { resources: check(answer), url: answer.url };
  }

  /**
   * @returns false where the server has a resource of this name, which is left as it is.
   * @throws AirlockError NOT_FOUND (no such calendar), UPSTREAM_REFUSED, UPSTREAM_TIMEOUT, UNAVAILABLE: nothing was written;
   *   OUTCOME_UNKNOWN.
   */
  async put(path: string, text: string, pace: Pace): Promise<boolean> {
    pace.request();
    const { status } = await this.#egress.request({
      method: 'PUT',
      url: `${formatOrigin(this.origin)}${path}`,
      headers: {
        authorization: this.#authorization,
        'content-type': 'text/calendar; charset=utf-8',
        'if-none-match': '*',
      },
      body: text,
      signal: pace.signal,
    });
    return checkPut(status);
  }

  close(): Promise<void> {
    return this.#egress.close();
  }
}
