/** Which lines about changed rules go with the code: one form for who shows them and for who checks that they were shown. */

/** With what else is in the text, far below what a text may have. */
const MAX_LINES = 40;
const MAX_CHARS = 180;

/**
 * The lines an operator reads before a code lets agents do more (docs/spec/policy.md RULES-5), each at most 180 characters;
 * what is beyond 40 lines is counted, and bound by the digest.
 */
export const shownChanges = (changes: readonly string[]): string[] => {
  const lines = changes.slice(0, MAX_LINES).map((one) => one.replace(/\p{C}/gu, '\uFFFD').slice(0, MAX_CHARS).toWellFormed());
  const more = changes.length - lines.length;
  return more === 0 ? lines : [...lines, `and ${more} more: airlock-ctl policy list`];
};
