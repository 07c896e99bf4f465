/** What an agent's client does at its start: the official MCP client, over stdio. node mcp-client.js COMMAND ARGS… → names of the tools, a line each */
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [, , command = '', ...args] = process.argv;
const client = new Client({ name: 'walk', version: '0' });
await client.connect(new StdioClientTransport({ command, args, stderr: 'inherit' }));
const { tools } = await client.listTools();
for (const { name } of tools) console.log(name);
await client.close();
