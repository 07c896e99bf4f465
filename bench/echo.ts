/** Baseline of the call benchmark: a bare JSON-RPC echo, and a relay before it; one message a line, nothing checked. */
import { connect, createServer, type Socket } from 'node:net';

interface Message {
  readonly id: number;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** Calls `take` with each parsed line. */
const lines = (socket: Socket, take: (message: Message) => void): void => {
  let rest = '';
  socket.setEncoding('utf8');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) take(JSON.parse(part) as Message);
  });
};

const send = (socket: Socket, message: object): void => void socket.write(`${JSON.stringify(message)}\n`);

const echo = (path: string): void => {
  const server = createServer((socket) =>
    lines(socket, ({ id, params }) => send(socket, { jsonrpc: '2.0', id, result: params })),
  );
  server.listen(path, () => process.send?.('ready'));
};

/** Parses, numbers anew, passes on, as any gateway must. */
const relay = (path: string, upstreamPath: string): void => {
  const upstream = connect(upstreamPath);
  const waiting = new Map<number, { socket: Socket; id: number }>();
  let next = 0;
  lines(upstream, ({ id, result }) => {
    const asked = waiting.get(id);
    waiting.delete(id);
    if (asked) send(asked.socket, { jsonrpc: '2.0', id: asked.id, result });
  });
  const server = createServer((socket) =>
    lines(socket, ({ id, params }) => {
      next += 1;
      waiting.set(next, { socket, id });
      send(upstream, { jsonrpc: '2.0', id: next, method: 'echo', params });
    }),
  );
  upstream.on('connect', () => server.listen(path, () => process.send?.('ready')));
};

const [role, path = '', upstreamPath = ''] = process.argv.slice(2);
if (role === 'echo') echo(path);
if (role === 'relay') relay(path, upstreamPath);
