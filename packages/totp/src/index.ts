/** airlock-totp: TOTP secret, approval queue, register of live leases, record keys. */
export { runTotp, type Sockets, type Totp, type TotpOptions } from './run.js';
