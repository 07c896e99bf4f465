/** Reads the MIME tree of a whole message in memory: where each part begins and ends. Depth and number are limited. */
import { parameterOf, parseFields, parseParametrised, type Fields } from './header.js';
import type { Part } from './part.js';

const MAX_DEPTH = 50;
const MAX_PARTS = 1000;
const MAX_HEADER_BYTES = 256 * 1024;

/** A part with its place in the message. */
export interface LocatedPart extends Part {
  /** Offsets into the message: body without its header, end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly children: readonly LocatedPart[];
}

interface Work {
  readonly bytes: Buffer;
  parts: number;
}

const headerEnd = (bytes: Buffer, start: number, end: number): number => {
  if (bytes[start] === 10) return start + 1;
  if (bytes[start] === 13 && bytes[start + 1] === 10) return start + 2;
  const candidates = ['\r\n\r\n', '\n\n'].map((mark) => {
    const at = bytes.subarray(start, end).indexOf(mark, 0, 'latin1');
    return at < 0 ? end : start + at + mark.length;
  });
  return Math.min(...candidates, end);
};

const isBlank = (bytes: Buffer, from: number, to: number): boolean =>
  /^[ \t\r]*$/.test(bytes.toString('latin1', from, Math.min(to, from + 200)));

/** Spans between the boundary lines (RFC 2046 §5.1.1). */
const spansOf = (message: Buffer, start: number, end: number, boundary: string): readonly (readonly [number, number])[] => {
  const bytes = message.subarray(0, end);
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  const spans: (readonly [number, number])[] = [];
  let open = -1;
  for (let at = bytes.indexOf(mark, start); at >= 0 && spans.length < MAX_PARTS; at = bytes.indexOf(mark, at + mark.length)) {
    if (at !== start && bytes[at - 1] !== 10) continue;
    const lineEnd = bytes.indexOf(10, at);
    const stop = lineEnd < 0 ? end : lineEnd;
    const closes = bytes.toString('latin1', at + mark.length, at + mark.length + 2) === '--';
    if (!isBlank(bytes, at + mark.length + (closes ? 2 : 0), stop)) continue;
    if (open >= 0) spans.push([open, Math.max(open, at - (bytes[at - 2] === 13 ? 2 : 1))]);
    open = closes ? -1 : Math.min(stop + 1, end);
    if (closes) break;
  }
  if (open >= 0) spans.push([open, end]);
  return spans;
};

const located = (fields: Fields, start: number, end: number, path: string): LocatedPart => {
  const content = parseParametrised(fields.get('content-type') ?? 'text/plain');
  const disposition = parseParametrised(fields.get('content-disposition') ?? '');
  return {
    path: path === '' ? '1' : path,
    type: /^[a-z0-9.+_-]+\/[a-z0-9.+_-]+$/.test(content.value) ? content.value : 'text/plain',
    charset: parameterOf(content.parameters, 'charset'),
    encoding: (fields.get('content-transfer-encoding') ?? '7bit').trim().toLowerCase(),
    encodedSize: end - start,
    disposition: disposition.value === '' ? null : disposition.value,
    filename: parameterOf(disposition.parameters, 'filename') ?? parameterOf(content.parameters, 'name'),
    contentId: fields.get('content-id') ?? null,
    children: [],
    start,
    end,
  };
};

const partAt = (work: Work, from: number, end: number, path: string, depth: number): LocatedPart => {
  work.parts += 1;
  const start = headerEnd(work.bytes, from, end);
  const fields = parseFields(work.bytes.subarray(from, Math.min(start, from + MAX_HEADER_BYTES)));
  const own = located(fields, start, end, path);
  const boundary = parseParametrised(fields.get('content-type') ?? '').parameters.get('boundary');
  if (!own.type.startsWith('multipart/') || boundary === undefined || boundary === '' || depth >= MAX_DEPTH) return own;
  const children: LocatedPart[] = [];
  for (const [childStart, childEnd] of spansOf(work.bytes, start, end, boundary)) {
    if (work.parts >= MAX_PARTS) break;
    children.push(partAt(work, childStart, childEnd, `${path === '' ? '' : `${path}.`}${children.length + 1}`, depth + 1));
  }
  return { ...own, path: '', children };
};

/** @returns the tree of the message; the numbers of its parts are those an IMAP server gives. */
export const parseMessage = (bytes: Buffer): { readonly fields: Fields; readonly root: LocatedPart } => {
  const end = headerEnd(bytes, 0, bytes.length);
  return {
    fields: parseFields(bytes.subarray(0, Math.min(end, MAX_HEADER_BYTES))),
    root: partAt({ bytes, parts: 0 }, 0, bytes.length, '', 0),
  };
};
