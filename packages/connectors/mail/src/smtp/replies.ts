/**
 * Replies of an SMTP server (RFC 5321 §4.2), read from bytes as they come.
 *
 * MAIL-34 A line (2 KiB), a reply (100 lines) and a dialogue (256 KiB) have limits; a reply whose lines have several codes is none.
 */
import { LIMITS } from '../limits.js';

export interface Reply {
  readonly code: number;
  /** What stands behind the code, line by line; looked at for capabilities and never repeated. */
  readonly lines: readonly string[];
}

/** The server broke the protocol, or does more than is read. */
export class SmtpViolation extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'SmtpViolation';
  }
}

const LINE = /^([2-5][0-9]{2})(?:([ -])([^\0\r]*))?$/;

/** `feed` throws SmtpViolation and must not be called again after that. */
export class Replies {
  #held = '';
  #bytes = 0;
  #code = '';
  #lines: string[] = [];

  /** Part of a reply came, and not the whole. */
  get isHalf(): boolean {
    return this.#held !== '' || this.#lines.length > 0;
  }

  feed(bytes: Buffer): readonly Reply[] {
    this.#bytes += bytes.length;
    if (this.#bytes > LIMITS.maxSmtpBytes) throw new SmtpViolation('too much');
    this.#held += bytes.toString('latin1');
    const lines = this.#held.split('\n');
    this.#held = lines.pop() ?? '';
    if (this.#held.length > LIMITS.maxSmtpLineBytes) throw new SmtpViolation('line too long');
    return lines.flatMap((line) => this.#take(line.replace(/\r$/, '')));
  }

  #take(line: string): readonly Reply[] {
    if (line.length > LIMITS.maxSmtpLineBytes) throw new SmtpViolation('line too long');
    const [, code, mark = ' ', text = ''] = LINE.exec(line) ?? [];
    if (code === undefined || (this.#lines.length > 0 && code !== this.#code)) throw new SmtpViolation('no reply');
    this.#code = code;
    this.#lines.push(text);
    if (this.#lines.length > LIMITS.maxSmtpLines) throw new SmtpViolation('too many lines');
    if (mark === '-') return [];
    const reply = { code: Number(code), lines: this.#lines };
    this.#lines = [];
    return [reply];
  }
}
