/** What airlock-totp must not forget in a power cut: codes that were used, heads that were signed, a restore that was decided. */
import { Chain, openLog, type Head } from '@airlock/audit';
import { DEFAULT_CONFIG } from '@airlock/protocol';
import type * as Approve from '../../packages/totp/src/operators/approve.js';
import type * as Ask from '../../packages/totp/src/operators/ask.js';
import type * as Counter from '../../packages/totp/src/backup/counter.js';
import type * as Directory from '../../packages/totp/src/state/directory.js';
import type * as Enrol from '../../packages/totp/src/dev/enrol.js';
import type * as HeadsModule from '../../packages/totp/src/heads/heads.js';
import type * as HouseModule from '../../packages/totp/src/house.js';
import type * as Houses from '../../packages/totp/src/operators/house.js';
import type * as Pending from '../../packages/totp/src/backup/pending.js';
import type * as Random from '../../packages/totp/src/state/random.js';
import type * as Secrets from '../../packages/totp/src/state/secrets.js';
import type * as Snapshot from '../../packages/totp/src/state/snapshot.js';
import type * as State from '../../packages/totp/src/queue/state.js';
import type * as Totp from '../../packages/totp/src/codes/totp.js';
import { inside } from '../fire/packages.js';
import { HandClock, logFs, recordsOn, START_MS, stateFs, TIMERS } from './adapters.js';
import { ModelFs, type Disk } from './model-fs.js';
import { lost, WHOLE, type Scenario, type Verdict } from './scenario.js';

const { approveRequest } = (await inside('totp/dist/src/operators/approve.js')) as typeof Approve;
const { openLeaseRequest } = (await inside('totp/dist/src/operators/ask.js')) as typeof Ask;
const { readCounter } = (await inside('totp/dist/src/backup/counter.js')) as typeof Counter;
const { StateDirectory } = (await inside('totp/dist/src/state/directory.js')) as typeof Directory;
const { enrolForDevelopment } = (await inside('totp/dist/src/dev/enrol.js')) as typeof Enrol;
const { decideNextHead, GATEWAY_LOG, Heads, TOTP_LOG } = (await inside('totp/dist/src/heads/heads.js')) as typeof HeadsModule;
const { openHouse } = (await inside('totp/dist/src/house.js')) as typeof HouseModule;
const { deskOf } = (await inside('totp/dist/src/operators/house.js')) as typeof Houses;
const { applyPending, newRestoreId, writePending } = (await inside('totp/dist/src/backup/pending.js')) as typeof Pending;
const { systemRandom } = (await inside('totp/dist/src/state/random.js')) as typeof Random;
const { readSecrets, writeSecrets } = (await inside('totp/dist/src/state/secrets.js')) as typeof Secrets;
const { readState, writeState } = (await inside('totp/dist/src/state/snapshot.js')) as typeof Snapshot;
const { emptyState, pendingOf } = (await inside('totp/dist/src/queue/state.js')) as typeof State;
const { codeOfStep } = (await inside('totp/dist/src/codes/totp.js')) as typeof Totp;

const PATH = '/state/totp';
const STEP_MS = 30_000;
const SECRET_TEXT = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const SECRET = Buffer.from('12345678901234567890');
const KEY = Buffer.alloc(32, 7);
const directoryOn = (fs: ModelFs): Directory.StateDirectory => new StateDirectory({ path: PATH, fs: stateFs(fs) });
const diskAfter = (tell: (fs: ModelFs) => void): Disk => {
  const fs = ModelFs.of(new Map([['/state', null]]));
  tell(fs);
  return fs.now;
};

const houseOn = (fs: ModelFs, clock: HandClock, bootId: string): Houses.House =>
  openHouse({
    ...{ stateDir: PATH, credentialsDir: undefined, clock, timers: TIMERS, random: systemRandom, bootId },
    ...{ config: DEFAULT_CONFIG, configProblem: null, fs: stateFs(fs) },
    openLog: (options) => openLog({ ...options, fs: logFs(fs), reserveBytes: 64, timers: TIMERS }),
  });

const ENROLLED = diskAfter((fs) => enrolForDevelopment(houseOn(fs, new HandClock(), 'boot0'), 'default', SECRET_TEXT));
const ASK = {
  ...{ operator: 'default', role: 'default', session: 's-12345678', scopes: ['mail:read'] },
  ...{ reason: 'find an invoice', ttlS: 3600, constraints: {} },
};
const stepAt = (ms: number): number => Math.floor(ms / STEP_MS);

/** One request, approved by the code of a step. @returns the lease, or the code of the refusal */
const approveBy = (house: Houses.House, step: number): string => {
  const desk = deskOf(house, 'default');
  try {
    openLeaseRequest(desk, ASK);
    const [front] = pendingOf(desk.state);
    const { id: request = '', digest = '', match = '' } = front ?? {};
    const given = { request, digest, match, code: codeOfStep(SECRET, step, 6) };
    return approveRequest(desk, given, {}).lease?.id ?? 'no lease';
  } catch (thrown) {
    return (thrown as { code?: string }).code ?? String(thrown);
  }
};

interface Used {
  readonly step: number;
  readonly lease: string;
}

const LOG = `${PATH}/audit`;
const LEASE = /^[\w-]{22}$/;
/** QUEUE-4, QUEUE-10: a code that gave a lease gives none again, within the same half minute on the same clock. */
const checkCodes = (disk: Disk, used: readonly Used[], nowMs: number): Verdict => {
  const fs = ModelFs.of(disk);
  const clock = new HandClock();
  clock.now = nowMs;
  const house = houseOn(fs, clock, 'boot2');
  const text = recordsOn(disk, LOG);
  const gone = used.find(({ lease }) => !text.includes(lease));
  if (gone !== undefined) return lost('a lease that was handed out is not in the record');
  const { lastStep } = deskOf(house, 'default').state;
  for (const { step } of used) {
    if (lastStep < step) return lost(`step ${step} was used, ${lastStep} is the last that is known`);
    const answer = house.sealed() === null ? approveBy(house, step) : 'sealed';
    if (answer !== 'CODE_REJECTED' && answer !== 'sealed') return lost(`a used code is answered with ${answer}`);
  }
  return house.sealed() === null ? WHOLE : { kind: 'sealed', why: (house.sealed()?.message ?? '').replace(/[0-9]+/g, '#') };
};

export const codes: Scenario = {
  name: 'codes',
  before: ENROLLED,
  tell: (fs) => {
    const used: Used[] = [];
    const clock = new HandClock();
    return {
      run: async () => {
        const house = houseOn(fs, clock, 'boot1');
        for (let turn = 0; turn < 2; turn += 1) {
          const step = stepAt(clock.now);
          const lease = approveBy(house, step);
          if (!LEASE.test(lease)) throw Object.assign(new Error(`no lease: ${lease}`), { code: lease });
          used.push({ step, lease });
          if (turn === 0) clock.now += STEP_MS;
        }
      },
      check: (disk) => checkCodes(disk, used, clock.now),
    };
  },
};

const LOGS = [TOTP_LOG, GATEWAY_LOG] as const;
const isSame = (one: Head | undefined, other: Head): boolean => one?.size === other.size && one.hash === other.hash;
/** HEADS-1: what was signed is what is known, or what was about to be signed; never another history. */
export const heads: Scenario = {
  name: 'heads',
  tell: (fs) => {
    const answered = new Map<string, Head>();
    let tried: { readonly log: string; readonly head: Head } | null = null;
    return {
      run: async () => {
        const signer = new Heads(directoryOn(fs), KEY, false);
        for (let turn = 1; turn <= 2; turn += 1)
          for (const log of LOGS) {
            const digests = [turn, turn + 1].map((byte) => Buffer.alloc(32, byte).toString('hex'));
            const last = signer.last(log);
            const head = decideNextHead(last, { size: last.size + digests.length, digests });
            if ('problem' in head) throw new Error(head.problem);
            tried = { log, head };
            signer.sign(log, head);
            answered.set(log, head);
          }
      },
      check: (disk) => {
        const found = new Heads(directoryOn(ModelFs.of(disk)), KEY, false);
        for (const log of LOGS) {
          const last = found.last(log);
          const isNew = tried?.log === log && isSame(tried.head, last);
          if (!isNew && !isSame(answered.get(log) ?? new Chain().head(), last))
            return lost(`${log}: ${answered.get(log)?.size ?? 0} records were signed, ${last.size} are known`);
        }
        return WHOLE;
      },
    };
  },
};

const secretsOf = (vaultId: string): Secrets.EnrolmentSecrets => ({
  ...{ vaultId, firstEpoch: 0, recovery: [] },
  ...{ root: Buffer.alloc(32, 3), totp: [Buffer.from(SECRET)] },
});
const [OLD_STEP, NEW_STEP] = [5, 9];
const OLD = diskAfter((fs) => {
  const directory = directoryOn(fs);
  writeState(directory, 'default', { ...emptyState('boot0'), lastStep: OLD_STEP });
  writeSecrets(directory, KEY, 'default', secretsOf('old'));
});

const openingOn = (fs: ModelFs): Pending.Opening => ({
  ...{ directory: directoryOn(fs), wrappingKey: KEY, random: systemRandom, clock: new HandClock(), bootId: 'boot1' },
  ...{ config: DEFAULT_CONFIG, journal: { record: () => 1 } as never },
});

/** BACKUP-5: all of the restore or nothing of it, and all of it once it was answered for. */
export const restore: Scenario = {
  name: 'restore',
  before: OLD,
  tell: (fs) => {
    const id = newRestoreId(systemRandom);
    let isDecided = false;
    const state = { lastStep: NEW_STEP, floorStep: 0, locked: false, versions: {}, burntRecovery: [] };
    const archive = {
      ...{ madeMs: START_MS, generation: 2, heads: { [TOTP_LOG]: null, [GATEWAY_LOG]: null } },
      keys: { [TOTP_LOG]: 'a', [GATEWAY_LOG]: 'b' },
      operators: [{ operator: 'default', state, secrets: secretsOf('new') }],
      due: { operators: ['default'], services: 'ab'.repeat(32) },
    } as unknown as Parameters<typeof writePending>[3];
    return {
      run: async () => {
        const opening = openingOn(fs);
        writePending(opening.directory, KEY, id, archive);
        isDecided = true;
        applyPending(opening);
      },
      check: (disk) => {
        const opening = openingOn(ModelFs.of(disk));
        applyPending(opening);
        const { directory } = opening;
        const vaultId = readSecrets(directory, KEY, 'default')?.vaultId;
        const { restored, due } = readCounter(directory);
        const found = [vaultId, readState(directory, 'default')?.lastStep, restored, due?.id].join();
        const [before, after] = [`old,${OLD_STEP},,`, `new,${NEW_STEP},${id},${id}`];
        if (found === after || (!isDecided && found === before)) return WHOLE;
        return lost(`it is ${found}${isDecided ? ', and was to be restored' : ''}`);
      },
    };
  },
};
