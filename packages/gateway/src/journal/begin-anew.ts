/**
 * This log begun anew, because root accepted with a code that it does not continue what was signed (docs/spec/audit.md).
 *
 * ACCEPT-3  nothing of the old log is deleted or changed: it is renamed, before the new one is opened.
 * ACCEPT-4  only airlock-totp says so, and each decision is carried out once, also where an older state of airlock-totp asks again.
 * ACCEPT-8  no log is opened, and no head asked for, before the step that has to come first is durable; what cannot be kept is tried again.
 */
import { existsSync } from 'node:fs';
import { firstRecord, type AuditLog, type AuditRecord } from '@airlock/audit';
import { AirlockError, type BegunAnew } from '@airlock/protocol';
import { anewFile, logDir } from '../paths.js';
import type { GatewayOptions } from '../options.js';
import { readPrivateFile, renameDurable, writeDurable } from '../state/files.js';

/** Asked for by airlock-totp; the old log set aside; the new one begun. */
type Step = 'asked' | 'aside' | 'begun';
const STEPS: readonly unknown[] = ['asked', 'aside', 'begun'] satisfies Step[];

interface Kept {
  /** The decision that this log is to begin, or has begun, with. */
  readonly gateway?: BegunAnew & { readonly step: Step };
  /** Decisions of before that were carried out, the newest last. */
  readonly done?: readonly string[];
  /** Id of the decision about the log of airlock-totp that stands in this one. */
  readonly totp?: string;
}

const MAX_BYTES = 4096;
/** As many as airlock-totp keeps. */
const MAX_DONE = 64;

const isId = (value: unknown): boolean => typeof value === 'string' && /^[0-9a-f]{18}$/.test(value);

const isKept = (value: unknown): value is Kept => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { gateway, totp, done = [] } = value as Readonly<Record<string, unknown>>;
  if (totp !== undefined && !isId(totp)) return false;
  if (!Array.isArray(done) || !done.every(isId)) return false;
  if (gateway === undefined) return true;
  const { id, size, hash, step } = (gateway ?? {}) as Readonly<Record<string, unknown>>;
  return isId(id) && Number.isSafeInteger(size) && typeof hash === 'string' && STEPS.includes(step);
};

/** null: it cannot be read, so nothing is done by it. */
const readKept = (options: GatewayOptions): Kept | null => {
  try {
    const text = readPrivateFile(anewFile(options), MAX_BYTES);
    const kept: unknown = text === null ? {} : JSON.parse(text);
    if (isKept(kept)) return kept;
    options.log(`${anewFile(options)} is damaged; nothing is set aside by it`);
    return null;
  } catch (thrown) {
    options.log(`${anewFile(options)} cannot be read: ${(thrown as Error).message}`);
    return null;
  }
};

const writeKept = (options: GatewayOptions, kept: Kept): void => writeDurable(anewFile(options), JSON.stringify(kept));

const setAsidePath = (options: GatewayOptions, id: string): string => `${logDir(options)}.set-aside-${id}`;

const freeName = (path: string): string => {
  let name = path;
  for (let n = 2; existsSync(name); n += 1) name = `${path}-${n}`;
  return name;
};

/** null where there is none, or what is there cannot be read: opening the log says why. */
const beginOf = (options: GatewayOptions): AuditRecord | null => {
  try {
    return firstRecord(logDir(options));
  } catch {
    return null;
  }
};

/** The decision that a log says in its first record that it began with. Pure. */
const decisionIn = (begin: AuditRecord | null): BegunAnew | undefined => {
  if (begin?.event !== 'log_begun') return undefined;
  const { accepted: id, after: size, hash } = begin;
  const isWhole = typeof id === 'string' && isId(id) && typeof size === 'number' && typeof hash === 'string';
  return isWhole ? { id, size, hash } : undefined;
};

const unknowable = (options: GatewayOptions): AirlockError =>
  new AirlockError('AUDIT_UNAVAILABLE', `${anewFile(options)} is damaged or lost, and the log does not say with what it began`, {
    hint: 'put it back from a copy; without one, as root, move it away, then: sudo airlock-ctl audit accept --log gateway',
  });

const notKept = (what: string, thrown: unknown): AirlockError =>
  new AirlockError('AUDIT_UNAVAILABLE', `${what}: ${(thrown as Error).message}`, {
    hint: 'make room for /var/lib/airlock-gateway (df -h), or repair the disk; it is tried again every few seconds',
  });

/** Before the log is opened. @returns why it must not be opened (ACCEPT-8) */
export const setLogAside = (options: GatewayOptions): AirlockError | undefined => {
  const kept = readKept(options);
  if (kept === null) return (beginOf(options)?.seq ?? 1) > 1 ? unknowable(options) : undefined;
  if (kept.gateway?.step !== 'asked') return undefined;
  const { id } = kept.gateway;
  const dir = logDir(options);
  try {
    // Where it is not there it was lost, or renamed by a process that could not say so any more.
    if (existsSync(dir) && decisionIn(beginOf(options))?.id !== id) renameDurable(dir, freeName(setAsidePath(options, id)));
    writeKept(options, { ...kept, gateway: { ...kept.gateway, step: 'aside' } });
    return undefined;
  } catch (thrown) {
    const problem = notKept('the old log cannot be set aside', thrown);
    options.log(problem.message);
    return problem;
  }
};

/** The first record of a log that was begun anew. Where the decision was lost, the log says which it was. */
export const recordBegun = (options: GatewayOptions, log: AuditLog): void => {
  const kept = readKept(options);
  const decided = kept?.gateway?.step === 'aside' ? kept.gateway : undefined;
  const gateway = decided ?? (kept?.gateway === undefined ? decisionIn(beginOf(options)) : undefined);
  if (log.sealed !== null || kept === null || gateway === undefined) return;
  const { id, size, hash } = gateway;
  try {
    if (log.head().size === 0) log.appendDurableSync('log_begun', { accepted: id, after: size, hash });
    writeKept(options, { ...kept, gateway: { id, size, hash, step: 'begun' } });
  } catch (thrown) {
    options.log(`the log is begun, and that cannot be kept: ${(thrown as Error).message}`);
  }
};

/** Id of the decision that the log which is there began with; undefined where it never began anew. Its own word goes first. */
export const begunWith = (options: GatewayOptions): string | undefined => {
  const own = decisionIn(beginOf(options));
  const begun = own === undefined ? readKept(options)?.gateway : undefined;
  return own?.id ?? (begun === undefined || begun.step === 'asked' ? undefined : begun.id);
};

/** Asked for already, by what is kept: whether it is still to be done. @throws AirlockError where it cannot */
const isStillDue = (options: GatewayOptions, log: AuditLog, step: Step): boolean => {
  if (step !== 'asked') return false;
  // This process is ending for it, or was started and could not.
  const problem = log.sealed === null ? undefined : setLogAside(options);
  if (problem !== undefined) throw problem;
  return true;
};

/**
 * After a hello.
 * @returns whether this process has to start again, for its log to begin anew
 * @throws AirlockError AUDIT_UNAVAILABLE where that cannot be told, or not be kept: nothing may be signed (ACCEPT-8)
 */
export const mustBeginAnew = (options: GatewayOptions, log: AuditLog, asked: BegunAnew | undefined): boolean => {
  if (asked === undefined) return false;
  const own = decisionIn(beginOf(options));
  if (own?.id === asked.id) return false;
  const kept = readKept(options);
  if (kept === null) throw unknowable(options);
  if (kept.gateway?.id === asked.id) return isStillDue(options, log, kept.gateway.step);
  if (kept.done?.includes(asked.id) === true) return false;
  if (existsSync(setAsidePath(options, asked.id))) {
    // Done, and what was kept of it is lost: a log of a later decision goes on; any other may be the old one, put back.
    if (own === undefined) throw unknowable(options);
    return false;
  }
  const done = [...(kept.done ?? []), ...(kept.gateway === undefined ? [] : [kept.gateway.id])].slice(-MAX_DONE);
  const { id, size, hash } = asked;
  try {
    writeKept(options, { ...kept, done, gateway: { id, size, hash, step: 'asked' } });
    return true;
  } catch (thrown) {
    throw notKept('the log cannot begin anew', thrown);
  }
};

/** That the log of airlock-totp was begun anew stands in this one too, once. */
export const recordOther = (options: GatewayOptions, log: AuditLog, other: BegunAnew | undefined): void => {
  const kept = other === undefined ? null : readKept(options);
  if (other === undefined || kept === null || kept.totp === other.id || log.sealed !== null) return;
  log.append('log_accepted', { log: 'airlock-totp', accepted: other.id, after: other.size, hash: other.hash });
  try {
    writeKept(options, { ...kept, totp: other.id });
  } catch (thrown) {
    options.log(`${anewFile(options)} cannot be written: ${(thrown as Error).message}`);
  }
};
