/** `services.list`: what the role may ever get. */
import { decideCall, isClassAllowed } from '@airlock/policy';
import type { OperationManifest, OperationSummary, ServiceSummary } from '@airlock/protocol';
import { listServices, type House } from '../house.js';
import type { Identity } from '../sessions/sessions.js';

/** Whether a call would need an approval of its own, as far as that can be said without its arguments. */
const asksFor = (house: House, role: string, service: string, operation: OperationManifest): boolean =>
  decideCall({
    ...{ service, operation, role, scopes: [[{ service, class: operation.class, operation: null }]], rules: house.rules() },
    ...{ client: '', params: null, nowMs: house.clock.wallMs(), rateCount: () => 0, tainted: false },
  }).decision === 'approval';

/** As agents see it. */
export const summaryOf = (house: House, role: string, service: string, operation: OperationManifest): OperationSummary => {
  const { name, tool, class: scopeClass, outward, untrusted, summary } = operation;
  const approval = asksFor(house, role, service, operation);
  return { name, ...(tool === undefined ? {} : { tool }), class: scopeClass, outward, untrusted, summary, approval };
};

/** Operations that the configuration could ever allow. */
export const allowedOperations = (house: House, operations: Iterable<OperationManifest>): OperationManifest[] =>
  [...operations].filter((operation) => isClassAllowed(house.rules().permissions, operation.class));

export const servicesList = (house: House, { operator, role }: Identity): ServiceSummary[] =>
  listServices(house, operator).map(({ entry, title, operations }) => ({
    service: entry.service,
    kind: entry.kind,
    title,
    operations: allowedOperations(house, operations.values()).map((one) => summaryOf(house, role, entry.service, one)),
  }));
