/** The text of a request of kind `lease` (docs/spec/approval.md "Text of a lease request"). */
import { OPERATOR_ROLE } from '@airlock/protocol';
import type { QueuedRequest } from '../queue/state.js';
import { agentLines } from './agent-lines.js';
import { quoteText, wordText } from './escape.js';
import { limitLines } from './limit-words.js';
import { layOutText, listLines, type Line } from './lines.js';
import { changeLines, durationText, renewedLine, type Present } from './renewal-text.js';

export type LeaseFacts = Pick<
  QueuedRequest,
  'id' | 'role' | 'session' | 'scopes' | 'reason' | 'intent' | 'constraints' | 'budget' | 'ttlS' | 'match' | 'unattended'
> & {
  /** The lease that is to be renewed, as the register has it. */
  readonly renewed?: Present;
  /** What the agent calls itself. */
  readonly client?: string | undefined;
};

const who = (facts: LeaseFacts): readonly string[] =>
  facts.role === OPERATOR_ROLE ? [`you, from the terminal (session ${wordText(facts.session)})`] : agentLines(facts);

/** An agent's words, marked as such on a line of their own. */
const agentsWords = (label: string, words: string | null): Line[] =>
  words === null ? [{ label, value: 'none' }] : listLines(label, [quoteText(words), "(the agent's words)"]);

/** What airlock-ctl run says of itself is nobody else's words. */
const ownWords = (label: string, words: string | null): Line[] => [{ label, value: words === null ? 'none' : quoteText(words) }];

export const leaseText = (facts: LeaseFacts): string => {
  const words = facts.role === OPERATOR_ROLE ? ownWords : agentsWords;
  const { renewed } = facts;
  return layOutText(`Airlock request ${facts.id}`, [
    ...listLines('who', who(facts)),
    ...(renewed === undefined ? [] : [renewedLine(renewed)]),
    ...listLines('access', facts.scopes.map(wordText)),
    ...listLines(
      'no code',
      (facts.unattended ?? []).map((one) => `${wordText(one)} writes without a code of its own`),
    ),
    { label: 'for', value: `${durationText(facts.ttlS)} from approval` },
    ...words('reason', facts.reason),
    ...words('intent', facts.intent),
    ...listLines('limits', limitLines(facts.constraints, facts.budget)),
    ...(renewed === undefined ? [] : changeLines(renewed, facts)),
    { label: 'match', value: facts.match },
  ]);
};

/** One line for lists. */
export const leaseSummary = (facts: LeaseFacts): string =>
  `${facts.scopes.map(wordText).join(' ')} for ${durationText(facts.ttlS)}${facts.renewed === undefined ? '' : ', renews a lease'}`;
