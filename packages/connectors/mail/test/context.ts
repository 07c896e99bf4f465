/** Contexts and asserts that the tests of this package share. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AirlockError,
  systemClock,
  type Clock,
  type ConnectorContext,
  type ConnectorManifest,
  type ConnectorSession,
  type ErrorCode,
  type Json,
  type Origin,
} from '@airlock/protocol';
import type { Test } from 'tap';

export const manifestOf = (kind: string): ConnectorManifest =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../manifests/${kind}.json`), 'utf8')) as ConnectorManifest;

/** A wall clock that stands at one moment. */
export const clockAt = (time: string): Clock => ({ wallMs: () => Date.parse(time), bootMs: () => systemClock.bootMs() });

export const imapContext = (origin: Origin, kind = 'imap', password = 'correct-horse'): ConnectorContext => ({
  manifest: manifestOf(kind),
  settings: {},
  credential: { password },
  destination: { kind, origins: [origin], user: 'ada' },
  clock: systemClock,
});

export const loopback = (port: number): Origin => ({ scheme: 'none', host: '127.0.0.1', port });

export const maildirContext = (path: string): ConnectorContext => ({
  manifest: manifestOf('maildir'),
  settings: { path },
  credential: {},
  destination: { kind: 'maildir', path, user: '' },
  clock: systemClock,
});

/** What a list shows of a message. */
export interface Shown {
  readonly id: string;
  readonly subject: string;
  readonly unread: boolean;
  readonly has_attachment: boolean;
  readonly attachments: readonly {
    readonly part: string;
    readonly filename: string | null;
    readonly type: string;
    readonly size: number;
  }[];
}

/** The members of all results; a test reads those of the operation it called. */
export interface ResultOf {
  readonly messages: readonly Shown[];
  readonly folders: readonly { readonly name: string; readonly role: string | null; readonly selectable: boolean }[];
  readonly next_cursor: string | null;
  readonly total: number;
  readonly unread: number | boolean;
  readonly body: string;
  readonly body_type: string;
  readonly truncated: boolean;
  readonly hidden_text_dropped: boolean;
  readonly charset_unknown: boolean;
  readonly base64: string;
  readonly next_offset: number | null;
  readonly size: number;
  readonly size_exact: boolean;
  readonly filename: string | null;
  readonly folder: string;
  readonly message_id: string;
  readonly saved: boolean;
  readonly sent: boolean;
  readonly recipients: number;
}

/** Runs an operation without deadline and returns its result. */
export const run = async (
  session: ConnectorSession,
  operation: string,
  params: Readonly<Record<string, Json>> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ResultOf> => (await session.execute(operation, params, { signal, constraints: {} })).result as unknown as ResultOf;

/** Asserts that the work ends in an AirlockError of this code, and returns it. */
export const refused = async (t: Test, work: Promise<unknown>, code: ErrorCode, name: string): Promise<AirlockError> => {
  try {
    await work;
  } catch (thrown) {
    if (!(thrown instanceof AirlockError)) throw thrown;
    t.equal(thrown.code, code, name);
    return thrown;
  }
  t.fail(`${name}: nothing was refused`);
  return new AirlockError('INTERNAL', 'nothing was refused');
};
