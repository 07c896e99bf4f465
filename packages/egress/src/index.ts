export type {
  Egress,
  EgressLimits,
  EgressMethod,
  EgressOptions,
  EgressRequest,
  EgressResponse,
  LookedUp,
  Resolve,
} from './types.js';
