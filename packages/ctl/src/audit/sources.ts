/** Where a log's bytes come from: a daemon's socket, or a directory of files that somebody copied. */
import { readSegments, type SegmentSource } from '@airlock/audit';
import { AirlockError, type LogChunk, type LogSegment } from '@airlock/protocol';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { textOption, type Invocation } from '../commands/command.js';
import { approvePath, ask, operatorPath, withSocket, type Context, type Link } from '../context.js';

/** The two logs, by who writes them. */
export type LogName = 'gateway' | 'totp';
export const LOGS: readonly LogName[] = ['gateway', 'totp'];

/** The segments of one log, oldest first, and how many bytes they have. */
export interface LogBytes {
  readonly segments: AsyncIterable<SegmentSource>;
  readonly bytes: number;
}

export const socketOf = (context: Context, log: LogName): string =>
  log === 'gateway' ? operatorPath(context) : approvePath(context);

const segmentChunks = async function* (link: Link, { name, bytes }: LogSegment): AsyncGenerator<Uint8Array> {
  let offset: number | null = bytes === 0 ? null : 0;
  while (offset !== null) {
    const chunk: LogChunk = await ask<LogChunk>(link, 'log.read', { segment: name, offset });
    yield Buffer.from(chunk.data, 'base64url');
    offset = chunk.next;
  }
};

// eslint-disable-next-line @typescript-eslint/require-await -- read with `for await`, as what comes over a socket is
const served = async function* (link: Link, list: readonly LogSegment[]): AsyncGenerator<SegmentSource> {
  for (const segment of list) yield { name: segment.name, chunks: segmentChunks(link, segment) };
};

/** As the daemon at the other end serves them. */
export const servedLog = async (link: Link): Promise<LogBytes> => {
  const { segments } = await ask<{ segments: readonly LogSegment[] }>(link, 'log.segments');
  return { segments: served(link, segments), bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) };
};

/** Runs `use` on a log as its daemon serves it. */
export const withServedLog = <T>(context: Context, log: LogName, use: (bytes: LogBytes) => Promise<T>): Promise<T> =>
  withSocket(socketOf(context, log), async (link) => use(await servedLog(link)));

/** `--log`; undefined where it is not given. @throws AirlockError PARAMS_INVALID */
export const namedLog = (invocation: Invocation): LogName | undefined => {
  const named = textOption(invocation, 'log');
  const log = LOGS.find((one) => one === named);
  if (named === undefined || log !== undefined) return log;
  throw new AirlockError('PARAMS_INVALID', `--log: found ${named}, allowed: gateway or totp`, {
    field: '--log',
    expected: 'gateway or totp',
    found: named,
  });
};

const SEGMENT = /^\d{4}-\d{2}-\d{2}\.jsonl$/;

const noLog = (dir: string, what: string, hint: string): AirlockError =>
  new AirlockError('NOT_FOUND', `${dir} ${what}`, {
    field: '--dir',
    expected: 'a directory with gateway/ or totp/, or with YYYY-MM-DD.jsonl files and --log gateway or --log totp',
    found: dir,
    hint,
  });

const WHAT_TO_COPY =
  'it should hold totp/ and gateway/, copies of /var/lib/airlock-totp/audit and then of /var/lib/airlock-gateway/audit; or the files YYYY-MM-DD.jsonl of one of them, with --log';

/** Files of a log in a directory; null where it holds none. @throws AirlockError NOT_FOUND */
const copiedLog = (dir: string): LogBytes | null => {
  try {
    const names = existsSync(dir) ? readdirSync(dir).filter((name) => SEGMENT.test(name)) : [];
    if (names.length === 0) return null;
    return { segments: readSegments(dir), bytes: names.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0) };
  } catch {
    throw noLog(dir, 'cannot be read as a directory of log files', 'is it a directory, and may you read it?');
  }
};

interface Copy {
  readonly log: LogName;
  readonly bytes: LogBytes;
}

/**
 * `DIR/gateway` and `DIR/totp`, of which --log names one; or DIR itself, a copy of the log that is named, by --log or by the name of
 * DIR. @throws AirlockError NOT_FOUND
 */
export const copiesIn = (dir: string, named: LogName | undefined): readonly Copy[] => {
  const both = LOGS.flatMap((log) => {
    const bytes = copiedLog(join(dir, log));
    return bytes === null ? [] : [{ log, bytes }];
  });
  const asked = both.filter(({ log }) => named === undefined || log === named);
  if (asked.length > 0) return asked;
  if (named !== undefined && both.length > 0) throw noLog(dir, `holds no ${named}/`, WHAT_TO_COPY);
  const bytes = copiedLog(dir);
  if (bytes === null) throw noLog(dir, existsSync(dir) ? 'holds no log' : 'is not there', WHAT_TO_COPY);
  const log = named ?? LOGS.find((one) => basename(dir).includes(one));
  if (log !== undefined) return [{ log, bytes }];
  throw noLog(dir, 'holds a log, and nothing says whose', 'say whose it is: --log gateway, or --log totp');
};

/** The public key that signs a log's heads, as root has kept it. @throws AirlockError AUDIT_UNAVAILABLE */
export const keptKey = (context: Context, log: LogName | 'export'): string => {
  const path = join(context.configDir, 'keys', `${log}.vkey`);
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    throw new AirlockError('AUDIT_UNAVAILABLE', `the public key ${path} cannot be read`, {
      hint: 'as root: airlock-ctl config keys; or name the key files: --key FILE',
    });
  }
};

/** Every line of a log, oldest first, without its LF. */
export const logLines = async function* ({ segments }: LogBytes): AsyncGenerator<Buffer> {
  for await (const { chunks } of segments) {
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of chunks) {
      const bytes = Buffer.concat([rest, chunk]);
      let at = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, at)) {
        yield bytes.subarray(at, end);
        at = end + 1;
      }
      rest = Buffer.from(bytes.subarray(at));
    }
  }
};
