/** What a program says of itself in hello: the agent it speaks for (AIRLOCK_AGENT), and its own name. */
import type { Env } from './socket.js';

const MAX_CHARS = 128;

/** `claude-code (airlock 0.1.0)`; the program alone where nobody says for whom it speaks. */
export const clientName = (env: Env, program: string): string => {
  const { AIRLOCK_AGENT: agent = '' } = env;
  return agent === '' ? program : `${agent} (${program})`.slice(0, MAX_CHARS);
};
