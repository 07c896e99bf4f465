/** Entry of the `airlock` command. */
import { endWithOutput } from '@airlock/protocol/command';
import { run } from './run.js';

const readStdin = async (): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
};

endWithOutput();

void run({
  argv: process.argv.slice(2),
  env: process.env,
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
  readStdin,
}).then((code) => {
  process.exitCode = code;
});
