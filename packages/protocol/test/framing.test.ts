import t from 'tap';
import { FrameReader, encodeBinaryFrame, encodeJsonFrame, encodeJsonText, type Frame } from '../src/framing.js';
import { LIMITS } from '../src/limits.js';
import { parseJsonStrict } from '../src/json.js';
import { FRAME_VECTORS, type FrameVector } from './frame-vectors.js';

const BOTH = { maxJsonBytes: LIMITS.maxFrameInBytes, maxBinaryBytes: LIMITS.maxBinaryFrameBytes };

const feed = (wire: Buffer, pieceBytes: number, limits = BOTH): Frame[] => {
  const reader = new FrameReader(limits);
  const frames: Frame[] = [];
  for (let at = 0; at < wire.length; at += pieceBytes) frames.push(...reader.push(wire.subarray(at, at + pieceBytes)));
  return frames;
};

/** What a frame is, in a form that can be compared. */
const shapeOf = (frame: Frame | undefined): string => {
  if (frame === undefined) return 'none';
  if (frame.kind === 'refused') return `refused ${frame.error.code}`;
  return frame.kind === 'json' ? `json ${frame.bytes.toString('hex')}` : `binary ${frame.type} ${frame.payload.toString('hex')}`;
};

const expectedOf = (vector: FrameVector): string =>
  vector.kind === 'json'
    ? `json ${vector.content.toString('hex')}`
    : `binary ${vector.type ?? 0} ${vector.content.toString('hex')}`;

t.test('WIRE-1: every vector whole, byte by byte, in odd pieces, and glued to the next', async (t) => {
  for (const [index, vector] of FRAME_VECTORS.entries()) {
    const expected = expectedOf(vector);
    for (const pieceBytes of [vector.wire.length, 1, 3, 7, 4096]) {
      const frames = feed(vector.wire, pieceBytes);
      t.equal(frames.length, 1, `${vector.name}: one frame in pieces of ${pieceBytes}`);
      t.ok(shapeOf(frames[0]) === expected, `${vector.name}: as sent in pieces of ${pieceBytes}`);
    }
    const next = FRAME_VECTORS[(index + 1) % FRAME_VECTORS.length] ?? vector;
    const glued = Buffer.concat([vector.wire, next.wire]);
    for (const pieceBytes of [glued.length, 1, vector.wire.length + 1, Math.max(1, vector.wire.length - 1)]) {
      const shapes = feed(glued, pieceBytes).map(shapeOf);
      t.ok(
        shapes[0] === expected && shapes[1] === expectedOf(next) && shapes.length === 2,
        `${vector.name} glued, pieces of ${pieceBytes}`,
      );
    }
  }
});

t.test('a frame without its end is held and said to be partial', async (t) => {
  for (const vector of FRAME_VECTORS) {
    const reader = new FrameReader(BOTH);
    t.equal(reader.isPartial, false);
    t.same(reader.push(vector.wire.subarray(0, -1)), [], vector.name);
    t.equal(reader.isPartial, vector.wire.length > 1);
    t.equal(reader.push(vector.wire.subarray(-1)).length, 1, vector.name);
    t.equal(reader.isPartial, false);
  }
});

t.test('WIRE-2: above the limit is refused, at the limit is not, in any delivery', async (t) => {
  const limits = { maxJsonBytes: 100, maxBinaryBytes: 50 };
  const line = (bytes: number): Buffer => Buffer.from(`${'{'.repeat(bytes)}\n`);
  for (const pieceBytes of [1, 7, 1000]) {
    t.equal(feed(line(100), pieceBytes, limits)[0]?.kind, 'json');
    t.equal(shapeOf(feed(line(101), pieceBytes, limits)[0]), 'refused FRAME_TOO_LARGE');
    t.equal(shapeOf(feed(Buffer.alloc(101, 0x7b), pieceBytes, limits)[0]), 'refused FRAME_TOO_LARGE', 'before its end has come');
    t.equal(feed(encodeBinaryFrame(1, Buffer.alloc(50)), pieceBytes, limits)[0]?.kind, 'binary');
    t.equal(shapeOf(feed(encodeBinaryFrame(1, Buffer.alloc(51)), pieceBytes, limits)[0]), 'refused FRAME_TOO_LARGE');
    t.equal(
      shapeOf(feed(Buffer.from('01ffffffff', 'hex'), pieceBytes, limits)[0]),
      'refused FRAME_TOO_LARGE',
      'by its length alone',
    );
  }
});

t.test('WIRE-2: after a refused frame the reader takes nothing more', async (t) => {
  const reader = new FrameReader({ maxJsonBytes: 10, maxBinaryBytes: 0 });
  const frames = reader.push(Buffer.from(`{}\n${'x'.repeat(11)}\n{}\n`));
  t.same(
    frames.map((frame) => frame.kind),
    ['json', 'refused'],
  );
  t.same(reader.push(Buffer.from('{}\n')), []);
  t.equal(reader.isPartial, false);
});

t.test('WIRE-8: a kind the socket does not speak is refused', async (t) => {
  t.equal(
    shapeOf(feed(encodeBinaryFrame(1, Buffer.alloc(3)), 100, { maxJsonBytes: 100, maxBinaryBytes: 0 })[0]),
    'refused FRAME_INVALID',
  );
  t.equal(shapeOf(feed(Buffer.from('{}\n'), 100, { maxJsonBytes: 0, maxBinaryBytes: 100 })[0]), 'refused FRAME_INVALID');
});

type CopyArguments = [target: Uint8Array, targetStart?: number, sourceStart?: number, sourceEnd?: number];

t.test('a megabyte byte by byte is copied a constant number of times', async (t) => {
  const reader = new FrameReader(BOTH);
  const piece = Buffer.from('x');
  let copied = 0;
  const prototype = Buffer.prototype as { copy: (this: Buffer, ...args: CopyArguments) => number };
  const { copy } = prototype;
  prototype.copy = function (...args) {
    const count = copy.apply(this, args);
    copied += count;
    return count;
  };
  t.teardown(() => (prototype.copy = copy));
  for (let sent = 0; sent < 1_000_000; sent += 1) reader.push(piece);
  const frames = reader.push(Buffer.from('\n'));
  prototype.copy = copy;
  t.equal(frames[0]?.kind, 'json');
  t.ok(copied < 4_000_000, `${copied} bytes copied for 1,000,000`);
});

t.test('encoders write what readers take', async (t) => {
  t.equal(shapeOf(feed(encodeJsonFrame({ a: 'x\ny' }), 1)[0]), `json ${Buffer.from('{"a":"x\\ny"}').toString('hex')}`);
  t.equal(encodeJsonText(undefined), '{}');
  for (const type of [0, 0x0a, 0x20, 0x7b, 256, -1])
    t.throws(() => encodeBinaryFrame(type, Buffer.alloc(0)), RangeError, `type ${type}`);
  t.throws(() => encodeBinaryFrame(1, Buffer.alloc(LIMITS.maxBinaryFrameBytes + 1)), RangeError);
});

t.test('what we send can be parsed strictly: surrogates and prototype keys are repaired', async (t) => {
  const cut = '\u{1f512}'.slice(0, 1);
  const hostile = JSON.parse(`{"__proto__":{"admin":true},"a":"x","list":[{"__proto__":1,"b":2}]}`) as object;
  const parsed = parseJsonStrict(Buffer.from(encodeJsonText({ cut, literal: '\\ud800', key: { [cut]: 1 }, hostile })));
  t.same(parsed, { cut: '\ufffd', literal: '\\ud800', key: { '\ufffd': 1 }, hostile: { a: 'x', list: [{ b: 2 }] } });
  t.equal(encodeJsonText('says "__proto__": x'), JSON.stringify('says "__proto__": x'));
});
