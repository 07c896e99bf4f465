/** Says one method to a socket as whoever runs it: node speak.js SOCKET METHOD PARAMS. Exit 0 only where it is answered with a result. */
import { connect } from 'node:net';

const [, , path = '', method = '', params = '{}'] = process.argv;
const socket = connect(path);
let text = '';
const finish = (status: number): never => {
  process.stdout.write(text);
  process.exit(status);
};
socket.setTimeout(3000, () => finish(3));
socket.on('error', (error) => {
  text = error.message;
  finish(2);
});
socket.on('connect', () => {
  if (path.includes('/agent/'))
    socket.write('{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"probe","protocol":1}}\n');
  socket.write(`{"jsonrpc":"2.0","id":2,"method":${JSON.stringify(method)},"params":${params}}\n`);
});
socket.setEncoding('utf8').on('data', (chunk: string) => {
  text += chunk;
  const answer = text.split('\n').find((line) => line.includes('"id":2') || line.includes('"id":null'));
  if (answer !== undefined) finish(answer.includes('"result"') ? 0 : 1);
});
socket.on('close', () => finish(4));
