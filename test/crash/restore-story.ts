/** What airlock-gateway must not forget or mix in a power cut while it takes a backup: all of before, or all of the backup, and once. */
import { servicesDigest, sha256Hex, type RestoreService } from '@airlock/protocol';
import { readFileSync } from 'node:fs';
import type * as House from '../../packages/gateway/src/house.js';
import type * as Listed from '../../packages/gateway/src/listed/listed-store.js';
import type * as Staged from '../../packages/gateway/src/vault/staged.js';
import type * as RestoreStates from '../../packages/gateway/src/vault/restore-state.js';
import type * as Store from '../../packages/gateway/src/vault/store.js';
import type { ServiceEntry } from '../../packages/gateway/src/vault/entry.js';
import { fromRoot, inside } from '../fire/packages.js';
import { HandClock, TIMERS } from './adapters.js';
import { ModelFs } from './model-fs.js';
import { onModel } from './patched-fs.js';
import { lost, WHOLE, type Scenario, type Verdict } from './scenario.js';

const { ListedStore } = (await inside('gateway/dist/src/listed/listed-store.js')) as typeof Listed;
const { applyRestored, serviceRestore } = (await inside('gateway/dist/src/vault/staged.js')) as typeof Staged;
const { RestoreState } = (await inside('gateway/dist/src/vault/restore-state.js')) as typeof RestoreStates;
const { ServiceStore } = (await inside('gateway/dist/src/vault/store.js')) as typeof Store;

const ID = 'r'.repeat(22);
const ENTRY = JSON.parse(
  readFileSync(fromRoot('test/golden/state-0.1.0/gateway/vault/default/api.json'), 'utf8'),
) as ServiceEntry;
const textOf = (service: string, day: number): string =>
  JSON.stringify({ ...ENTRY, service, updatedAt: `2026-11-0${day}T12:00:00.000Z` });

const BACKUP = ['api', 'more'].map((service) => ({ service, entry: textOf(service, 2), listed: '' }));
const SERVICES = BACKUP.map(({ service, entry }): RestoreService => ({
  operator: 'default',
  service,
  digest: sha256Hex(`${entry}\n`),
}));
const DUE = { id: ID, operators: ['default'], services: servicesDigest(SERVICES) };

/** As much of the gateway as a restore needs, on what a disk has. */
const houseOn = (isTold: (method: string) => void): House.House => {
  const redeemed = (ticket: string): object => {
    const { service, digest } = SERVICES[Number(ticket)] ?? {};
    return { action: { verb: 'service.restore', params: { service, digest, restore: ID } } };
  };
  const house = {
    ...{ options: { stateDir: '/state', log: () => undefined }, clock: new HandClock(), timers: TIMERS },
    journal: { log: { appendDurableSync: () => 1 } },
    restores: new RestoreState('/state/restored.json'),
    stores: new Map([['default', new ServiceStore('/state/vault', 'default')]]),
    listed: new Map([['default', new ListedStore('/state/listed', 'default')]]),
    bridge: {
      call: (method: string, params: { readonly ticket?: string }): Promise<unknown> => {
        isTold(method);
        return Promise.resolve(method === 'action.redeem' ? redeemed(params.ticket ?? '') : {});
      },
    },
  };
  return house as unknown as House.House;
};

const daysOf = (house: House.House): string =>
  [...(house.stores.get('default')?.entries ?? [])]
    .map(([service, { updatedAt }]) => `${service} ${updatedAt?.slice(8, 10) ?? ''}`)
    .sort()
    .join();

const [BEFORE, AFTER, NEWER] = ['api 01,other 01', 'api 02,more 02', 'api 03,more 02'];

/** How far it had come, as far as somebody was told. */
interface Course {
  held: number;
  isTried: boolean;
  isNewer: boolean;
}

/** BACKUP-5, BACKUP-12: airlock-totp, which has decided once all was held, names it again, as it may not know more. */
const checkRestore = (house: House.House, { held, isTried, isNewer }: Course): Verdict => {
  const isDecided = held === BACKUP.length;
  applyRestored(house, isDecided ? DUE : null, () => undefined);
  const found = daysOf(house);
  if (house.restores.problem !== null) return lost(`it is not in force: ${house.restores.problem.message}`);
  if (!isDecided) return found === BEFORE ? WHOLE : lost(`nothing was decided, and there is ${found}`);
  const isFound = (found === AFTER && !isNewer) || (found === NEWER && isTried);
  return isFound ? WHOLE : lost(`it is decided, and there is ${found}`);
};

export const held: Scenario = {
  name: 'restore-held',
  before: new Map([
    ['/state/vault', null],
    ['/state/vault/default', null],
    ['/state/vault/default/api.json', Buffer.from(textOf('api', 1))],
    ['/state/vault/default/other.json', Buffer.from(textOf('other', 1))],
    ['/state/listed', null],
    ['/state/listed/default', null],
  ]),
  tell: (fs) => {
    const course: Course = { held: 0, isTried: false, isNewer: false };
    const told = (method: string): void => {
      if (method === 'restore.held') course.held += 1;
    };
    return {
      run: () =>
        onModel(fs, async () => {
          const house = houseOn(told);
          for (const [index, { entry, listed }] of BACKUP.entries())
            await serviceRestore(house, 'default', { ticket: String(index), entry, listed });
          applyRestored(house, DUE, () => undefined);
          // Sealed then, so that nobody changes anything.
          if (house.restores.problem !== null) throw house.restores.problem;
          course.isTried = true;
          house.stores.get('default')?.replace(JSON.parse(textOf('api', 3)) as ServiceEntry);
          course.isNewer = true;
        }),
      check: (disk) =>
        onModel(ModelFs.of(disk), () =>
          checkRestore(
            houseOn(() => undefined),
            course,
          ),
        ),
    };
  },
};
