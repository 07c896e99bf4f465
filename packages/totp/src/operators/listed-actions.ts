/**
 * Actions that the second code of a first enrolment approves as well (docs/spec/approval.md "Enrolment and recovery").
 *
 * ENROL-4  service.add only, no service twice, and all of it fits the text that is shown.
 * ENROL-5  every code names the digest of that text and comes over the connection that began the enrolment.
 * ENROL-6  one ticket for each action, in the order of the list, to that connection, for 300 s.
 */
import { AirlockError, sha256Hex, type Action } from '@airlock/protocol';
import { TOTP_LIMITS } from '../limits.js';
import { enrolmentText } from '../text/action-text.js';
import type { Opener } from '../tickets/action-tickets.js';
import { checkText, parseAction } from './ask.js';
import type { Desk } from './desk.js';

export interface ListedActions {
  readonly actions: readonly Action[];
  readonly text: string;
  /** SHA-256 of `text`, lower-case hexadecimal. */
  readonly digest: string;
  /** The connection that began the enrolment. */
  readonly opener: Opener;
}

/** What comes with a code: over which connection, and the digest of what was shown there. */
export interface Shown {
  readonly digest?: string;
  readonly opener?: Opener;
}

interface Listed {
  readonly verb: string;
  readonly params: object;
}

/** What a ticket's record names in place of a request. */
const ENROLMENT = 'enrolment';

const refuse = (message: string, expected: string, found: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', message, { field: 'params.actions', expected, found });

/** @throws AirlockError PARAMS_INVALID (ENROL-4) */
export const listActions = (operator: string, listed: readonly Listed[], opener: Opener): ListedActions => {
  const actions = listed.map(({ verb, params }) => parseAction(verb, params));
  const services = actions.map((action) => {
    if (action.verb === 'service.add') return action.params.service;
    throw refuse('an enrolment brings no such action along', 'service.add', action.verb);
  });
  const twice = services.find((service, index) => services.indexOf(service) !== index);
  if (twice !== undefined) throw refuse('a service stands twice in the list', 'every service once', twice);
  const text = enrolmentText(operator, actions);
  checkText(text);
  return { actions, text, digest: sha256Hex(text), opener };
};

/** ENROL-5. Nothing of the code was looked at. @throws AirlockError PARAMS_INVALID, NOT_AUTHENTICATED */
export const requireShown = (listed: ListedActions | null, { digest, opener }: Shown): void => {
  if (digest !== listed?.digest) {
    throw new AirlockError(
      'PARAMS_INVALID',
      'the digest is not that of the actions of this enrolment; the code was not looked at',
      {
        field: 'params.digest',
        expected: listed === null ? 'no digest: this enrolment has no actions' : 'the digest of the text that was shown',
        found: digest === undefined ? 'none' : 'another',
        hint: 'begin the enrolment again: sudo airlock-ctl init',
      },
    );
  }
  if (listed !== null && listed.opener !== opener) {
    throw new AirlockError('NOT_AUTHENTICATED', 'the enrolment was begun over another connection; the code was not looked at', {
      hint: 'give the codes where the enrolment was begun, or begin it again: sudo airlock-ctl init',
    });
  }
};

/** ENROL-6: in the order of the list. */
export const ticketsOf = (desk: Desk, { actions, opener }: ListedActions): readonly string[] =>
  actions
    .map((action) =>
      desk.house.actionTickets.issue(desk.operator, action, ENROLMENT, opener, desk.now(), TOTP_LIMITS.enrolmentTicketTtlMs),
    )
    .filter((ticket) => ticket !== null);
