/** Makes a backup: airlock-totp's part sealed by itself, the gateway's files as they are at that moment, one sealed file. */
import {
  AirlockError,
  asAirlockError,
  canonicalJson,
  encodeBase64url,
  FRAME,
  packBlobs,
  unpackBlobs,
  type ApproveStatus,
  type Json,
} from '@airlock/protocol';
import { deriveBackupKey, newBackupSalt, sealBackup, wipe, type BackupHeader } from '@airlock/vault';
import { closeSync, existsSync, fsyncSync, linkSync, lstatSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { syncPath } from '../config/compile.js';
import { ask, withRoot, type Context } from '../context.js';
import { note } from '../output.js';
import { exchange } from '../seal.js';
import {
  acceptAnew,
  collectConfig,
  collectRules,
  collectServices,
  commandsByHand,
  isChanging,
  operatorsWithServices,
  sizesOf,
  type BackupBody,
  type Collected,
} from './collect.js';
import { requireRoom } from './restorable.js';

/** Frames of a backup carry an operator's whole state. */
export const BACKUP_FRAME_BYTES = 200 * 1024;

/** What airlock-totp says of its part. */
interface Facts extends BackupHeader {
  readonly heads: object;
  readonly keys: object;
}

/** Operators with a phone, of those who have services: whom a backup will be of. airlock-totp counts nothing for it. */
const enrolled = (context: Context): Promise<string[]> =>
  withRoot(context, async (link) => {
    const found: string[] = [];
    for (const operator of operatorsWithServices(context)) {
      const status = await ask<ApproveStatus>(link, 'status', { operator }).catch(() => null);
      if (status?.enrolled === true) found.push(operator);
    }
    return found;
  });

/** What is taken along besides airlock-totp's part. @throws AirlockError VAULT_UNREADABLE, UNAVAILABLE */
const collectRest = (context: Context, { services, leftOut }: Collected): Omit<BackupBody, 'totp' | 'facts'> => {
  const body = { services, rules: collectRules(context), config: collectConfig(context) };
  requireRoom(sizesOf(context, body));
  return { v: 1, ...body, byHand: [...commandsByHand(context), ...leftOut.map(acceptAnew)] };
};

/**
 * BACKUP-9: what a restore would refuse is refused by name before there is a key, and before airlock-totp hands out a number.
 * @throws AirlockError VAULT_UNREADABLE, UNAVAILABLE
 */
export const requireRestorable = async (context: Context): Promise<void> => {
  collectRest(context, collectServices(context, await enrolled(context)));
};

const totpPart = async (context: Context, key: Uint8Array): Promise<{ readonly sealed: Buffer; readonly facts: Facts }> =>
  withRoot(
    context,
    async (link) => {
      const payload = packBlobs(key);
      const answer = await exchange(link, FRAME.BACKUP_REQUEST, payload, FRAME.BACKUP);
      payload.fill(0);
      const [sealed, facts] = unpackBlobs(answer, 0, 2)?.blobs ?? [];
      if (sealed === undefined || facts === undefined)
        throw new AirlockError('INTERNAL', 'airlock-totp answered in an unknown form');
      return { sealed, facts: JSON.parse(facts.toString('utf8')) as Facts };
    },
    BACKUP_FRAME_BYTES,
  );

const MAX_TRIES = 5;

/** Read before and after airlock-totp's part: what changed in between would be of other versions than it knows. */
const collectWhole = async (
  context: Context,
  key: Uint8Array,
): Promise<Collected & { readonly sealed: Buffer; readonly facts: Facts }> => {
  let part = await totpPart(context, key);
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const before = collectServices(context, part.facts.operators);
    part = await totpPart(context, key);
    const after = collectServices(context, part.facts.operators);
    const isStill = !isChanging(context, part.facts.operators) && isDeepStrictEqual(before, after);
    if (isStill) return { ...part, ...after };
  }
  throw new AirlockError('UNAVAILABLE', 'services change while the backup is made', { hint: 'try again in a minute' });
};

export interface MadeBackup extends Collected {
  readonly file: Buffer;
  readonly header: BackupHeader;
}

export const makeBackup = async (context: Context, recoveryKey: Uint8Array): Promise<MadeBackup> => {
  const salt = newBackupSalt();
  const key = deriveBackupKey(recoveryKey, salt, 'totp');
  try {
    const { sealed, facts, ...collected } = await collectWhole(context, key);
    const body: BackupBody = { ...collectRest(context, collected), totp: encodeBase64url(sealed), facts };
    const bytes = Buffer.from(canonicalJson(body as unknown as Json));
    const file = sealBackup({ recoveryKey, salt, header: facts, body: bytes });
    // What was counted before were the texts alone.
    requireRoom(new Map([[context.configDir, file.length]]));
    return { file, header: facts, ...collected };
  } finally {
    wipe(key);
  }
};

const refuse = (path: string, found: string): AirlockError =>
  new AirlockError('PARAMS_INVALID', `${path}: found ${found}, allowed: a new file`, {
    field: 'FILE',
    expected: 'a new file in a directory that can be written',
    found,
    hint: 'name another file; a backup never takes the place of one',
  });

/** A link into nowhere is in the way too; what is wrong with a name otherwise is said where it is written. */
const isTaken = (path: string): boolean => {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
};

/** @throws AirlockError PARAMS_INVALID where there is such a file */
export const requireNew = (path: string): void => {
  if (isTaken(path)) throw refuse(path, 'a file that is there already');
  if (!existsSync(dirname(path))) throw refuse(path, `no directory ${dirname(path)}`);
};

/** A backup that is on disk, complete, under a name of its own. */
export interface StagedBackup {
  /** Gives it the name that was asked for, never over another file. @throws AirlockError PARAMS_INVALID */
  keep(): void;
  discard(): void;
}

/** File systems of memory sticks have no second names for a file. */
const NO_LINKS: readonly (string | undefined)[] = ['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'];
const codeOf = (thrown: unknown): string | undefined => (thrown as NodeJS.ErrnoException).code;

/** Where links do not exist the name is taken first, by an empty file, and then replaced. */
const giveName = (temporary: string, path: string, link: typeof linkSync): void => {
  try {
    link(temporary, path);
  } catch (thrown) {
    if (!NO_LINKS.includes(codeOf(thrown))) throw thrown;
    closeSync(openSync(path, 'wx', 0o600));
    renameSync(temporary, path);
  }
};

const orRefused = (path: string, write: () => void, undo: () => void): void => {
  try {
    write();
  } catch (thrown) {
    undo();
    throw refuse(path, `a place that cannot be written (${codeOf(thrown) ?? 'unknown'})`);
  }
};

/** Readable for its owner alone. @throws AirlockError PARAMS_INVALID, before anybody has written down a key for nothing */
export const stageBackup = (path: string, file: Buffer, link = linkSync): StagedBackup => {
  const temporary = `${path}.${process.pid}.new`;
  const discard = (): void => {
    try {
      unlinkSync(temporary);
    } catch {
      // Never made, or has its name by now.
    }
  };
  const write = (): void => {
    const fd = openSync(temporary, 'wx', 0o600);
    try {
      for (let at = 0; at < file.length;) at += writeSync(fd, file, at);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  };
  orRefused(path, write, discard);
  const name = (): void => {
    giveName(temporary, path, link);
    discard();
    syncPath(dirname(path));
  };
  return { keep: () => orRefused(path, name, discard), discard };
};

/**
 * Tells airlock-totp that the file is kept (BACKUP-10). Never throws: without it the backup is as good, and the one before it can
 * still be restored here.
 */
export const tellKept = async (context: Context, generation: number): Promise<void> => {
  try {
    await withRoot(context, (link) => ask(link, 'backup.kept', { generation }));
  } catch (thrown) {
    note(
      context,
      [
        `airlock: warning: airlock-totp was not told that backup ${generation} is kept (${asAirlockError(thrown).message})`,
        'airlock: hint: the backup is whole and can be restored; until a later one is kept, so can the one before it: sudo airlock-ctl doctor, then make another',
      ].join('\n'),
    );
  }
};
