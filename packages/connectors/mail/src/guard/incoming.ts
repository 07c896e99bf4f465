/**
 * What the server sends, limited and put into a plain form before node-imap sees it.
 *
 * MAIL-6  A line, a literal, an answer as a whole and the nesting of parentheses have limits (limits.ts); at the first
 *         byte beyond one the connection closes. An announced literal is judged by its announcement.
 * MAIL-7  Only answers that our commands can have pass; free text of the server never does.
 */
import { LIMITS } from '../limits.js';
import { FetchLine } from './fetch-line.js';
import { parseListLine, type ListedFolder } from './folder-line.js';
import { reducedStatus, refusalOf, type Refusal } from './text-code.js';
import { WireViolation } from './violation.js';

export interface IncomingEvents {
  /** Bytes for node-imap. */
  readonly forward: (bytes: Buffer) => void;
  readonly folder: (folder: ListedFolder) => void;
  readonly continuation: () => void;
  readonly tagged: (tag: string, refusal: Refusal | null) => void;
}

const ANNOUNCED = / ?\{([0-9]+)\+?\}$/;
const CAPABILITIES = new Set(['IMAP4REV1', 'LOGINDISABLED', 'ESEARCH', 'X-GM-EXT-1']);
const STATUS_ANSWER = /\((?:(?:MESSAGES|RECENT|UNSEEN|UIDVALIDITY|UIDNEXT) [0-9]{1,10} ?)*\)$/i;

const refuse = (reason: string): never => {
  throw new WireViolation('server', reason);
};

/** A line in the making: grows by doubling, so that a line of single bytes costs no more than any other. */
class HeldLine {
  #bytes = Buffer.alloc(1024);
  length = 0;

  add(piece: Buffer): void {
    if (this.length + piece.length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(this.#bytes.length * 2, this.length + piece.length));
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    piece.copy(this.#bytes, this.length);
    this.length += piece.length;
  }

  head(): string {
    return this.#bytes.toString('latin1', 0, Math.min(40, this.length));
  }

  take(): string {
    const text = this.#bytes.toString('latin1', 0, this.length);
    this.length = 0;
    if (this.#bytes.length > LIMITS.maxLineBytes) this.#bytes = Buffer.alloc(1024);
    return text;
  }
}

/** Parser of the server's side. `feed` throws WireViolation and must not be called again after that. */
export class Incoming {
  readonly #events: IncomingEvents;
  readonly #held = new HeldLine();
  #answerBytes = 0;
  #untaggedBytes = 0;
  #folders = 0;
  #lineLimit: number = LIMITS.maxLineBytes;
  #fetch: FetchLine | null = null;
  #line = '';
  #literal: { left: number; readonly parts: Buffer[] | null } | null = null;

  constructor(events: IncomingEvents) {
    this.#events = events;
  }

  /** A command has left: what follows is its answer. */
  answerBegins(): void {
    this.#answerBytes = 0;
    this.#untaggedBytes = 0;
    this.#folders = 0;
  }

  feed(bytes: Buffer): void {
    this.#answerBytes += bytes.length;
    if (this.#answerBytes > LIMITS.maxAnswerBytes) refuse('answer too large');
    for (let at = 0; at < bytes.length;) at = this.#literal ? this.#takeLiteral(bytes, at) : this.#takeLine(bytes, at);
  }

  #takeLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(10, from);
    const piece = bytes.subarray(from, end < 0 ? bytes.length : end + 1);
    if (this.#held.length < 40) this.#lineLimit = this.#limitOfLine(piece);
    if (this.#held.length + piece.length > this.#lineLimit) refuse('line too long');
    this.#held.add(piece);
    if (end < 0) return bytes.length;
    this.#segment(this.#held.take().replace(/\r?\n$/, ''));
    return end + 1;
  }

  /** Search results and FETCH answers may be long; everything else is short. */
  #limitOfLine(piece: Buffer): number {
    if (this.#fetch) return LIMITS.maxFetchLineBytes;
    const head = this.#held.head() + piece.toString('latin1', 0, 40);
    if (/^\* SEARCH/i.test(head)) return LIMITS.maxSearchLineBytes;
    return /^\* [0-9]{1,10} FETCH/i.test(head) ? LIMITS.maxFetchLineBytes : LIMITS.maxLineBytes;
  }

  #segment(text: string): void {
    const announced = ANNOUNCED.exec(text);
    const head = announced ? text.slice(0, announced.index + (announced[0].startsWith(' ') ? 1 : 0)) : text;
    if (this.#fetch === null && this.#line === '') this.#begin(head);
    else if (this.#fetch) this.#fetch.segment(head);
    else this.#line += head;
    if (announced) this.#announce(announced[1] ?? '');
    else this.#endAnswer();
  }

  #begin(text: string): void {
    const found = /^\* ([0-9]{1,10}) FETCH (?=\()/i.exec(text);
    if (!found?.[1]) {
      this.#line = text;
      return;
    }
    this.#send(`* ${found[1]} FETCH `);
    this.#fetch = new FetchLine((out) => this.#send(out));
    this.#fetch.segment(text.slice(found[0].length));
  }

  #announce(digits: string): void {
    const size = digits.length > 9 ? Infinity : Number(digits);
    const isBody = this.#fetch?.expectsBody === true;
    if (size > (isBody ? LIMITS.maxBodyLiteralBytes : LIMITS.maxTextLiteralBytes)) refuse('literal too large');
    if (!this.#fetch && !/^\* (?:LIST|STATUS) /i.test(this.#line)) refuse('literal where none may be');
    if (isBody) this.#fetch?.announceBody(size);
    this.#literal = { left: size, parts: isBody ? null : [] };
    if (size === 0) this.#literalEnds();
  }

  #takeLiteral(bytes: Buffer, from: number): number {
    const literal = this.#literal ?? refuse('no literal');
    const piece = bytes.subarray(from, from + literal.left);
    literal.left -= piece.length;
    if (literal.parts) literal.parts.push(Buffer.from(piece));
    else this.#events.forward(Buffer.from(piece));
    if (literal.left === 0) this.#literalEnds();
    return from + piece.length;
  }

  #literalEnds(): void {
    const parts = this.#literal?.parts;
    this.#literal = null;
    if (!parts) return;
    const bytes = Buffer.concat(parts);
    if (this.#fetch) this.#fetch.textLiteral(bytes);
    else this.#folderOrStatus(bytes.toString('latin1'));
  }

  #folderOrStatus(literal: string): void {
    if (/^\* STATUS /i.test(this.#line)) return;
    this.#listed(parseListLine(this.#line.slice(2), literal));
    this.#line = '* ';
  }

  #endAnswer(): void {
    const line = this.#line;
    this.#line = '';
    if (this.#fetch) {
      this.#fetch.end();
      this.#fetch = null;
    } else if (line.startsWith('* ')) this.#untagged(line.slice(2));
    else if (line.startsWith('+')) this.#continued();
    else this.#tagged(line);
  }

  #continued(): void {
    this.#events.continuation();
    this.#send('+ .\r\n');
  }

  #tagged(line: string): void {
    const found = /^(A[0-9]{1,16}|NOOP) (.*)$/.exec(line);
    if (found?.[1] === undefined) return refuse('line that is no answer');
    const rest = found[2] ?? '';
    const status = reducedStatus(rest) ?? refuse('tagged answer without status');
    this.#events.tagged(found[1], status.startsWith('OK') ? null : refusalOf(rest));
    this.#send(`${found[1]} ${status}\r\n`);
  }

  #listed(folder: ListedFolder | null): void {
    if (folder === null) return;
    if (++this.#folders > LIMITS.maxListedFolders) refuse('too many folders');
    this.#events.folder(folder);
  }

  #untagged(rest: string): void {
    this.#untaggedBytes += rest.length;
    if (this.#untaggedBytes > LIMITS.maxUntaggedBytes) refuse('answer too large');
    const status = reducedStatus(rest);
    if (status !== null) {
      if (status.startsWith('BYE')) this.#events.tagged('*', refusalOf(rest));
      if (status.startsWith('PREAUTH')) refuse('logged in before login');
      this.#send(`* ${status}\r\n`);
      return;
    }
    const plain = plainAnswer(rest);
    if (plain !== null) this.#send(`* ${plain}\r\n`);
    if (/^LIST /i.test(rest)) this.#listed(parseListLine(rest, null));
  }

  #send(text: string): void {
    if (text !== '') this.#events.forward(Buffer.from(text, 'latin1'));
  }
}

/** The untagged answers that node-imap may see, in their plainest form; null: left out. */
const plainAnswer = (rest: string): string | null => {
  const count = /^([0-9]{1,10}) (EXISTS|RECENT|EXPUNGE)$/i.exec(rest.trimEnd());
  if (count) return count[0].toUpperCase();
  if (/^CAPABILITY /i.test(rest)) {
    const names = rest.toUpperCase().split(' ').slice(1);
    return `CAPABILITY ${names.filter((name) => CAPABILITIES.has(name)).join(' ')}`.trim();
  }
  if (/^SEARCH/i.test(rest))
    return /^SEARCH(?: [0-9]{1,10})* *$/i.test(rest) ? rest.trimEnd().toUpperCase() : refuse('unreadable SEARCH answer');
  const counted = /^ESEARCH \(TAG "(A[0-9]{1,16})"\)(?: UID)?(?: COUNT ([0-9]{1,10}))?$/i.exec(rest.trimEnd());
  if (counted?.[1]) return `ESEARCH (TAG "${counted[1]}") COUNT ${counted[2] ?? '0'}`;
  const status = /^STATUS /i.test(rest) ? STATUS_ANSWER.exec(rest.trimEnd()) : null;
  return status ? `STATUS x ${status[0].toUpperCase()}` : null;
};
