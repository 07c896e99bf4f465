/**
 * The methods of operator/OP.sock: airlock-ctl, and the agent's methods under the built-in role `operator`.
 *
 * OPERATOR-1  while sealed, what reads for diagnosis still answers; what changes or grants does not.
 * OPERATOR-2  what changes anything needs the ticket of an approved action.
 */
import type { CallContext, MethodEntry, MethodTable } from '@airlock/ipc';
import { validatorOf, type AirlockError } from '@airlock/protocol';
import { agentTable } from '../agent/table.js';
import { refused } from '../agent/refuse.js';
import type { House, Peer } from '../house.js';
import { queryLog, type QueryParams } from '../journal/query.js';
import { readChunk, segmentList } from '../journal/segments.js';
import { logDir } from '../paths.js';
import type { Identity, Listener } from '../sessions/sessions.js';
import { grantCheck, type GrantCheckParams } from './grant.js';
import { credentialsPut, credentialsRecord, credentialsRemove } from './credentials.js';
import { serviceAccept, serviceTools } from './listed.js';
import { sessionList, sessionUnblock } from './sessions.js';
import { policyApply, policyReload, policyStatus, policyTest, type PolicyTestParams } from './policy.js';
import { serviceAdd, serviceList, serviceRemove, serviceStderr, serviceTest } from './services.js';
import { kindList, status } from './status.js';
import { serviceRestore, type RestoreParams } from '../vault/staged.js';
import type { TicketParams } from './redeem.js';

type Handle = (house: House, operator: string, params: never, connection: Listener) => unknown;

interface Row {
  readonly handle: Handle;
  /** OPERATOR-1. */
  readonly whileSealed: boolean;
  /** Served while a restore is due as well, for it begins another. */
  readonly mends?: true;
  /** Schema where it is not `operator.METHOD`. */
  readonly schema?: string;
}

const reads = (handle: Handle): Row => ({ handle, whileSealed: true });
const acts = (handle: Handle): Row => ({ handle, whileSealed: false });

const ROWS: Readonly<Record<string, Row>> = {
  status: reads((house, operator) => status(house, operator)),
  'kind.list': reads((house) => kindList(house)),
  'session.list': reads((house, operator) => sessionList(house, operator)),
  'session.unblock': acts((house, operator, params: TicketParams) => sessionUnblock(house, operator, params)),
  'service.list': reads((house, operator) => serviceList(house, operator)),
  'policy.status': reads((house) => policyStatus(house)),
  'policy.test': reads((house, operator, params: PolicyTestParams) => policyTest(house, operator, params)),
  'policy.reload': acts((house) => policyReload(house)),
  'policy.apply': acts((house, operator, params: TicketParams) => policyApply(house, operator, params)),
  'grant.check': acts((house, operator, params: GrantCheckParams) => grantCheck(house, operator, params)),
  'service.add': acts((house, operator, params: TicketParams) => serviceAdd(house, operator, params)),
  'service.remove': acts((house, operator, params: TicketParams) => serviceRemove(house, operator, params)),
  'service.test': acts((house, operator, params: TicketParams) => serviceTest(house, operator, params)),
  'service.tools': reads((house, operator, { service }: { service: string }) => serviceTools(house, operator, service)),
  'service.stderr': reads((house, operator, { service }: { service: string }) => serviceStderr(house, operator, service)),
  'service.accept': acts((house, operator, params: TicketParams) => serviceAccept(house, operator, params)),
  'service.restore': {
    ...acts((house, operator, params: RestoreParams) => serviceRestore(house, operator, params)),
    mends: true,
  },
  'credentials.put': acts((house, operator, params: Required<TicketParams>) => credentialsPut(house, operator, params)),
  'credentials.remove': acts((house, operator, params: TicketParams) => credentialsRemove(house, operator, params)),
  'credentials.record': reads((house, operator, { service }: { service: string }) => credentialsRecord(house, operator, service)),
  'audit.query': reads((house, _operator, params: QueryParams) => queryLog(logDir(house.options), params)),
  'audit.follow': reads((house, _operator, _params, connection) => house.followers.add(connection)),
  'audit.checkpoint': acts(async (house) => ({ head: await house.heads.checkpoint() })),
  'log.segments': { ...reads((house) => ({ segments: segmentList(logDir(house.options)) })), schema: 'log.segments' },
  'log.read': {
    ...reads((house, _operator, { segment, offset }: { segment: string; offset: number }) =>
      readChunk(logDir(house.options), segment, offset),
    ),
    schema: 'log.read',
  },
};

const permittedBy = (house: House, { whileSealed, mends }: Row): AirlockError | null => {
  if (whileSealed) return null;
  return mends === true ? house.sealedForGood() : house.sealed();
};

const entry = (house: House, identity: Identity, method: string, row: Row): MethodEntry<Peer> => ({
  params: validatorOf(row.schema ?? `operator.${method}`),
  permitted: () => permittedBy(house, row),
  handle: async (params, { connection }: CallContext<Peer>) => {
    try {
      return await row.handle(house, identity.operator, params as never, connection);
    } catch (thrown) {
      throw refused(house, identity, thrown, { method });
    }
  },
});

export const operatorTable = (house: House, identity: Identity): MethodTable<Peer> => {
  const table = agentTable(house, identity) as Record<string, MethodEntry<Peer>>;
  for (const [method, row] of Object.entries(ROWS)) table[method] = entry(house, identity, method, row);
  return table;
};
