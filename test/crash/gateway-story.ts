/** What airlock-gateway must not forget in a power cut: that an operation was begun, what came of it, and which rules are in force. */
import { DEFAULT_CONFIG, type CompiledConfig } from '@airlock/protocol';
import type * as InForce from '../../packages/gateway/src/rules/in-force.js';
import type * as Shelf from '../../packages/gateway/src/operations/shelf.js';
import type { Parked, ParkedFacts } from '../../packages/gateway/src/operations/parked.js';
import type * as Directory from '../../packages/totp/src/state/directory.js';
import type * as Snapshot from '../../packages/totp/src/state/snapshot.js';
import type * as State from '../../packages/totp/src/queue/state.js';
import { inside } from '../fire/packages.js';
import { HandClock, stateFs } from './adapters.js';
import { ModelFs, type Disk } from './model-fs.js';
import { onModel } from './patched-fs.js';
import { lost, WHOLE, type Scenario, type Verdict } from './scenario.js';

const { RulesInForce } = (await inside('gateway/dist/src/rules/in-force.js')) as typeof InForce;
const { OperationShelf } = (await inside('gateway/dist/src/operations/shelf.js')) as typeof Shelf;
const { StateDirectory } = (await inside('totp/dist/src/state/directory.js')) as typeof Directory;
const { readState, writeState } = (await inside('totp/dist/src/state/snapshot.js')) as typeof Snapshot;
const { emptyState } = (await inside('totp/dist/src/queue/state.js')) as typeof State;

const SHELF = '/state/operations';
const TOTP = '/state/totp';
const REQUEST = 'r-1';
const FACTS: ParkedFacts = {
  ...{ request: REQUEST, operator: 'default', role: 'default', session: 's-1', lease: 'l-1', service: 'mail' },
  ...{ operation: 'send_message', class: 'write' as const, params: { subject: 'a' }, digest: 'd', constraints: {}, budgets: [] },
  ...{ endsWallMs: 9e15, endsBootMs: 9e15, match: '42', of: 1 },
};
const KEPT: Omit<State.KeptOperation, 'taken'> = {
  ...{ request: REQUEST, lease: 'l-1', service: 'mail', operation: 'send_message', class: 'write' as const, digest: 'd' },
  ...{ endsWallMs: 9e15, endsBootMs: 9e15 },
};
const OUTCOME = { result: { sent: true }, masked: 0, truncated: false, risk: 0, count: 1 };

const shelfOn = (fs: ModelFs): Shelf.OperationShelf => onModel(fs, () => new OperationShelf(SHELF, new HandClock()));
const totpOn = (fs: ModelFs): Directory.StateDirectory => new StateDirectory({ path: TOTP, fs: stateFs(fs) });

/** How far it had come, as far as somebody was told, or the world was changed. */
interface Course {
  isParked: boolean;
  isTaken: boolean;
  isSent: boolean;
  isDone: boolean;
}

/** PARKED-1 to PARKED-5. Two walls stand between a cut and a second message; each must stand by itself. */
const checkOperation = (disk: Disk, course: Course): Verdict => {
  const fs = ModelFs.of(disk);
  const found = shelfOn(fs).get(REQUEST);
  const taken = readState(totpOn(fs), 'default')?.operations.find(({ request }) => request === REQUEST)?.taken;
  if (course.isParked && found === undefined) return lost('what was asked for is forgotten');
  if (course.isSent && found?.state === 'waiting') return lost('it was sent, and the gateway would run it again');
  if ((course.isSent || course.isTaken) && taken !== true) return lost('it was taken, and airlock-totp would give it again');
  if (course.isDone && found?.outcome === null) return lost('its outcome was recorded, and is forgotten');
  if (!course.isSent && found?.state === 'done') return lost('it is done, and nothing was sent');
  return WHOLE;
};

/** The steps of operations/run.ts and operators/operations.ts, in their order, each with what follows once it is durable. */
const runOperation = (fs: ModelFs, course: Course): void => {
  const shelf = shelfOn(fs);
  const totp = totpOn(fs);
  const keep = (taken: boolean): void =>
    writeState(totp, 'default', { ...emptyState('boot1'), operations: [{ ...KEPT, taken }] });
  const change = (parked: Parked, next: Parameters<typeof shelf.change>[1]): Parked =>
    onModel(fs, () => shelf.change(parked, next));
  const waiting = onModel(fs, () => shelf.add(FACTS));
  course.isParked = true;
  keep(false);
  const running = change(waiting, { state: 'running' });
  keep(true);
  course.isTaken = true;
  // The message leaves.
  course.isSent = true;
  const done = change(running, { state: 'done', outcome: OUTCOME });
  course.isDone = true;
  change(done, { audit: 2 });
};

export const operations: Scenario = {
  name: 'operations',
  before: new Map([[SHELF, null]]),
  tell: (fs) => {
    const course: Course = { isParked: false, isTaken: false, isSent: false, isDone: false };
    return { run: async () => runOperation(fs, course), check: (disk) => checkOperation(disk, course) };
  },
};

const RULES = '/state/rules.json';
const allowing = (...allow: ('write' | 'use')[]): CompiledConfig => ({
  ...DEFAULT_CONFIG,
  permissions: { ...DEFAULT_CONFIG.permissions, allow },
});

/** RULES-2, RULES-3: what is in force is what was answered for, or what was about to be; nothing wider without its code. */
export const rules: Scenario = {
  name: 'rules',
  tell: (fs) => {
    const open = (on: ModelFs, config: CompiledConfig): InForce.RulesInForce =>
      onModel(on, () => new RulesInForce(RULES, config));
    const [first, narrow] = [allowing('write'), allowing()];
    let files = first;
    let [answered, tried] = ['', ''];
    const digestOf = (one: InForce.RulesInForce): string => one.status().digest;
    return {
      run: async () => {
        answered = digestOf(open(fs, first));
        const inForce = open(fs, first);
        tried = digestOf(open(ModelFs.of(new Map([['/state', null]])), narrow));
        files = narrow;
        answered = onModel(fs, () => inForce.reload(narrow)).digest;
        files = first;
        const { staged } = onModel(fs, () => inForce.reload(first));
        if (staged === null) throw new Error('what is wider does not wait');
        tried = staged.digest;
        answered = onModel(fs, () => inForce.apply(staged)).digest;
      },
      check: (disk) => {
        const found = digestOf(open(ModelFs.of(disk), files));
        return answered === '' || found === answered || found === tried
          ? WHOLE
          : lost('other rules are in force than were answered for');
      },
    };
  },
};
