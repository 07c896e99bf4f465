// Whose answers count on the bus: serials alone can be guessed by anybody who may send to us. PRESENCE-9
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { BUS, busTarget, openBus, type Bus, type Target } from '../src/bus/bus.js';
import { ERROR, formatMessage, lengthOf, parseMessage, RETURN, type Message } from '../src/bus/message.js';

const OWNER = ':1.7';
const LOGIND: Target = { destination: 'org.freedesktop.login1', path: '/a', interface: 'a.b', member: 'Get' };

const answer = (to: Message, sender: string | undefined, text: string): Buffer =>
  formatMessage(
    { type: RETURN, serial: 1, replySerial: to.serial, ...(sender === undefined ? {} : { sender }), body: [text] },
    's',
  );
const refusal = (to: Message, sender: string): Buffer =>
  formatMessage({
    type: ERROR,
    serial: 1,
    replySerial: to.serial,
    sender,
    errorName: `a.${sender.replace(/\W/g, '')}`,
    body: [],
  });

/** A bus that lets us in, and answers everything but Hello with these bytes. */
const busOf = async (t: { teardown(run: () => void): void }, answers: (to: Message) => readonly Buffer[]): Promise<Bus> => {
  const dir = mkdtempSync(join(tmpdir(), 'airlock-bus-'));
  const serve = (socket: Socket): void => {
    let bytes: Buffer = Buffer.alloc(0);
    let isBegun = false;
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!isBegun && bytes.includes('AUTH') && !bytes.includes('BEGIN')) socket.write('OK 0123\r\n');
      const begin = bytes.indexOf('BEGIN\r\n');
      if (!isBegun && begin < 0) return;
      if (!isBegun) bytes = bytes.subarray(begin + 7);
      isBegun = true;
      for (let length = lengthOf(bytes); length !== null && bytes.length >= length; length = lengthOf(bytes)) {
        const message = parseMessage(bytes.subarray(0, length));
        bytes = bytes.subarray(length);
        for (const one of message.member === 'Hello' ? [answer(message, BUS, ':1.99')] : answers(message)) socket.write(one);
      }
    });
  };
  const server = createServer(serve);
  const path = join(dir, 'bus');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const bus = await openBus(`unix:path=${path}`, {
    isHeard: (sender) => sender === BUS || sender === OWNER,
    onSignal: () => undefined,
    onClose: () => undefined,
  });
  t.teardown(() => {
    bus.close('the test is over');
    server.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return bus;
};

t.test('PRESENCE-9: the answer of whoever was not asked is passed over, whatever serial it names', async (t) => {
  const forged = (to: Message): Buffer[] => [
    answer(to, ':1.66', 'forged'),
    refusal(to, ':1.66'),
    answer(to, undefined, 'nobody'),
  ];
  const bus = await busOf(t, (to) => [...forged(to), answer(to, OWNER, 'logind'), answer(to, BUS, 'bus')]);
  t.same(await bus.call(LOGIND, 'x'), ['logind']);
  t.same(await bus.call(busTarget('GetNameOwner'), 'x'), ['bus'], 'logind does not answer for the bus');
});

t.test('negative control: the bus itself says that nobody answers', async (t) => {
  const bus = await busOf(t, (to) => [refusal(to, ':1.66'), refusal(to, BUS)]);
  await t.rejects(bus.call(LOGIND, 'x'), { message: 'a.orgfreedesktopDBus' });
});
