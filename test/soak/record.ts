/** Everything that happened in a soak is in the record, once, and on the servers it was meant for. Pure. */
import type { Counts } from './agents.js';

export interface Line {
  readonly event: string;
  readonly lease?: string;
  readonly request?: string;
}

const twice = (values: readonly string[]): number => values.length - new Set(values).size;
const LEASE_ENDS: ReadonlySet<string> = new Set(['lease_expired', 'lease_released', 'lease_revoked']);

/** How often each event that counts must stand in the record. */
const expectedOf = (counts: Counts): Readonly<Record<string, number>> => ({
  'totp lease_issued': counts.leases,
  'totp lease_released': counts.released,
  'totp lease_revoked': counts.revoked,
  'totp lease_expired': counts.expired,
  'totp access_denied': counts.denied + counts.deniedOperations,
  'totp operation_approved': counts.ran + counts.cutOperations,
});

const sorted = (list: readonly string[]): string => [...list].sort().join('\n');

export interface Found {
  readonly totp: readonly Line[];
  readonly gateway: readonly Line[];
  readonly sent: readonly string[];
  readonly drafts: readonly string[];
}

/** At most once, and once where that was said; of what was cut nobody can say more. */
const serverProblems = (
  { sent: said, drafts: saved, unclear }: Counts,
  sent: readonly string[],
  drafts: readonly string[],
): string[] => {
  const clear = (found: readonly string[], claimed: readonly string[]): string[] =>
    found.filter((subject) => claimed.includes(subject) || !unclear.includes(subject));
  const problems: string[] = [];
  if (twice([...sent, ...drafts]) > 0) problems.push('something was written twice');
  if (sorted(clear(sent, said)) !== sorted(said)) problems.push(`${said.length} messages were sent, ${sent.length} arrived`);
  if (sorted(clear(drafts, saved)) !== sorted(saved))
    problems.push(`${saved.length} drafts were saved, ${drafts.length} are there`);
  return problems;
};

/** A machine that stands still now and then is no failure; one on which most calls are cut shows nothing. */
const cutProblems = ({ reads, ran, cut, cutOperations }: Counts): string[] =>
  cut + cutOperations > reads + ran ? [`${cut + cutOperations} calls were cut, ${reads + ran} were not`] : [];

/** A call that was cut may have been cut before it was allowed, while its approval was prepared. */
const allowedProblems = ({ reads, ran, cut, cutOperations }: Counts, gateway: readonly Line[]): string[] => {
  const { length: found } = gateway.filter(({ event }) => event === 'operation_allowed');
  const happened = reads + ran + cutOperations;
  return found < happened || found > happened + cut
    ? [`gateway operation_allowed: ${found} in the record, ${happened} happened, ${cut} were cut`]
    : [];
};

/** What was refused after it was told stands there too. */
const askedProblems = ({ asked, turnedAway }: Counts, gateway: readonly Line[]): string[] => {
  const { length: found } = gateway.filter(({ event }) => event === 'operation_asked');
  return found < asked || found > asked + turnedAway
    ? [`gateway operation_asked: ${found} in the record, ${asked} happened, ${turnedAway} were turned away`]
    : [];
};

/** Some wait too long behind the codes of others; most must not. */
const expiredProblems = ({ ran, expiredOperations }: Counts): string[] =>
  expiredOperations > ran ? [`${expiredOperations} operations expired, ${ran} ran`] : [];

export const recordProblems = (counts: Counts, { totp, gateway, sent, drafts }: Found): string[] => {
  const logs = { totp, gateway };
  const problems = Object.entries(expectedOf(counts)).flatMap(([name, expected]) => {
    const [log = '', event = ''] = name.split(' ');
    const found = logs[log as 'totp' | 'gateway'].filter((line) => line.event === event).length;
    return found === expected ? [] : [`${name}: ${found} in the record, ${expected} happened`];
  });
  const issued = totp.flatMap(({ event, lease = '' }) => (event === 'lease_issued' ? [lease] : []));
  const ended = totp.flatMap(({ event, lease = '' }) => (LEASE_ENDS.has(event) ? [lease] : []));
  const taken = totp.flatMap(({ event, request = '' }) => (event === 'operation_taken' ? [request] : []));
  if (twice(issued) + twice(ended) + twice(taken) > 0) problems.push('a lease or an operation is in the record twice');
  if (sorted(issued) !== sorted(ended)) problems.push('the leases that began are not those that ended');
  const { length: ran } = taken;
  if (ran < counts.ran || ran > counts.ran + counts.cutOperations)
    problems.push(`${counts.ran} operations ran, ${ran} were taken`);
  problems.push(...allowedProblems(counts, gateway), ...askedProblems(counts, gateway), ...expiredProblems(counts));
  return [...problems, ...serverProblems(counts, sent, drafts), ...cutProblems(counts)];
};
