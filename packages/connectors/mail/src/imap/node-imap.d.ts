/** The part of node-imap 0.9.6 that is used here; it ships no types. */
declare module 'node-imap' {
  import type { EventEmitter } from 'node:events';
  import type { Duplex, Readable } from 'node:stream';

  namespace Imap {
    interface Config {
      readonly user: string;
      readonly password: string;
      readonly socket?: Duplex;
      readonly host?: string;
      readonly port?: number;
      readonly tls: false;
      readonly autotls: 'never';
      readonly keepalive: false;
      readonly connTimeout: number;
      readonly authTimeout: number;
    }
    interface Box {
      readonly name: string;
      readonly uidvalidity: number;
      readonly uidnext: number;
      readonly messages: { readonly total: number };
    }
    interface Status {
      readonly messages: { readonly total: number; readonly unseen: number };
    }
    interface FetchOptions {
      readonly bodies?: string;
      readonly struct?: boolean;
      readonly size?: boolean;
    }
    type Criterion = string | readonly (string | Date)[];
    interface SequenceCommands {
      fetch(range: string, options: FetchOptions): EventEmitter;
      esearch(
        criteria: readonly Criterion[],
        options: readonly string[],
        done: (error: Error | undefined, found?: unknown) => void,
      ): void;
    }
    type BodyListener = (stream: Readable) => void;
  }

  class Imap extends EventEmitter {
    constructor(config: Imap.Config);
    static parseHeader(text: string): Readonly<Record<string, readonly string[]>>;
    _box: Imap.Box | undefined;
    readonly seq: Imap.SequenceCommands;
    connect(): void;
    end(): void;
    destroy(): void;
    serverSupports(capability: string): boolean;
    openBox(name: string, readOnly: true, done: (error: Error | undefined, box?: Imap.Box) => void): void;
    getBoxes(done: (error: Error | undefined) => void): void;
    status(name: string, done: (error: Error | undefined, status?: Imap.Status) => void): void;
    search(criteria: readonly Imap.Criterion[], done: (error: Error | undefined, uids?: unknown) => void): void;
    append(
      data: Buffer,
      options: { readonly mailbox: string; readonly flags: string[] },
      done: (error: Error | undefined) => void,
    ): void;
    fetch(uids: number | readonly number[], options: Imap.FetchOptions): EventEmitter;
  }
  export = Imap;
}
