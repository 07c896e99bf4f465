/** Who asks, in the text of a request: what is known of the agent, then what it calls itself (IDENTITY-1). */
import { quoteText, wordText } from './escape.js';

export interface Asking {
  readonly role: string;
  readonly session: string;
  readonly client?: string | undefined;
}

export const agentLines = ({ role, session, client }: Asking): readonly string[] => [
  `agents of role ${quoteText(role)} (session ${wordText(session)})`,
  ...(client === undefined ? [] : [`calls itself ${quoteText(client)} (the agent's words)`]),
];
