/** audit export: a signed bundle of a session, a lease or a span of time (docs/spec/export.md). */
import { partsOfNote, pemOfKey, parseSignedHead } from '@airlock/audit';
import { AirlockError, isoTime, sha256Hex, systemTimers, type ExportSigned } from '@airlock/protocol';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { textOption, type Invocation } from '../commands/command.js';
import { approvePath, ask, operatorPath, withSocket, type Context, type Link } from '../context.js';
import { print } from '../output.js';
import { VERSION } from '../version.js';
import { takeExcerpt, type Excerpt } from './excerpt.js';
import { VERIFY_MD } from './recipe.js';
import { isTaken, learn, newKin, type Kin, type Wanted } from './selection.js';
import { LOGS, logLines, socketOf, servedLog, type LogName } from './sources.js';
import { instantOption, parseSpan } from './span.js';
import { tarOf, type NamedFile } from './tar.js';

/** airlock-totp signs its own head once a second; one that is busy may take a few. */
const HEAD_TRIES = 25;
const HEAD_WAIT_MS = 200;

/** @throws AirlockError PARAMS_INVALID */
const wantedOf = (invocation: Invocation): Wanted => {
  const [session, lease, last] = ['session', 'lease', 'last'].map((name) => textOption(invocation, name));
  const since = last === undefined ? instantOption(invocation, 'since') : Date.now() - parseSpan(last);
  const until = instantOption(invocation, 'until');
  const wanted: Wanted = {
    ...(session === undefined ? {} : { session }),
    ...(lease === undefined ? {} : { lease }),
    ...(since === undefined ? {} : { sinceMs: since }),
    ...(until === undefined ? {} : { untilMs: until }),
  };
  if (Object.keys(wanted).length > 0) return wanted;
  throw new AirlockError('PARAMS_INVALID', 'nothing says what to export', {
    field: '--session',
    expected: '--session, --lease, --last, --since or --until',
    found: 'none',
    hint: 'airlock-ctl audit export --session ID -o DIRECTORY; ids: airlock-ctl sessions, airlock-ctl leases',
  });
};

const outputOf = (invocation: Invocation): string => {
  const path = textOption(invocation, 'output') ?? '';
  if (path !== '' && !existsSync(path)) return path;
  throw new AirlockError('PARAMS_INVALID', path === '' ? '--output is missing' : `${path} is there already`, {
    field: '--output',
    expected: 'a directory, or a file that ends in .tar, that does not exist yet',
    found: path === '' ? 'nothing' : path,
  });
};

const headOf = async (approve: Link, log: LogName): Promise<string | null> => {
  const { heads } = await ask<{ heads: readonly string[] }>(approve, 'heads');
  return heads.find((note) => parseSignedHead(note).origin === `airlock-${log}`) ?? null;
};

/** A head over at least `size` records, as soon as it is signed; else the newest there is. */
const headOver = async (approve: Link, log: LogName, size: number): Promise<string> => {
  for (let tried = 0; ; tried += 1) {
    const note = await headOf(approve, log);
    if (note !== null && (tried >= HEAD_TRIES || parseSignedHead(note).size >= size)) return note;
    if (tried >= HEAD_TRIES)
      throw new AirlockError('AUDIT_UNAVAILABLE', `no head of the log of airlock-${log} was signed yet`, {
        hint: 'airlock-ctl status says whether both daemons are up',
      });
    await new Promise<void>((resolve) => void systemTimers.after(HEAD_WAIT_MS, resolve));
  }
};

/** First reading of a log. @returns how many records it has */
const study = async (link: Link, wanted: Wanted, kin: Kin): Promise<number> => {
  let newest = 0;
  for await (const line of logLines(await servedLog(link))) {
    const text = line.toString('utf8');
    learn(kin, wanted, text);
    newest = Number(/^\{"seq":(\d{1,16}),/.exec(text)?.[1] ?? newest);
  }
  return newest;
};

type Excerpts = Partial<Record<LogName, Excerpt>>;

const collect = async (context: Context, approve: Link, wanted: Wanted): Promise<Excerpts> => {
  await withSocket(operatorPath(context), (link) => ask(link, 'audit.checkpoint').catch(() => undefined));
  const kin = newKin(wanted);
  const sizes: Partial<Record<LogName, number>> = {};
  for (const log of LOGS) sizes[log] = await withSocket(socketOf(context, log), (link) => study(link, wanted, kin));
  const found: Excerpts = {};
  for (const log of LOGS) {
    // A `checkpoint` record of the gateway follows its own head.
    const size = (sizes[log] ?? 0) - (log === 'gateway' ? 1 : 0);
    const head = await headOver(approve, log, size);
    const excerpt = await withSocket(socketOf(context, log), async (link) =>
      takeExcerpt(`airlock-${log}`, head, logLines(await servedLog(link)), (line) => isTaken(kin, wanted, line)),
    );
    if (excerpt !== null) found[log] = excerpt;
  }
  if (Object.keys(found).length > 0) return found;
  throw new AirlockError('NOT_FOUND', 'no record is of what was asked for', {
    hint: 'airlock-ctl audit --last 7d shows what there is; ids of sessions and leases stand in it',
  });
};

const text = (name: string, content: string): NamedFile => ({ name, bytes: Buffer.from(content) });

const noteFiles = (name: string, key: string, note: string): NamedFile[] => {
  const { signed, signature } = partsOfNote(key, note);
  return [text(`${name}.note`, note), { name: `${name}.signed`, bytes: signed }, { name: `${name}.sig`, bytes: signature }];
};

const logFiles = (log: LogName, key: string, { start, chain, lines, note }: Excerpt): NamedFile[] => [
  text(`${log}/start`, `${start.size} ${start.hash}\n`),
  text(`${log}/chain`, chain),
  text(`${log}/lines.jsonl`, lines),
  ...noteFiles(`${log}/head`, key, note),
];

interface Summary {
  readonly asked: object;
  readonly logs: Readonly<Record<string, { readonly taken: number; readonly leftOut: number }>>;
}

const summaryOf = (wanted: Wanted, excerpts: Excerpts): Summary => {
  const { sinceMs, untilMs, ...ids } = wanted;
  const since = sinceMs === undefined ? {} : { since: isoTime(sinceMs) };
  const until = untilMs === undefined ? {} : { until: isoTime(untilMs) };
  const counts = Object.entries(excerpts).map(([log, { taken, leftOut }]) => [log, { taken, leftOut }]);
  return { asked: { ...ids, ...since, ...until }, logs: Object.fromEntries(counts) as Summary['logs'] };
};

/** The keys, as airlock-totp has them; the signature that is asked for with them comes last. */
const sealBundle = async (approve: Link, wanted: Wanted, excerpts: Excerpts): Promise<NamedFile[]> => {
  const sign = (digest: string): Promise<ExportSigned> => ask<ExportSigned>(approve, 'export.sign', { digest });
  const { keys } = await ask<Pick<ExportSigned, 'keys'>>(approve, 'export.keys');
  const summary = { v: 1, airlock: VERSION, ...summaryOf(wanted, excerpts) };
  const files = [
    text('VERIFY.md', VERIFY_MD),
    text('SUMMARY.json', `${JSON.stringify(summary, null, 1)}\n`),
    ...Object.entries(keys).flatMap(([name, key]) => [
      text(`keys/${name}.pem`, pemOfKey(key)),
      text(`keys/${name}.vkey`, `${key}\n`),
    ]),
    ...LOGS.flatMap((log) => (excerpts[log] === undefined ? [] : logFiles(log, keys[log], excerpts[log]))),
  ];
  const sums = files.map(({ name, bytes }) => `${sha256Hex(bytes)}  ${name}\n`).join('');
  const { note } = await sign(sha256Hex(sums));
  return [...files, text('SHA256SUMS', sums), ...noteFiles('SHA256SUMS', keys.export, note)];
};

/** Whole or not at all: made beside its place, then moved there. */
const writeBundle = (path: string, files: readonly NamedFile[]): void => {
  const temporary = `${path}.${process.pid}.new`;
  try {
    if (path.endsWith('.tar')) {
      writeFileSync(temporary, tarOf(basename(path, '.tar'), files, Math.floor(Date.now() / 1000)), { mode: 0o600, flag: 'wx' });
    } else {
      mkdirSync(temporary, { mode: 0o700 });
      for (const { name, bytes } of files) {
        mkdirSync(dirname(join(temporary, name)), { recursive: true, mode: 0o700 });
        writeFileSync(join(temporary, name), bytes, { mode: 0o600, flag: 'wx' });
      }
    }
    renameSync(temporary, path);
  } catch (thrown) {
    rmSync(temporary, { recursive: true, force: true });
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new AirlockError('PARAMS_INVALID', `${path} cannot be written (${code})`, {
      field: '--output',
      expected: 'a place that you can write to',
      found: path,
    });
  }
};

/** `airlock-ctl audit export`. */
export const exportRecords = async (context: Context, invocation: Invocation): Promise<void> => {
  const wanted = wantedOf(invocation);
  const path = outputOf(invocation);
  const { excerpts, files } = await withSocket(approvePath(context), async (approve) => {
    const found = await collect(context, approve, wanted);
    return { excerpts: found, files: await sealBundle(approve, wanted, found) };
  });
  writeBundle(path, files);
  const { logs } = summaryOf(wanted, excerpts);
  const counts = Object.entries(logs).map(([log, { taken, leftOut }]) => `${log}: ${taken} records, ${leftOut} left out`);
  print(context, { output: path, logs }, `${path}\n${counts.join('\n')}\nhow to check it: VERIFY.md`);
};
