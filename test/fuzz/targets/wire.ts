/** What comes over a socket of ours: frames, JSON, lease texts, scopes. */
import { isDeepStrictEqual } from 'node:util';
import {
  encodeBinaryFrame,
  encodeJsonText,
  formatScope,
  FrameReader,
  parseJsonStrict,
  parseScope,
  type Frame,
} from '@airlock/protocol';
import { asLeaseKey, openLease, parseLease } from '@airlock/lease';
import { golden, texts } from '../seeds.js';
import { hold, refusal, type Target } from '../target.js';

const LIMITS = { maxJsonBytes: 4096, maxBinaryBytes: 2048 };
const HELLO = '{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"x","protocol":1}}';
const CALL =
  '{"jsonrpc":"2.0","id":"b","method":"call","params":{"lease":"al1.e.f","service":"mail","operation":"list","params":{"limit":5,"q":"caf\\u00e9"}}}';

const inPieces = (input: Buffer, size: number): { readonly frames: readonly Frame[]; readonly held: number } => {
  const reader = new FrameReader(LIMITS);
  const frames: Frame[] = [];
  let held = 0;
  for (let at = 0; at < input.length; at += size) {
    const got = reader.push(Buffer.from(input.subarray(at, at + size)));
    frames.push(...got.map((frame) => (frame.kind === 'json' ? { ...frame, bytes: Buffer.from(frame.bytes) } : frame)));
    held = Math.max(held, reader.heldBytes);
  }
  return { frames, held };
};

const frameText = (frame: Frame): string => {
  if (frame.kind === 'refused') return `refused ${frame.error.code}`;
  return frame.kind === 'json' ? `json ${frame.bytes.toString('hex')}` : `${frame.type} ${frame.payload.toString('hex')}`;
};

const frames: Target = {
  name: 'frames',
  seeds: [
    Buffer.from(`${HELLO}\n${CALL}\n`),
    Buffer.concat([encodeBinaryFrame(4, Buffer.alloc(40, 7)), Buffer.from(`${HELLO}\n`)]),
  ],
  tokens: ['\x04\0\0\0\x05', '\x1f\xff\xff\xff\xff', '\n\n', HELLO],
  run: (input) => {
    const whole = inPieces(input, Math.max(1, input.length)).frames.map(frameText);
    for (const size of [1, 7]) {
      const { frames: pieces, held } = inPieces(input, size);
      hold(isDeepStrictEqual(pieces.map(frameText), whole), `pieces of ${size} make other frames`);
      hold(held <= 4 * LIMITS.maxJsonBytes, `${held} bytes are held`);
    }
    return whole.length;
  },
  refuses: () => false,
};

const json: Target = {
  name: 'json',
  seeds: texts(HELLO, CALL, '{"a":[1,2.5e3,true,null,"\\ud83d\\ude00"],"b":{"c":{}}}'),
  tokens: ['"a":1,', '\\ud800', '__proto__', '[[[[[[[[', '1e400', '\\u005f', '\\"'],
  run: (input) => {
    const value = parseJsonStrict(input);
    hold(isDeepStrictEqual(value, JSON.parse(input.toString('utf8'))), 'another value than JSON.parse reads');
    // JSON has no negative zero to write back.
    const plain: unknown = JSON.parse(JSON.stringify(value));
    hold(isDeepStrictEqual(parseJsonStrict(Buffer.from(encodeJsonText(value))), plain), 'what is written back reads otherwise');
    return typeof value;
  },
  refuses: refusal('FRAME_INVALID'),
};

interface GoldenLease {
  readonly key: string;
  readonly issued: string;
  readonly narrowed: string;
}
const { key, issued, narrowed } = golden('lease') as GoldenLease;
const GENUINE: ReadonlySet<string> = new Set([issued, narrowed]);

const lease: Target = {
  name: 'lease',
  seeds: texts(issued, narrowed),
  tokens: ['al1.', 'al2.', '.', '=', '-', '_', 'eyJ2IjoxfQ'],
  run: (input) => {
    const text = input.toString('utf8');
    const { payload } = parseLease(text);
    try {
      openLease(asLeaseKey(Buffer.from(key, 'hex')), text);
    } catch (thrown) {
      hold(!GENUINE.has(text), 'a genuine lease is refused');
      throw thrown;
    }
    hold(GENUINE.has(text), 'a text that nobody minted is opened');
    return payload.v;
  },
  refuses: refusal('LEASE_INVALID'),
};

const scope: Target = {
  name: 'scope',
  seeds: texts('gmail:read', 'mail:write:send_message', 'calendar:use:list'),
  tokens: [':', '*', 'read', 'write', '_'],
  run: (input) => {
    const text = formatScope(parseScope(input.toString('utf8')));
    hold(formatScope(parseScope(text)) === text, 'a scope has two canonical forms');
    return 1;
  },
  refuses: refusal('PARAMS_INVALID'),
};

export const WIRE: readonly Target[] = [frames, json, lease, scope];
