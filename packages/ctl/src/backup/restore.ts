/**
 * Puts a backup onto this machine (docs/spec/backup.md). Everything is checked and handed over before airlock-totp is told to
 * take it, which is one step: killed before it nothing has changed, after it both daemons complete it by themselves.
 */
import {
  AirlockError,
  asAirlockError,
  decodeBase64url,
  FRAME,
  packBlobs,
  restoreDigest,
  unpackBlobs,
  type ApproveStatus,
  type GatewayStatus,
  type RestoreService,
} from '@airlock/protocol';
import { wasAnswered } from '@airlock/ipc';
import { deriveBackupKey, openBackup, wipe, type BackupHeader } from '@airlock/vault';
import { join } from 'node:path';
import { approveAction } from '../action.js';
import { ask, withRoot, withSocket, type Context, type Link } from '../context.js';
import { exchange } from '../seal.js';
import { isInstalled, system } from '../system.js';
import { commandsByHand, parseBody, type BackedUpService, type BackupBody } from './collect.js';
import { BACKUP_FRAME_BYTES } from './make.js';
import { HOLD, holdParams, named, orderBytes } from './requests.js';
import { requireWritten, restoreFiles } from './restored-files.js';
import { failLocked, putInForce, type RulesPutInForce } from './rules-in-force.js';

/** A backup that was opened. */
export interface OpenedBackup {
  readonly header: BackupHeader;
  readonly body: BackupBody;
  readonly salt: Buffer;
}

/** @throws AirlockError VAULT_UNREADABLE that says what is wrong with file or key */
export const openBackupFile = (file: Buffer, recoveryKey: Uint8Array): OpenedBackup => {
  const { header, salt, body } = openBackup(file, recoveryKey);
  return { header, salt, body: parseBody(body) };
};

const statusOf = (link: Link, operator: string): Promise<ApproveStatus> => ask<ApproveStatus>(link, 'status', { operator });

/** Operators of the backup who have a phone enrolled here. @throws AirlockError NOT_FOUND for one who is not set up */
const enrolledHere = (context: Context, operators: readonly string[]): Promise<string[]> =>
  withRoot(context, async (link) => {
    const enrolled: string[] = [];
    for (const operator of operators) if ((await statusOf(link, operator)).enrolled) enrolled.push(operator);
    return enrolled;
  });

type Tickets = Readonly<Record<string, string>>;

/** Each of them approves with the present phone; their connections stay open meanwhile, as tickets end with them. */
const withApprovals = async <T>(
  context: Context,
  operators: readonly string[],
  params: { readonly made: string; readonly digest: string },
  use: (tickets: Tickets) => Promise<T>,
): Promise<T> => {
  const [first, ...rest] = operators;
  if (first === undefined) return use({});
  return withSocket(join(context.runtimeDir, 'approve', `${first}.sock`), async (link) => {
    const ticket = await approveAction(context, link, { verb: 'restore', params });
    return withApprovals(context, rest, params, (tickets) => use({ ...tickets, [first]: ticket }));
  });
};

/** What airlock-totp is given of a backup. */
interface Offered {
  readonly sealed: Buffer;
  readonly services: readonly RestoreService[];
}

const offeredOf = ({ totp, services }: BackupBody): Offered => ({
  sealed: decodeBase64url(totp) ?? Buffer.alloc(0),
  services: services.map(named),
});

/** airlock-totp opens its part and checks that it may be taken. @returns a ticket for each service */
const offer = async (
  link: Link,
  { sealed, services }: Offered,
  key: Uint8Array,
  tickets: Tickets,
): Promise<readonly string[]> => {
  const payload = packBlobs(key, sealed, orderBytes(tickets, services));
  const answer = await exchange(link, FRAME.RESTORE_REQUEST, payload, FRAME.RESTORE);
  payload.fill(0);
  const text = unpackBlobs(answer, 0, 1)?.blobs[0]?.toString('utf8') ?? '{}';
  return (JSON.parse(text) as { readonly tickets?: readonly string[] }).tickets ?? [];
};

/** The gateway holds each service; it counts for nothing yet. @throws AirlockError that names the service */
const handOver = async (context: Context, services: readonly BackedUpService[], tickets: readonly string[]): Promise<void> => {
  for (const [index, one] of services.entries())
    await withSocket(join(context.runtimeDir, 'operator', `${one.operator}.sock`), (link) =>
      ask(link, HOLD, holdParams(tickets[index] ?? '', one)),
    ).catch((thrown: unknown) => {
      if (!(thrown instanceof AirlockError)) throw thrown;
      throw new AirlockError(thrown.code, `${one.operator}/${one.service}: ${thrown.message}`, thrown.data);
    });
};

/**
 * The one step.
 * @returns id of the restore @throws AirlockError of airlock-totp, nothing changed; OUTCOME_UNKNOWN where it was gone before it answered
 */
const finishRestore = async (link: Link): Promise<string> => {
  try {
    return (await ask<{ readonly restored: string }>(link, 'restore.finish')).restored;
  } catch (thrown) {
    if (wasAnswered(thrown)) throw thrown;
    throw new AirlockError('OUTCOME_UNKNOWN', 'airlock-totp was gone before it said whether the backup is taken', {
      hint: 'sudo airlock-ctl audit --event restored says whether it was; if so, restore again with --force for the configuration',
    });
  }
};

/**
 * As `finishRestore`, within connections that all end once airlock-totp starts anew: its answer counts, whichever was seen to end first.
 * @param run hands the last step over where everything before it is done
 */
export const decidedBy = async (run: (finish: (link: Link) => Promise<string>) => Promise<string>): Promise<string> => {
  const asked: Promise<string>[] = [];
  const finish = (link: Link): Promise<string> => {
    const answer = finishRestore(link);
    asked.push(answer);
    return answer;
  };
  try {
    return await run(finish);
  } catch (thrown) {
    const [answer] = asked;
    if (answer === undefined) throw thrown;
    return answer;
  }
};

const POLL_MS = 100;
const WAIT_MS = 30_000;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** What a daemon said last why it does not serve. */
type Sealed = { readonly message: string; readonly hint: string } | null;

const notServed = (program: string, sealed: Sealed): AirlockError =>
  sealed === null
    ? new AirlockError('UNAVAILABLE', `the backup was taken, and ${program} does not answer yet`, {
        hint: 'sudo airlock-ctl doctor; services and phone come back by themselves',
      })
    : new AirlockError('UNAVAILABLE', `the backup was taken, and ${program} does not serve: ${sealed.message}`, {
        hint: sealed.hint,
      });

/** Asks again while a daemon starts. @param attempt true, or why not yet @throws AirlockError UNAVAILABLE when it takes too long */
const untilTrue = async (program: string, attempt: () => Promise<true | Sealed>): Promise<void> => {
  let sealed: Sealed = null;
  for (let waited = 0; waited < WAIT_MS; waited += POLL_MS) {
    const found = await attempt().catch(() => null);
    if (found === true) return;
    sealed = found;
    await pause();
  }
  throw notServed(program, sealed);
};

/** BACKUP-12: by the id of this restore, as names of services may be there already. */
const untilServed = async (context: Context, { header }: OpenedBackup, restored: string): Promise<void> => {
  for (const operator of header.operators) {
    await untilTrue('airlock-totp', () =>
      withRoot(context, async (link) => {
        const { enrolled, sealed } = await statusOf(link, operator);
        return enrolled && sealed === null ? true : sealed;
      }),
    );
    await untilTrue('airlock-gateway', () =>
      withSocket(join(context.runtimeDir, 'operator', `${operator}.sock`), async (link) => {
        const status = await ask<GatewayStatus>(link, 'status');
        return status.restored === restored && status.sealed === null ? true : status.sealed;
      }),
    );
  }
};

/** Both daemons read the configuration anew. */
const restart = (context: Context, opened: OpenedBackup, restored: string): Promise<void> => {
  system('systemctl', 'restart', 'airlock-totp.service', 'airlock-gateway.service');
  return untilServed(context, opened, restored);
};

/** What is set up here already needs no hand. */
const stillToDo = (context: Context, { byHand = [] }: BackupBody): string[] => {
  const present = new Set(commandsByHand(context));
  return byHand.filter((line) => !present.has(line));
};

export interface Restored extends RulesPutInForce {
  readonly generation: number;
  readonly made: string;
  readonly operators: readonly string[];
  readonly services: readonly string[];
  readonly config: readonly string[];
  /** Files of the backup that are put nowhere. */
  readonly leftOut: readonly string[];
  /** Commands. */
  readonly byHand: readonly string[];
}

const forceNeeded = (operators: readonly string[]): AirlockError =>
  new AirlockError('NOT_AUTHENTICATED', `${operators.join(', ')} has a phone enrolled on this machine already`, {
    expected: 'a machine without a phone enrolled',
    hint: 'sudo airlock-ctl restore FILE --force replaces it, after a code of the present phone',
  });

/** @throws AirlockError; nothing is changed then, but where it says that the backup was taken */
export const restoreBackup = async (
  context: Context,
  opened: OpenedBackup,
  recoveryKey: Uint8Array,
  isForced: boolean,
): Promise<Restored> => {
  const { header, body } = opened;
  const enrolled = await enrolledHere(context, header.operators);
  if (enrolled.length > 0 && !isForced) throw forceNeeded(enrolled);
  const key = deriveBackupKey(recoveryKey, opened.salt, 'totp');
  const offered = offeredOf(body);
  const digest = restoreDigest(offered.sealed, offered.services);
  let restored: string;
  try {
    restored = await decidedBy((finish) =>
      withApprovals(context, enrolled, { made: header.made, digest }, (tickets) =>
        withRoot(
          context,
          async (link) => {
            await handOver(context, body.services, await offer(link, offered, key, tickets));
            return finish(link);
          },
          BACKUP_FRAME_BYTES,
        ),
      ),
    );
  } finally {
    wipe(key);
  }
  const { operators } = header;
  await untilServed(context, opened, restored).catch(async (thrown: unknown) => {
    throw await failLocked(context, operators, asAirlockError(thrown));
  });
  const files = restoreFiles(context, body.config);
  const anew = isInstalled(context) ? () => restart(context, opened, restored) : null;
  const rules = await putInForce(context, { operators, rules: body.rules }, anew);
  requireWritten(files);
  const services = body.services.map(({ service }) => service);
  const config = { config: files.written, leftOut: files.leftOut, ...rules };
  return { ...header, services, ...config, byHand: stillToDo(context, body) };
};
