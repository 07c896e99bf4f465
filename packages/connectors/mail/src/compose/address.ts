/**
 * Addresses that may be written to. Pure.
 *
 * MAIL-30 A recipient is one plain ASCII mailbox: no name, comment, quoted local part, source route or address literal.
 *         What is not ASCII is refused, and where its domain has an ASCII form, that form is named.
 */
import { domainToASCII } from 'node:url';
import { LIMITS } from '../limits.js';

/** RFC 5322 §3.2.3 dot-atom, RFC 5321 §4.5.3.1.1. */
const LOCAL = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
/** RFC 5321 §4.1.2, letters, digits and hyphens (RFC 1035 §2.3.1). */
const DOMAIN = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

const MAX_LOCAL_CHARS = 64;
const MAX_DOMAIN_CHARS = 253;

/** Why a text is no address, and what would be acceptable. */
export interface AddressProblem {
  readonly expected: string;
  readonly found: string;
}

const split = (text: string): { readonly local: string; readonly domain: string } => {
  const at = text.lastIndexOf('@');
  return { local: text.slice(0, Math.max(0, at)), domain: text.slice(at + 1) };
};

const asciiForm = (text: string): string | null => {
  const { local, domain } = split(text);
  const ascii = /[^\x00-\x7f]/.test(local) ? '' : domainToASCII(domain);
  return ascii !== '' && addressProblem(`${local}@${ascii}`) === null ? `${local}@${ascii}` : null;
};

const unicodeProblem = (text: string): AddressProblem => {
  const ascii = asciiForm(text);
  return {
    expected: ascii === null ? 'an address of ASCII characters alone' : `the ASCII form of its domain: ${ascii}`,
    found: 'characters beyond ASCII, which can look like others',
  };
};

/** null where the text is an address (MAIL-30). */
export const addressProblem = (text: string): AddressProblem | null => {
  if (text.length > LIMITS.maxAddressChars)
    return { expected: `at most ${LIMITS.maxAddressChars} characters`, found: `${text.length}` };
  if (/[^\x00-\x7f]/.test(text)) return unicodeProblem(text);
  const { local, domain } = split(text);
  const isOne = local.length <= MAX_LOCAL_CHARS && domain.length <= MAX_DOMAIN_CHARS && LOCAL.test(local) && DOMAIN.test(domain);
  return isOne ? null : { expected: 'one plain address such as ada@example.org', found: 'something else' };
};

/** What makes two addresses one recipient: the domain has no case, the local part may have one (RFC 5321 §2.4). */
export const recipientKey = (address: string): string => {
  const { local, domain } = split(address);
  return `${local}@${domain.toLowerCase()}`;
};

export const domainOf = (address: string): string => split(address).domain.toLowerCase();
