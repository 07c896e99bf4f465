/** `airlock mcp` speaks MCP on stdin and stdout and ends with its client. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fakeGateway } from '@airlock/client/test/fake-gateway';
import t from 'tap';
import { MAIN } from './command.js';

t.test('initialize, list, end', async (test) => {
  const gateway = await fakeGateway();
  test.teardown(() => gateway.remove());
  const child = spawn(process.execPath, [MAIN, 'mcp'], { env: gateway.env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  const lines = createInterface(child.stdout);
  const answers = new Map<number, (value: unknown) => void>();
  lines.on('line', (line) => {
    const message = JSON.parse(line) as { id?: number };
    answers.get(message.id ?? -1)?.(message);
  });
  const ask = (id: number, method: string, params: object): Promise<unknown> => {
    const answer = new Promise((resolve) => answers.set(id, resolve));
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
    return answer;
  };
  const clientInfo = { name: 'test', version: '1' };
  test.match(await ask(1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo }), {
    result: { serverInfo: { name: 'airlock' } },
  });
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' })}\n`);
  const list = (await ask(2, 'tools/list', {})) as { result: { tools: { name: string }[] } };
  test.ok(list.result.tools.some(({ name }) => name === 'airlock_list_emails'));
  child.stdin.end();
  test.equal(await ended, 0);
});
