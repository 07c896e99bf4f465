// The wire format of D-Bus as it is read and written here: vectors of the specification, every type, and hostile bytes. PRESENCE-9
import fc from 'fast-check';
import t from 'tap';
import { socketPath } from '../src/bus/bus.js';
import { append, CALL, formatMessage, lengthOf, parseMessage, SIGNAL } from '../src/bus/message.js';
import { endOfType, Reader, typesOf, WireError, type Value } from '../src/bus/reader.js';

const read = (type: string, bytes: Buffer, little = true): Value => new Reader(bytes, little).value(type);
const isRefused = (run: () => unknown): boolean => {
  try {
    run();
    return false;
  } catch (thrown) {
    return thrown instanceof WireError;
  }
};
const same = (type: string, value: Value): Value => read(type, append(Buffer.alloc(0), type, value));

t.test('the example of the specification: an array of 64 bit numbers, its padding not counted in its length', async (t) => {
  const bytes = Buffer.from('000000080000000000000000000000' + '05', 'hex');
  t.same(read('ax', bytes, false), [5n]);
});

t.test('a call as dbus-send writes it', async (t) => {
  const target = {
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'Hello',
  };
  const bytes = formatMessage({ type: CALL, serial: 1, ...target, body: [] });
  t.equal(bytes.length % 8, 0);
  t.equal(lengthOf(bytes), bytes.length);
  t.same(parseMessage(bytes), { type: CALL, serial: 1, ...target, body: [] });
  t.equal(bytes.toString('hex', 0, 16), '6c01000100000000010000006d000000');
});

t.test('signed, short, long and broken numbers, in both byte orders', async (t) => {
  const cases: readonly [string, string, Value][] = [
    ['y', 'ff', 255],
    ['n', 'fffe', -2],
    ['q', 'fffe', 65_534],
    ['i', 'fffffffe', -2],
    ['u', 'fffffffe', 4_294_967_294],
    ['x', 'fffffffffffffffe', -2n],
    ['t', 'fffffffffffffffe', 18_446_744_073_709_551_614n],
    ['d', '3ff8000000000000', 1.5],
    ['b', '00000001', true],
  ];
  for (const [type, hex, value] of cases) {
    t.equal(read(type, Buffer.from(hex, 'hex'), false), value, type);
    t.equal(read(type, Buffer.from(hex, 'hex').reverse(), true), value, type);
  }
});

t.test('nested values come back as they were', async (t) => {
  const changed: Value = [
    ['LockedHint', ['b', true]],
    ['Seat', ['(so)', ['seat0', '/org']]],
  ];
  t.same(same('a{sv}', changed), [
    ['LockedHint', true],
    ['Seat', ['seat0', '/org']],
  ]);
  t.same(same('a(susso)', [['1', 1000, 'ada', 'seat0', '/s']]), [['1', 1000, 'ada', 'seat0', '/s']]);
  t.same(same('as', []), []);
});

t.test('signatures are whole or refused', async (t) => {
  t.same(typesOf('sa{sv}(ii)aau'), ['s', 'a{sv}', '(ii)', 'aau']);
  for (const bad of ['(', '()', '{', 'a', '(i', 'z', ')', 'a{', `${'('.repeat(40)}i${')'.repeat(40)}`, 'a'.repeat(40) + 'i'])
    t.ok(
      isRefused(() => endOfType(bad, 0)),
      bad.slice(0, 20),
    );
});

t.test('what does not fit is refused: lengths, padding, booleans, texts, variants, nesting', async (t) => {
  const bad: readonly [string, string][] = [
    ['s', 'ffffffff61'],
    ['s', '0100000061'],
    ['s', '020000006100' + '6100'.slice(0, 2)],
    ['s', '01000000' + '0000'],
    ['b', '02000000'],
    ['as', 'ffffff7f'],
    ['au', '0300000001000000'],
    ['v', '0273730000'],
    ['v', '0000'],
    ['(yu)', '0101000001000000'],
  ];
  for (const [type, hex] of bad)
    t.ok(
      isRefused(() => read(type, Buffer.from(hex, 'hex'))),
      `${type} ${hex}`,
    );
  const deep = Buffer.concat([Buffer.from('017600'.repeat(100), 'hex'), Buffer.from('017900', 'hex'), Buffer.from([1])]);
  t.ok(
    isRefused(() => read('v', deep)),
    'variants within variants',
  );
});

t.test('no bytes do anything but throw a WireError or give a message', async () => {
  const good = formatMessage(
    { type: SIGNAL, serial: 1, sender: ':1.7', path: '/s', interface: 'a.b', member: 'C', body: ['x', [['y', ['b', true]]], []] },
    'sa{sv}as',
  );
  const mutated = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
    const bytes = Buffer.from(good);
    for (const [at, value] of changes) bytes[at] = value;
    return bytes;
  });
  const total = (bytes: Buffer): boolean => {
    try {
      const length = lengthOf(bytes);
      if (length !== null && length <= bytes.length) parseMessage(bytes.subarray(0, length));
      return true;
    } catch (thrown) {
      return thrown instanceof WireError;
    }
  };
  fc.assert(fc.property(mutated, total), { numRuns: 20_000 });
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      total,
    ),
    { numRuns: 20_000 },
  );
});

t.test('the bus is found by its address', async (t) => {
  t.equal(socketPath('unix:path=/run/dbus/system_bus_socket'), '/run/dbus/system_bus_socket');
  t.equal(socketPath('tcp:host=x;unix:guid=1,path=/a%20b'), '/a b');
  t.throws(() => socketPath('tcp:host=127.0.0.1'), /no unix:path/);
});
