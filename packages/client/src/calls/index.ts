/** One file a method of the agent socket, mirrored by the gateway's answers. */
export { accessClaim } from './access-claim.js';
export { accessRelease } from './access-release.js';
export { accessRequest } from './access-request.js';
export { accessStatus } from './access-status.js';
export { MAX_WAIT_S, accessWait } from './access-wait.js';
export { call } from './call.js';
export { callResult } from './call-result.js';
export type { Caller, CallerOptions } from './caller.js';
export { hello } from './hello.js';
export { servicesList } from './services-list.js';
export { toolsDescribe, toolsSearch } from './tools.js';
