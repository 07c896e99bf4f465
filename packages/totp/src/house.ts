/** Builds what every part shares, out of a directory of state and a configuration. */
import { openLog, type AuditLog, type Head } from '@airlock/audit';
import type { AirlockError, Clock, CompiledConfig, Timers } from '@airlock/protocol';
import { AuditAlert } from './heads/alert.js';
import { readCounter } from './backup/counter.js';
import { OpenRestore } from './backup/open-restore.js';
import { applyPending } from './backup/pending.js';
import { beginAnew, recordAnew } from './heads/begin-anew.js';
import { Heads, TOTP_LOG } from './heads/heads.js';
import { Journal } from './heads/journal.js';
import { logDirOf } from './heads/segments.js';
import { ShownTexts } from './heads/shown.js';
import { Desk } from './operators/desk.js';
import type { House } from './operators/house.js';
import { PresenceWatch } from './presence/watch.js';
import { dropEarlierKeys } from './operators/rotate.js';
import { openLeaseKey } from './register/lease-key.js';
import { StateDirectory } from './state/directory.js';
import type { Random } from './state/random.js';
import { hasSecrets } from './state/secrets.js';
import type { StateFs } from './state/state-fs.js';
import { openWrappingKey } from './state/wrapping.js';
import { ActionTickets } from './tickets/action-tickets.js';
import { ReleaseTickets } from './tickets/release-tickets.js';

export interface HouseOptions {
  readonly stateDir: string;
  readonly credentialsDir: string | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly bootId: string;
  readonly config: CompiledConfig;
  /** CONFIG_INVALID, or null. */
  readonly configProblem: AirlockError | null;
  readonly fs?: StateFs;
  readonly openLog?: typeof openLog;
  readonly restart?: () => void;
}

const openJournal = (options: HouseOptions, last: Head, onSealed: (error: AirlockError) => void): AuditLog =>
  (options.openLog ?? openLog)({
    dir: logDirOf(options.stateDir),
    clock: options.clock,
    origin: TOTP_LOG,
    bootId: options.bootId,
    groupCommitMs: options.config.audit.groupCommitMs,
    onSealed,
    ...(last.size === 0 ? {} : { durableHead: last }),
  });

/** The first reason stays: what follows from it would only hide it. */
const sealing = (first: AirlockError | null): Pick<House, 'seal' | 'sealed'> => {
  let reason = first;
  return { seal: (error) => void (reason ??= error), sealed: () => reason };
};

/** What does not start leaves the log to the next start. */
const orClose = <T>(log: { close(): Promise<void> }, run: () => T): T => {
  try {
    return run();
  } catch (thrown) {
    void log.close();
    throw thrown;
  }
};

/** @throws AirlockError VAULT_UNREADABLE where the state cannot be trusted or read; a log that cannot be used seals. */
export const openHouse = (options: HouseOptions): House => {
  const { clock, timers, random, bootId, config } = options;
  const directory = new StateDirectory({ path: options.stateDir, ...(options.fs === undefined ? {} : { fs: options.fs }) });
  const wrappingKey = openWrappingKey(directory, options.credentialsDir);
  const isEnrolled = config.operators.some((operator) => hasSecrets(directory, operator));
  const heads = new Heads(directory, wrappingKey, isEnrolled);
  const alert = new AuditAlert(directory);
  const seals = sealing(options.configProblem);
  const anew = beginAnew(directory, heads, alert, logDirOf(options.stateDir));
  const log = openJournal(options, heads.last(TOTP_LOG), seals.seal);
  if (log.sealed !== null) seals.seal(log.sealed);
  const journal = new Journal(log);
  orClose(log, () => {
    if (log.sealed === null) recordAnew(directory, journal, anew);
    if (log.sealed === null) applyPending({ directory, wrappingKey, journal, random, clock, bootId, config });
    // Read at each hello; one that is damaged seals now instead of cutting the gateway off without a word.
    readCounter(directory);
  });
  const desks = new Map<string, Desk>();
  const house: House = {
    clock,
    timers,
    random,
    bootId,
    config,
    directory,
    wrappingKey,
    heads,
    alert,
    presence: new PresenceWatch({ clock, config, desks }),
    journal,
    leaseKey: openLeaseKey(directory, wrappingKey, bootId, random),
    actionTickets: new ActionTickets(random),
    releaseTickets: new ReleaseTickets(random, clock.bootMs()),
    openRestore: new OpenRestore(),
    shownTexts: new ShownTexts(),
    desks,
    listeners: new Set(),
    enrolledListeners: new Set(),
    rotatedListeners: new Set(),
    restart: options.restart ?? ((): void => undefined),
    ...seals,
  };
  orClose(log, () => {
    for (const operator of config.operators) desks.set(operator, new Desk(house, operator));
  });
  dropEarlierKeys(house);
  return house;
};
