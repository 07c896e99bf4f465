/** Transfer encodings and charsets. UTF-7 is refused: it hides markup and commands in plain letters. */
import { TextDecoder } from 'node:util';

const ALIASES: Readonly<Record<string, string>> = {
  'us-ascii': 'windows-1252',
  ascii: 'windows-1252',
  ansi_x3_4_1968: 'windows-1252',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  cp932: 'shift_jis',
  'windows-932': 'shift_jis',
  cp936: 'gbk',
  gb2312: 'gbk',
  cp949: 'euc-kr',
  ks_c_5601: 'euc-kr',
  cp950: 'big5',
  'iso-8859-8-i': 'iso-8859-8',
};

/** A decoded text and whether its charset was one we know. */
export interface Decoded {
  readonly text: string;
  readonly known: boolean;
}

const decoderFor = (label: string): TextDecoder | null => {
  try {
    return new TextDecoder(ALIASES[label] ?? label);
  } catch {
    return null;
  }
};

/** Without a charset: UTF-8 where it is valid, else windows-1252. An unknown one is read the same way and reported. */
export const decodeText = (bytes: Buffer, charset: string | null): Decoded => {
  const label = (charset ?? '').trim().toLowerCase().replace(/^x-/, '');
  const guessed = label === '' || label === 'us-ascii' || label === 'ascii';
  const decoder = guessed || label.includes('utf-7') ? null : decoderFor(label);
  if (decoder) return { text: decoder.decode(bytes), known: true };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes), known: guessed };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), known: guessed };
  }
};

const decodeQuotedPrintable = (bytes: Buffer): Buffer => {
  const out = Buffer.alloc(bytes.length);
  const text = bytes.toString('latin1');
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code !== 0x3d) {
      out[length++] = code;
      continue;
    }
    const next = text.slice(at + 1, at + 3);
    if (/^[0-9a-fA-F]{2}$/.test(next)) {
      out[length++] = parseInt(next, 16);
      at += 2;
    } else if (next.startsWith('\n')) at += 1;
    else if (next === '\r\n') at += 2;
    else out[length++] = code;
  }
  return out.subarray(0, length);
};

/** Bytes of a whole part without its transfer encoding. */
export const decodeTransfer = (bytes: Buffer, encoding: string): Buffer => {
  if (encoding === 'base64') return Buffer.from(bytes.toString('latin1').replace(/[^A-Za-z0-9+/]/g, ''), 'base64');
  return encoding === 'quoted-printable' ? decodeQuotedPrintable(bytes) : bytes;
};

/** Decodes a part piece by piece; what one piece leaves unfinished is kept for the next. */
export class TransferDecoder {
  readonly #encoding: string;
  #rest = '';

  constructor(encoding: string, rest = '') {
    this.#encoding = encoding;
    this.#rest = rest;
  }

  /** Undecoded tail: with it and the position the work can go on later. */
  get rest(): string {
    return this.#rest;
  }

  push(bytes: Buffer, last: boolean): Buffer {
    if (this.#encoding !== 'base64' && this.#encoding !== 'quoted-printable') return bytes;
    const text = this.#rest + bytes.toString('latin1');
    const whole = this.#encoding === 'base64' ? text.replace(/[^A-Za-z0-9+/]/g, '') : text;
    const cut = last ? whole.length : this.#cutOf(whole);
    this.#rest = whole.slice(cut);
    return decodeTransfer(Buffer.from(whole.slice(0, cut), 'latin1'), this.#encoding);
  }

  #cutOf(whole: string): number {
    if (this.#encoding === 'base64') return whole.length - (whole.length % 4);
    const escape = whole.lastIndexOf('=');
    return escape >= 0 && whole.length - escape < 3 ? escape : whole.length;
  }
}
