/** `services.list`: what the role may ever get. */
import { alwaysDenied, decideCall, isClassAllowed } from '@airlock/policy';
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

/**
 * Operations of a service that this role may ever get: the configuration allows their class, and no policy denies them
 * whenever and however they are called (POLICY-8).
 */
export const offeredOperations = (
  house: House,
  role: string,
  service: string,
  operations: Iterable<OperationManifest>,
): OperationManifest[] => {
  const rules = house.rules();
  return [...operations].filter(
    (operation) => isClassAllowed(rules.permissions, operation.class) && alwaysDenied(rules, role, service, operation) === null,
  );
};

export const servicesList = (house: House, { operator, role }: Identity): ServiceSummary[] =>
  listServices(house, operator).map(({ entry: { service, kind }, title, operations }) => ({
    service,
    kind,
    title,
    operations: offeredOperations(house, role, service, operations.values()).map((one) => summaryOf(house, role, service, one)),
  }));
