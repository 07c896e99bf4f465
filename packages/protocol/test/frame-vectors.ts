/** Frames as they stand on the wire, and what a reader makes of each. docs/spec/wire.md prints the first ones. */
import type { Frame } from '../src/framing.js';

export interface FrameVector {
  readonly name: string;
  readonly wire: Buffer;
  readonly kind: Frame['kind'];
  /** The line, or the payload. */
  readonly content: Buffer;
  readonly type?: number;
}

const json = (name: string, line: string): FrameVector => ({
  name,
  wire: Buffer.from(`${line}\n`),
  kind: 'json',
  content: Buffer.from(line),
});

const binary = (name: string, wireHex: string, type: number, payload: Buffer): FrameVector => ({
  name,
  wire: Buffer.concat([Buffer.from(wireHex, 'hex'), payload]),
  kind: 'binary',
  content: payload,
  type,
});

export const FRAME_VECTORS: readonly FrameVector[] = [
  json('a request', '{"jsonrpc":"2.0","id":1,"method":"agent.hello","params":{"client":"example","protocol":1}}'),
  json('an answer', '{"jsonrpc":"2.0","id":1,"result":{"role":"default"}}'),
  json('a notification', '{"jsonrpc":"2.0","method":"lease.expiring","params":{"lease":"abcd"}}'),
  binary('a release request', '0100000004', 0x01, Buffer.from('deadbeef', 'hex')),
  binary('an empty payload', '0200000000', 0x02, Buffer.alloc(0)),
  binary('a payload of line feeds and braces', '0300000004', 0x03, Buffer.from('\n{}\n')),
  binary('the highest type', '1f00000001', 0x1f, Buffer.from([0x00])),
  json('a line with white space', '{ "jsonrpc" : "2.0" }\r'),
  json('characters of four bytes', '{"text":"\u{1f512}é"}'),
  json('an empty line', ''),
  json('a batch', '[{"jsonrpc":"2.0"}]'),
  json('bytes that are no text', String.fromCharCode(0x7f)),
  json('a line of 100,000 bytes', `{"text":"${'x'.repeat(99_989)}"}`),
  binary('a payload of 70,000 bytes', '0400011170', 0x04, Buffer.alloc(70_000, 0x7b)),
];
