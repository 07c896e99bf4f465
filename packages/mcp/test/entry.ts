/** The server as `airlock mcp` starts it, for tests that speak to it over stdio. */
import { serveMcp } from '../src/index.js';

await serveMcp({ env: process.env, client: 'mcp-test', version: '0.0.0' });
