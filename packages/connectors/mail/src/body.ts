/** The body of a message as clean text, from the bytes of its text parts. */
import type { Json } from '@airlock/protocol';
import { decodeText, decodeTransfer } from './mime/decode.js';
import { bodyParts, type Part } from './mime/part.js';
import { cleanText, cutChars } from './text/clean.js';
import { htmlToText } from './text/html.js';

/** Bytes of a part in transfer encoding, possibly not all of them. */
export type ReadPart = (part: Part) => Promise<{ readonly bytes: Buffer; readonly complete: boolean }>;

interface Text {
  readonly text: string;
  readonly truncated: boolean;
  readonly hidden: boolean;
  readonly known: boolean;
}

const MAX_TEXT_PARTS = 10;

const textOfPart = async (part: Part, read: ReadPart): Promise<Text> => {
  const { bytes, complete } = await read(part);
  const { text, known } = decodeText(decodeTransfer(bytes, part.encoding), part.charset);
  if (part.type !== 'text/html') return { text: text.trim(), truncated: !complete, hidden: false, known };
  const plain = htmlToText(text);
  return { text: plain.text, truncated: !complete || plain.truncated, hidden: plain.hiddenDropped, known };
};

const joined = async (parts: readonly Part[], read: ReadPart): Promise<Text> => {
  const texts: Text[] = [];
  for (const part of parts.slice(0, MAX_TEXT_PARTS)) texts.push(await textOfPart(part, read));
  return {
    text: texts
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join('\n\n'),
    truncated: parts.length > MAX_TEXT_PARTS || texts.some(({ truncated }) => truncated),
    hidden: texts.some(({ hidden }) => hidden),
    known: texts.every(({ known }) => known),
  };
};

/** Plain text where there is any, else the visible text of the HTML. */
export const bodyJson = async (root: Part, maxChars: number, read: ReadPart): Promise<Readonly<Record<string, Json>>> => {
  let parts = bodyParts(root, 'text/plain');
  let body = await joined(parts, read);
  const html = body.text === '' ? bodyParts(root, 'text/html') : [];
  if (html.some(({ path }) => !parts.some((part) => part.path === path))) {
    parts = html;
    body = await joined(parts, read);
  }
  const text = cleanText(body.text).trim();
  return {
    body: cutChars(text, maxChars),
    body_type: parts.length === 0 ? 'none' : parts.some(({ type }) => type === 'text/html') ? 'text/html' : 'text/plain',
    truncated: body.truncated || text.length > maxChars,
    hidden_text_dropped: body.hidden,
    charset_unknown: !body.known,
  };
};
