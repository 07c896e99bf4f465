/** The server as `airlock mcp` starts it, for tests that speak to it over stdio. */
import { serveMcp } from '../src/index.js';

const [, , tools] = process.argv;
await serveMcp({
  env: process.env,
  client: 'mcp-test',
  version: '0.0.0',
  tools: tools === 'all' || tools === 'meta' ? tools : undefined,
});
