/** A TLS front before Dovecot that writes down every command a client sends, but no secret. */
import { appendFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createServer, type Server } from 'node:tls';

/** Commands whose arguments are secrets. */
const SECRET = new Set(['LOGIN', 'AUTHENTICATE']);

/** Splits what a client sends into commands; octets of literals belong to no line. */
export class CommandReader {
  #rest = Buffer.alloc(0);
  #literal = 0;
  #line = '';
  #continuation = false;

  /** @returns the commands that are complete, without their tags; `?` stands for what is no command */
  push(chunk: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const found: string[] = [];
    for (;;) {
      if (this.#literal > 0) {
        const taken = Math.min(this.#literal, this.#rest.length);
        this.#rest = this.#rest.subarray(taken);
        this.#literal -= taken;
        if (this.#literal > 0) return found;
      }
      const end = this.#rest.indexOf('\r\n');
      if (end < 0) return found;
      this.#line += this.#rest.subarray(0, end).toString('latin1');
      this.#rest = this.#rest.subarray(end + 2);
      const literal = /\{(\d+)\+?\}$/.exec(this.#line);
      if (literal) this.#literal = Number(literal[1]);
      else found.push(...this.#take());
    }
  }

  #take(): string[] {
    const line = this.#line;
    this.#line = '';
    if (this.#continuation) {
      this.#continuation = false;
      return [];
    }
    const [, tag, verb = '', rest = ''] = /^(\S+) (\S+)(.*)$/.exec(line) ?? [];
    if (tag === undefined) return [`? ${line}`];
    const upper = verb.toUpperCase();
    this.#continuation = upper === 'AUTHENTICATE' && rest.trim().split(' ').length < 2;
    return [SECRET.has(upper) ? upper : `${upper}${rest}`];
  }
}

/** @param target port of a plain IMAP server on the same machine */
export const startRecorder = (
  identity: { key: string; cert: string },
  port: number,
  target: number,
  log: string,
): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer(identity, (client) => {
      const upstream = connect(target, '127.0.0.1');
      const reader = new CommandReader();
      client.on('data', (chunk: Buffer) => {
        for (const command of reader.push(chunk)) appendFileSync(log, `${command}\n`);
      });
      client.pipe(upstream).pipe(client);
      for (const end of [client, upstream]) {
        end.on('error', () => undefined);
        end.on('close', () => (client.destroy(), upstream.destroy()));
      }
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
