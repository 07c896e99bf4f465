/** Server-sent events (HTML standard §9.2.6), bounded. */
import { refused } from './errors.js';
import { Lines } from './lines.js';
import { MCP_LIMITS } from './limits.js';

export interface StreamEvent {
  readonly data: string;
  readonly event: string;
}

export class EventStream {
  readonly #lines = new Lines(MCP_LIMITS.maxMessageBytes);
  readonly #taken: (event: StreamEvent) => void;
  #data: string[] = [];
  #chars = 0;
  #event = '';
  /** Of the last event that had one. */
  lastId: string | undefined;
  retryMs: number | undefined;

  constructor(taken: (event: StreamEvent) => void) {
    this.#taken = taken;
  }

  /** @throws AirlockError UPSTREAM_REFUSED too_large */
  take(piece: Buffer): void {
    const lines = this.#lines.take(piece);
    if (lines === null) throw refused('too_large');
    for (const line of lines) if (line !== null) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  #line(line: string): void {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#addData(value);
    else if (field === 'event') this.#event = value;
    else if (field === 'id' && value.length <= MCP_LIMITS.maxIdChars && /^[\x20-\x7e]*$/.test(value)) this.lastId = value;
    else if (field === 'retry' && /^[0-9]{1,7}$/.test(value)) this.retryMs = Number(value);
  }

  #addData(value: string): void {
    this.#chars += value.length;
    if (this.#chars > MCP_LIMITS.maxMessageBytes) throw refused('too_large');
    this.#data.push(value);
  }

  #end(): void {
    const [data, event] = [this.#data.join('\n'), this.#event];
    this.#data = [];
    this.#chars = 0;
    this.#event = '';
    if (data !== '') this.#taken({ data, event });
  }
}
