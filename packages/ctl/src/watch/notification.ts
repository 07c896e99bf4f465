/**
 * What a desktop is told of a request. Pure.
 *
 * NOTIFY-1  a notification has no action and no match number: nothing can be approved from it.
 * NOTIFY-2  foreign text is printable, quoted, called the agent's words, and is no markup.
 * NOTIFY-3  one notification a request: decided, it is replaced by the outcome.
 */
import type { RequestStatus, RequestView } from '@airlock/protocol';
import { printable } from '../printable.js';

export interface Notification {
  /** Plain text. */
  readonly title: string;
  /** Lines of markup (Desktop Notifications Specification, "Markup"), in which nothing foreign is markup. */
  readonly body: string;
  /** Milliseconds after which a server may take it away. */
  readonly expireMs: number;
  /** Kept by the server once it has expired, or not. */
  readonly isTransient: boolean;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text that is no markup, and hides nothing. */
export const plainText = (text: string): string => printable(text).replaceAll(/[&<>"']/g, (found) => ENTITIES[found] ?? '');

const quoted = (text: string): string => plainText(JSON.stringify(text));

const wordsOf = ({ reason, intent }: RequestView): string[] => [
  `reason, the agent's words: ${quoted(reason)}`,
  ...(intent === null ? [] : [`intent, the agent's words: ${quoted(intent)}`]),
];

const FIRST_WORDS: Readonly<Record<RequestView['kind'], (request: RequestView) => string>> = {
  lease: ({ role }) => `Airlock: agents of role ${printable(role)} ask for access`,
  operation: ({ role }) => `Airlock: agents of role ${printable(role)} ask for one operation`,
  action: () => 'Airlock: an action of yours waits',
};

const isAgents = ({ kind, role }: RequestView): boolean => kind !== 'action' && role !== 'operator';

/** Of a request that came to the front. */
export const askedNotification = (request: RequestView, nowMs: number): Notification => ({
  title: FIRST_WORDS[request.kind](request),
  body: [
    plainText(request.summary),
    ...(isAgents(request) ? wordsOf(request) : ['if you did not start it: airlock-ctl deny']),
    'read it in full in a terminal: airlock-ctl approve',
  ].join('\n'),
  expireMs: Math.max(1000, Date.parse(request.expiresAt) - nowMs),
  isTransient: false,
});

/** The record is not the one that was signed: everything is locked, and somebody has to look (BRIDGE-6). */
export const alertNotification = (alert: string): Notification => ({
  title: 'Airlock: LOCKED, the record was changed',
  body: [plainText(alert), 'look in a terminal: airlock-ctl audit verify'].join('\n'),
  expireMs: 0,
  isTransient: false,
});

/** `gone`: decided while airlock-totp was away, nobody here knows how. */
export type Outcome = Exclude<RequestStatus, 'pending'> | 'gone';

const OUTCOMES: Readonly<Record<Outcome, string>> = {
  approved: 'was approved',
  denied: 'was denied',
  expired: 'is over: nobody decided it in time',
  gone: 'no longer waits',
};
const OUTCOME_MS = 5000;

/** In the place of the one above, once it is decided. */
export const decidedNotification = (request: RequestView, outcome: Outcome): Notification => ({
  title: `Airlock: ${request.id} ${OUTCOMES[outcome]}`,
  body: plainText(request.summary),
  expireMs: OUTCOME_MS,
  isTransient: true,
});
