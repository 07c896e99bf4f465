/**
 * This log begun anew, because root accepted with a code that it does not continue what was signed (docs/spec/audit.md).
 *
 * ACCEPT-3  nothing of the old log is deleted or changed: it is renamed, before the new one is opened.
 * ACCEPT-4  only airlock-totp says so, and each decision is carried out once, also where an older state of airlock-totp asks again.
 */
import { existsSync } from 'node:fs';
import type { AuditLog } from '@airlock/audit';
import type { BegunAnew } from '@airlock/protocol';
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

const freeName = (path: string): string => {
  let name = path;
  for (let n = 2; existsSync(name); n += 1) name = `${path}-${n}`;
  return name;
};

/** Before the log is opened. */
export const setLogAside = (options: GatewayOptions): void => {
  const kept = readKept(options);
  if (kept?.gateway === undefined || kept.gateway.step !== 'asked') return;
  const dir = logDir(options);
  try {
    if (existsSync(dir)) renameDurable(dir, freeName(`${dir}.set-aside-${kept.gateway.id}`));
    writeKept(options, { ...kept, gateway: { ...kept.gateway, step: 'aside' } });
  } catch (thrown) {
    options.log(`the old log cannot be set aside: ${(thrown as Error).message}`);
  }
};

/** The first record of a log that was begun anew. */
export const recordBegun = (options: GatewayOptions, log: AuditLog): void => {
  const kept = readKept(options);
  if (log.sealed !== null || kept?.gateway?.step !== 'aside') return;
  const { id, size, hash } = kept.gateway;
  try {
    if (log.head().size === 0) log.appendDurableSync('log_begun', { accepted: id, after: size, hash });
    writeKept(options, { ...kept, gateway: { id, size, hash, step: 'begun' } });
  } catch (thrown) {
    options.log(`the log is begun, and that cannot be kept: ${(thrown as Error).message}`);
  }
};

/** Id of the decision that the log which is open began with; undefined where it never began anew. */
export const begunWith = (options: GatewayOptions): string | undefined => {
  const begun = readKept(options)?.gateway;
  return begun === undefined || begun.step === 'asked' ? undefined : begun.id;
};

/** After a hello. @returns whether this process has to start again, for its log to begin anew */
export const mustBeginAnew = (options: GatewayOptions, asked: BegunAnew | undefined): boolean => {
  if (asked === undefined) return false;
  const kept = readKept(options);
  if (kept === null || kept.gateway?.id === asked.id || kept.done?.includes(asked.id) === true) return false;
  const done = [...(kept.done ?? []), ...(kept.gateway === undefined ? [] : [kept.gateway.id])].slice(-MAX_DONE);
  try {
    writeKept(options, { ...kept, done, gateway: { id: asked.id, size: asked.size, hash: asked.hash, step: 'asked' } });
    return true;
  } catch (thrown) {
    options.log(`the log cannot begin anew: ${(thrown as Error).message}`);
    return false;
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
