/** The server of the benchmark: as many tools as its first argument says, each of which returns its text. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

const count = Number(process.argv[2] ?? '50');

const TOOLS = Array.from({ length: count }, (_, index) => ({
  name: `echo_${index}`,
  description: `Returns its text (${index}).`,
  inputSchema: {
    type: 'object' as const,
    additionalProperties: false,
    required: ['text'],
    properties: { text: { type: 'string' } },
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
}));

serveStdio(() => {
  const mcp = new McpServer({ name: 'bench', version: '1.0.0' }, { capabilities: { tools: {} } });
  const { server } = mcp;
  server.setRequestHandler('tools/list', ({ params }) => {
    // Pages, as a server with thousands of tools has them.
    const from = Number(params?.cursor ?? 0);
    const tools = TOOLS.slice(from, from + 500);
    return { tools, ...(from + 500 < count ? { nextCursor: String(from + 500) } : {}) };
  });
  server.setRequestHandler('tools/call', ({ params }) => ({
    content: [{ type: 'text' as const, text: (params.arguments as { text?: string } | undefined)?.text ?? '' }],
  }));
  return mcp;
});
