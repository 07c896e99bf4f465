/** `services.list`: what the role may ever get. */
import { isClassAllowed } from '@airlock/policy';
import type { OperationManifest, OperationSummary, ServiceSummary } from '@airlock/protocol';
import { listServices, type House } from '../house.js';
import type { Identity } from '../sessions/sessions.js';

/** As agents see it. What writes needs an approval of its own. */
export const summaryOf = ({
  name,
  tool,
  class: scopeClass,
  outward,
  untrusted,
  summary,
}: OperationManifest): OperationSummary => ({
  name,
  ...(tool === undefined ? {} : { tool }),
  class: scopeClass,
  outward,
  untrusted,
  summary,
  approval: scopeClass === 'write',
});

/** Operations that the configuration could ever allow. */
export const allowedOperations = (house: House, operations: Iterable<OperationManifest>): OperationManifest[] =>
  [...operations].filter((operation) => isClassAllowed(house.config.permissions, operation.class));

export const servicesList = (house: House, { operator }: Identity): ServiceSummary[] =>
  listServices(house, operator).map(({ entry, title, operations }) => ({
    service: entry.service,
    kind: entry.kind,
    title,
    operations: allowedOperations(house, operations.values()).map(summaryOf),
  }));
