/** The one HTTP client of Airlock (docs/spec/egress.md). */
export { openEgress } from './egress.js';
export { EGRESS_LIMITS } from './limits.js';
export type { Found } from './errors.js';
export type {
  Egress,
  EgressLimits,
  EgressHead,
  EgressMethod,
  EgressOptions,
  EgressRequest,
  EgressResponse,
  LookedUp,
  Resolve,
  TunnelOptions,
} from './types.js';
