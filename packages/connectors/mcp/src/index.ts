/** The connector of upstream MCP servers, kinds `mcp` and `mcp-url` (docs/spec/upstream.md). */
import { AirlockError, type Connector } from '@airlock/protocol';
import { openMcpSession } from './session.js';

/** The first line is the host's own in a development instance. */
const lastWords = (stderr: string): string =>
  stderr
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('airlock: development:'))
    .slice(-3)
    .join(' | ')
    .slice(-300);

/** UPSTREAM-7: a trial is the operator's, who may see what the program said last; the cell masks and neutralises it. */
const withWords = (thrown: unknown, stderr: string): unknown => {
  const words = lastWords(stderr);
  if (!(thrown instanceof AirlockError) || words === '') return thrown;
  return new AirlockError(thrown.code, thrown.message, { ...thrown.data, hint: `the program said: ${words.toWellFormed()}` });
};

/** Loaded by the cell. `test` connects, greets, lists and closes. */
export const connector: Connector = {
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws must reject
  open: async (context) => openMcpSession(context),
  test: async (context) => {
    const session = openMcpSession(context);
    try {
      await session.list();
    } catch (thrown) {
      throw withWords(thrown, session.stderr());
    } finally {
      await session.close();
    }
  },
};
