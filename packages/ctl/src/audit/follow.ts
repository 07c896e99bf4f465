/** audit --follow: what both daemons write to their logs, as it comes. */
import { connectSocket } from '@airlock/ipc';
import { systemTimers, type AirlockError, type LogChunk, type LogSegment } from '@airlock/protocol';
import { ask, operatorPath, withTotp, type Context, type Link } from '../context.js';
import { print } from '../output.js';
import { gatewayRecords, parseLine, row, wanted, type Filter, type Shown } from './records.js';

/** airlock-totp tells nobody of its records: it is asked. */
const ASK_EVERY_MS = 500;

/** How far a log was read. */
interface Place {
  readonly segment: string;
  readonly offset: number;
}

/** The segments with something behind a place, and from where each is read. */
export const unread = (segments: readonly LogSegment[], place: Place): readonly Place[] =>
  segments
    .filter(({ name, bytes }) => name > place.segment || (name === place.segment && bytes > place.offset))
    .map(({ name }) => ({ segment: name, offset: name === place.segment ? place.offset : 0 }));

const readFrom = async (link: Link, { segment, offset }: Place): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (let next: number | null = offset; next !== null;) {
    const chunk: LogChunk = await ask<LogChunk>(link, 'log.read', { segment, offset: next });
    parts.push(Buffer.from(chunk.data, 'base64url'));
    next = chunk.next;
  }
  return Buffer.concat(parts);
};

const NEWLINE = 0x0a;

/** Whole lines behind a place, and the place behind them: half a line waits for its other half. */
const newLines = async (link: Link, place: Place): Promise<{ readonly lines: readonly string[]; readonly place: Place }> => {
  const { segments } = await ask<{ segments: readonly LogSegment[] }>(link, 'log.segments');
  const lines: string[] = [];
  let reached = place;
  for (const from of unread(segments, place)) {
    const bytes = await readFrom(link, from);
    const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
    lines.push(...whole.toString('utf8').split('\n').slice(0, -1));
    reached = { segment: from.segment, offset: from.offset + whole.length };
  }
  return { lines, place: reached };
};

const pause = (): Promise<void> => new Promise<void>((resolve) => void systemTimers.after(ASK_EVERY_MS, resolve));

/** Until its connection ends. @param seen a record that was asked for */
const followTotp = async (link: Link, filter: Filter, first: Place, seen: (record: Shown) => void): Promise<never> => {
  for (let place = first; ; await pause()) {
    const found = await newLines(link, place);
    place = found.place;
    for (const line of found.lines) {
      const record = parseLine(line, 'totp');
      if (record && wanted(record, filter)) seen(record);
    }
  }
};

const byTime = (a: Shown, b: Shown): number => a.ts.localeCompare(b.ts);

/** The records of airlock-totp that are asked for now, and where they end. */
const totpSoFar = async (link: Link, filter: Filter): Promise<{ readonly records: readonly Shown[]; readonly place: Place }> => {
  const { lines, place } = await newLines(link, { segment: '', offset: 0 });
  if (filter.sinceMs === undefined) return { records: [], place };
  const records = lines.map((line) => parseLine(line, 'totp')).filter((record) => record !== null);
  return { records: records.filter((record) => wanted(record, filter)), place };
};

/** Prints each record once: what comes while the past is still read waits. */
class Printed {
  readonly #context: Context;
  #newest = 0;
  #waiting: Shown[] | null = [];

  constructor(context: Context) {
    this.#context = context;
  }

  /** One that has just been written. */
  take(record: Shown): void {
    if (this.#waiting === null) this.#show(record);
    else this.#waiting.push(record);
  }

  /** All of the past, and then what waits. */
  begin(past: readonly Shown[]): void {
    for (const record of [...past, ...(this.#waiting ?? [])]) this.#show(record);
    this.#waiting = null;
  }

  #show(record: Shown): void {
    // The gateway tells what it may also have answered; airlock-totp is read from a place on.
    if (record.log === 'gateway' && record.seq <= this.#newest) return;
    if (record.log === 'gateway') this.#newest = record.seq;
    print(this.#context, record, row(record).join('  '));
  }
}

/** Connects to the gateway's stream. @returns what ends with the connection */
const followGateway = async (context: Context, filter: Filter, printed: Printed): Promise<{ readonly lost: Promise<never> }> => {
  let lose: (reason: AirlockError) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => undefined);
  const handle = (params: object): void => {
    const record = parseLine((params as { line: string }).line, 'gateway');
    if (record && wanted(record, filter)) printed.take(record);
  };
  const link = await connectSocket(operatorPath(context), {
    notifications: { 'audit.record': { params: () => null, handle } },
    onClose: (_link, reason) => lose(reason),
  });
  await ask(link, 'audit.follow');
  return { lost };
};

/**
 * What was comes first, where `--last` asks for it; then each record as it is written, and nothing twice.
 * @throws AirlockError why a connection ended
 */
export const follow = async (context: Context, filter: Filter): Promise<never> => {
  const printed = new Printed(context);
  const { lost } = await followGateway(context, filter, printed);
  return Promise.race([
    lost,
    withTotp(context, async (totp) => {
      // The gateway's first: it names the session of a lease whose approval stands in the other log.
      const past = filter.sinceMs === undefined ? [] : await gatewayRecords(context, filter);
      const { records, place } = await totpSoFar(totp, filter);
      printed.begin([...past, ...records].sort(byTime));
      return followTotp(totp, filter, place, (record) => printed.take(record));
    }),
  ]);
};
