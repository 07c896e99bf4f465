/** A process around the daemon: exit on SIGTERM and SIGINT, and nothing else. */
import { runTotp, type TotpOptions } from './run.js';

/** Enough for an answer to leave a Unix socket. */
const RESTART_DELAY_MS = 100;

/** Resolves when the sockets are served. */
export const startDaemon = async (options: TotpOptions): Promise<void> => {
  const restart = (): void => void setTimeout(() => process.exit(0), RESTART_DELAY_MS);
  const totp = await runTotp({ restart, ...options });
  const stop = (): void => {
    void totp.close().finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
};

/** A start that failed for a reason that is no state: sockets that do not add up. */
export const reportFailure = (thrown: unknown): void => {
  // Sockets that were served already would keep a daemon alive that is none.
  process.stderr.write(`airlock-totp: error: ${(thrown as Error).message}\n`, () => process.exit(1));
};
