/** The log, the register of airlock-totp and the vault of the gateway on the model file system; and all the stories there are. */
import { openLog, type AuditLog } from '@airlock/audit';
import type { Clock } from '@airlock/protocol';
import { isDeepStrictEqual } from 'node:util';
import { readFileSync } from 'node:fs';
import type * as Snapshot from '../../packages/totp/src/state/snapshot.js';
import type * as Directory from '../../packages/totp/src/state/directory.js';
import type * as State from '../../packages/totp/src/queue/state.js';
import type * as Store from '../../packages/gateway/src/vault/store.js';
import type { ServiceEntry } from '../../packages/gateway/src/vault/entry.js';
import { fromRoot, inside } from '../fire/packages.js';
import { HandClock, logFs, recordsOn, stateFs, TIMERS } from './adapters.js';
import { config } from './config-story.js';
import { rules, operations } from './gateway-story.js';
import { held } from './restore-story.js';
import { ModelFs, type Disk } from './model-fs.js';
import { onModel } from './patched-fs.js';
import { codes, heads, restore } from './totp-story.js';
import { lost, WHOLE, type Scenario, type Telling, type Verdict } from './scenario.js';

const { readState, writeState } = (await inside('totp/dist/src/state/snapshot.js')) as typeof Snapshot;
const { StateDirectory } = (await inside('totp/dist/src/state/directory.js')) as typeof Directory;
const { emptyState } = (await inside('totp/dist/src/queue/state.js')) as typeof State;
const { ServiceStore } = (await inside('gateway/dist/src/vault/store.js')) as typeof Store;

const DAY_MS = 86_400_000;

const LOG = '/state/log';
const openOn = (fs: ModelFs, clock: Clock, bootId: string): AuditLog =>
  openLog({ dir: LOG, fs: logFs(fs), clock, bootId, reserveBytes: 64, timers: TIMERS });

/** What a log was told to write, and the text it had by then. */
interface Answered {
  readonly text: string;
  readonly records: number;
}

/** How many of the story's own records, numbered from 1, stand there in order. */
const numberedIn = (text: string): number =>
  text.split('\n').reduce((count, line) => (/"n":(\d+)[,}]/.exec(line)?.[1] === String(count + 1) ? count + 1 : count), 0);

/** Whatever was answered for is there, in order, and the log goes on or says why not. */
const checkLog = (disk: Disk, answered: Answered): Verdict => {
  const fs = ModelFs.of(disk);
  const clock = new HandClock();
  clock.now += 2 * DAY_MS;
  const log = openOn(fs, clock, 'boot2');
  if (!recordsOn(fs.now, LOG).startsWith(answered.text))
    return lost(`durable records are gone: ${answered.text.length} bytes were answered for`);
  const written = numberedIn(answered.text);
  if (written < answered.records) return lost(`${answered.records} records were answered for, ${written} were written`);
  if (log.sealed !== null) return { kind: 'sealed', why: log.sealed.message.replace(/[0-9]+/g, '#') };
  log.appendDurableSync('again');
  return WHOLE;
};

const tellLog = (fs: ModelFs, began: string): Telling => {
  let answered: Answered = { text: began, records: 0 };
  const clock = new HandClock();
  let count = 0;
  const next = (): { readonly n: number } => ({ n: (count += 1) });
  const note = (): void => {
    answered = { text: recordsOn(fs.now, LOG), records: count };
  };
  return {
    run: async () => {
      const log = openOn(fs, clock, 'boot1');
      for (let turn = 0; turn < 2; turn += 1) {
        log.appendDurableSync('lease_issued', next());
        note();
      }
      log.append('call', next());
      log.append('call', next());
      await Promise.all([log.appendDurable('access_denied', next()), log.appendDurable('lock', next())]);
      note();
      clock.now += DAY_MS;
      await log.appendGrouped('call', next()).written;
      await log.flush();
      note();
      log.appendDurableSync('lease_revoked', next());
      note();
      await log.close();
    },
    check: (disk) => checkLog(disk, answered),
  };
};

const log: Scenario = { name: 'log', tell: (fs) => tellLog(fs, '') };

const TORN_NAME = `${LOG}/2026-11-20.jsonl`;
const GOOD = ((): string => {
  const fs = new ModelFs();
  fs.mkdir('/state', 0o700);
  const one = openOn(fs, new HandClock(), 'boot0');
  for (let index = 0; index < 3; index += 1) one.appendDurableSync('call', { index });
  return recordsOn(fs.now, LOG);
})();
/** A log that a power cut has torn, opened again, while the power goes once more. */
const recovery: Scenario = {
  name: 'log-recovery',
  before: new Map([
    [LOG, null],
    [TORN_NAME, Buffer.from(`${GOOD}{"seq":4,"ts":"2026-11-20T12:0`)],
  ]),
  tell: (fs) => tellLog(fs, GOOD),
};

const REGISTER = '/state/totp';
/** STATE-2: old or new, never anything else, and new once it was answered. */
const register: Scenario = {
  name: 'register',
  tell: (fs) => {
    let answered = -2;
    let tried = -2;
    return {
      run: async () => {
        const directory = new StateDirectory({ path: REGISTER, fs: stateFs(fs) });
        for (let step = 1; step <= 4; step += 1) {
          tried = step;
          writeState(directory, 'default', { ...emptyState('boot1'), lastStep: step });
          answered = step;
        }
      },
      check: (disk) => {
        const directory = new StateDirectory({ path: REGISTER, fs: stateFs(ModelFs.of(disk)) });
        const found = readState(directory, 'default')?.lastStep ?? -2;
        return found === answered || found === tried ? WHOLE : lost(`step ${found} is found, ${answered} was burnt`);
      },
    };
  },
};

const VAULT = '/state/vault';
const ENTRY = JSON.parse(
  readFileSync(fromRoot('test/golden/state-0.1.0/gateway/vault/default/api.json'), 'utf8'),
) as ServiceEntry;
const entryOf = (service: string, day: number): ServiceEntry => ({
  ...ENTRY,
  service,
  updatedAt: `2026-11-0${day}T12:00:00.000Z`,
});
const acknowledged = (): Promise<void> => Promise.resolve();

/** STORE-2: what was put is there, or what stood before; what was removed stays removed. */
const vault: Scenario = {
  name: 'vault',
  tell: (fs) => {
    const answered = new Map<string, ServiceEntry | null>();
    let tried: { readonly service: string; readonly entry: ServiceEntry | null } = { service: '', entry: null };
    const step = async (service: string, entry: ServiceEntry | null, act: () => Promise<void> | void): Promise<void> => {
      tried = { service, entry };
      await act();
      answered.set(service, entry);
    };
    return {
      run: () =>
        onModel(fs, async () => {
          const store = new ServiceStore(VAULT, 'default');
          const put = (service: string, day: number): Promise<void> =>
            step(service, entryOf(service, day), () => store.put(entryOf(service, day), acknowledged));
          await put('api', 1);
          await put('api', 2);
          await put('other', 3);
          const bare = { ...entryOf('api', 2), record: null };
          await step('api', bare, () => store.replace(bare));
          await step('other', null, () => store.remove('other'));
          await put('other', 4);
        }),
      check: (disk) =>
        onModel(ModelFs.of(disk), () => {
          const store = new ServiceStore(VAULT, 'default');
          const [problem] = store.problems;
          if (problem !== undefined) return lost(`${problem.file}: ${problem.problem}`);
          for (const [service, entry] of answered) {
            const found = store.get(service) ?? null;
            const isNew = tried.service === service && isDeepStrictEqual(found, tried.entry);
            if (!isNew && !isDeepStrictEqual(found, entry))
              return lost(`${service} is of ${found?.updatedAt ?? 'nowhere'}, not of ${entry?.updatedAt ?? 'nowhere'}`);
          }
          return WHOLE;
        }),
    };
  },
  before: new Map([[VAULT, null]]),
};

export const SCENARIOS: readonly Scenario[] = [
  log,
  recovery,
  register,
  vault,
  codes,
  heads,
  restore,
  held,
  operations,
  rules,
  config,
];
