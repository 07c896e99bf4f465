/** airlock-totp in production: system clock, sockets by activation. */
import { startDaemon, reportFailure } from './daemon.js';
import { optionsFromEnvironment } from './environment.js';

/** Files this process makes are its own. */
process.umask(0o077);
// A stack of a failed handler may hold what a record must not: the journal gets a name, and the process goes on.
process.on('uncaughtException', (error) => process.stderr.write(`airlock-totp: error: ${error.name}\n`));
Promise.resolve()
  .then(() => startDaemon(optionsFromEnvironment(process.env)))
  .catch(reportFailure);
