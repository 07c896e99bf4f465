/**
 * What /dev/tpmrm0 is in front of a TPM, in front of swtpm: whoever talks to it next finds no session and no object of who talked
 * before. systemd leaves its sessions to the kernel's resource manager, and swtpm alone has room for three.
 * Run as: node tpm-broker.js SOCKET SWTPM_SOCKET. Beside each is its control socket, SOCKET.ctrl.
 */
import { connect, createServer } from 'node:net';

const STARTUP = 0x144;
/** Commands whose answer names something that stays in the TPM: StartAuthSession, CreatePrimary, Load. */
const MAKERS: ReadonlySet<number> = new Set([0x176, 0x131, 0x157]);
const FLUSH_CONTEXT = 0x165;
const NO_SESSIONS = 0x8001;
const HEADER_BYTES = 10;

const held = new Set<number>();

const flush = (handle: number): Buffer => {
  const command = Buffer.alloc(HEADER_BYTES + 4);
  command.writeUInt16BE(NO_SESSIONS, 0);
  command.writeUInt32BE(command.length, 2);
  command.writeUInt32BE(FLUSH_CONTEXT, 6);
  command.writeUInt32BE(handle, HEADER_BYTES);
  return command;
};

const [, , path = '', tpm = ''] = process.argv;

/** One command, one answer: both say their length in their header. */
const send = (command: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    let answer: Buffer = Buffer.alloc(0);
    const link = connect(tpm, () => link.write(command));
    link.on('error', reject).on('data', (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      if (answer.length < HEADER_BYTES || answer.length < answer.readUInt32BE(2)) return;
      link.destroy();
      resolve(answer);
    });
  });

const forward = async (command: Buffer): Promise<Buffer> => {
  const code = command.readUInt32BE(6);
  if (code === STARTUP) {
    for (const handle of held) await send(flush(handle));
    held.clear();
  }
  const answer = await send(command);
  if (MAKERS.has(code) && answer.readUInt32BE(6) === 0) held.add(answer.readUInt32BE(HEADER_BYTES));
  return answer;
};

let last: Promise<unknown> = Promise.resolve();
createServer((socket) => {
  let command: Buffer = Buffer.alloc(0);
  socket
    .on('error', () => undefined)
    .on('data', (bytes) => {
      command = Buffer.concat([command, bytes]);
      if (command.length < HEADER_BYTES || command.length < command.readUInt32BE(2)) return;
      const whole = command;
      command = Buffer.alloc(0);
      last = last
        .then(() => forward(whole))
        .then(
          (answer) => socket.write(answer),
          () => socket.destroy(),
        );
    });
}).listen(path);

createServer((socket) => {
  const link = connect(`${tpm}.ctrl`);
  for (const [from, to] of [
    [socket, link],
    [link, socket],
  ] as const)
    from.on('error', () => to.destroy()).pipe(to);
}).listen(`${path}.ctrl`);

/** As the kernel before it switches off: a TPM that loses power without it takes that for an attack, and soon locks. */
const SHUTDOWN = Buffer.from('80010000000c000001450000', 'hex');
process.once('SIGTERM', () => {
  void last
    .then(() => send(SHUTDOWN))
    .catch(() => undefined)
    .then(() => process.exit(0));
});
