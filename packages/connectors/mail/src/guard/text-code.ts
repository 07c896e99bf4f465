/** Status lines of the server, reduced to what is safe to pass on: no text of the server survives. */

export type Refusal = 'bad_credentials' | 'imap_disabled' | 'other';

const PASSED_CODES = /^(?:UIDVALIDITY [0-9]{1,10}|UIDNEXT [0-9]{1,10}|READ-ONLY|READ-WRITE|AUTHENTICATIONFAILED|NONEXISTENT)$/i;
const STATUS_LINE = /^(OK|NO|BAD|BYE|PREAUTH)(?: \[([^\]]{0,200})\])?(?: |$)/i;

/** `[CODE]` where it is one of those we use, and a dot for the text; null where it is no status line. */
export const reducedStatus = (rest: string): string | null => {
  const found = STATUS_LINE.exec(rest);
  if (found?.[1] === undefined) return null;
  const code = found[2] !== undefined && PASSED_CODES.test(found[2]) ? ` [${found[2]}]` : '';
  return `${found[1].toUpperCase()}${code} .`;
};

const DISABLED = /not enabled for IMAP|IMAP access (?:is )?disabled|IMAP is disabled|enable IMAP/i;
const CREDENTIALS =
  /AUTHENTICATIONFAILED|AUTHORIZATIONFAILED|invalid credentials|authentication failed|login failed|password|incorrect/i;

/** Why a server said NO, told by its code and the phrases of the large providers. */
export const refusalOf = (rest: string): Refusal => {
  const text = rest.slice(0, 500);
  if (DISABLED.test(text)) return 'imap_disabled';
  return CREDENTIALS.test(text) ? 'bad_credentials' : 'other';
};
