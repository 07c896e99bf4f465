/**
 * Where systemd cannot open the wrapping key for airlock-totp (another TPM, another key of the host), the daemon cannot start and
 * say so itself: systemd's sockets take connections that nobody answers.
 */
import { AirlockError, type Timers } from '@airlock/protocol';
import { spawnSync } from 'node:child_process';

const UNIT = 'airlock-totp.service';

/** EXIT_CREDENTIALS of systemd.exec(5), of the program before the daemon or of the daemon itself. */
const FAILED = /^(?:ExecStartPre=.*[ ;]status=243\b.*|ExecMainStatus=243)$/m;

/** @param shown what `systemctl show` prints of ExecStartPre and ExecMainStatus */
export const didNotOpen = (shown: string): boolean => FAILED.test(shown);

/** Of the last start. */
export const keyDidNotOpen = (): boolean => {
  const { stdout } = spawnSync('systemctl', ['show', '-p', 'ExecStartPre', '-p', 'ExecMainStatus', UNIT], {
    encoding: 'utf8',
    timeout: 5000,
  });
  return typeof stdout === 'string' && didNotOpen(stdout);
};

/** What to do then, as commands. */
export const BEGIN_ANEW =
  'sudo ./install.sh --uninstall --purge; sudo ./install.sh --operator "$USER"; sudo airlock-ctl restore FILE';

/** The one error of this. */
export const notOpened = (): AirlockError =>
  new AirlockError(
    'VAULT_UNREADABLE',
    'the wrapping key does not open on this machine: /etc/airlock/wrap.cred was sealed with another TPM or another key of the host',
    {
      expected: 'the TPM and the disk it was sealed with',
      hint: `put those back, or begin anew with the last backup: ${BEGIN_ANEW}`,
    },
  );

const PATIENCE_MS = 1500;

/** `asking`, or after a moment without an answer the reason why there will be none. @throws AirlockError VAULT_UNREADABLE */
export const unlessUnopened = async <T>(asking: Promise<T>, timers: Timers, isUnopened = keyDidNotOpen): Promise<T> => {
  let give: (reason: AirlockError) => void = () => undefined;
  const unopened = new Promise<never>((_, reject) => {
    give = reject;
  });
  unopened.catch(() => undefined);
  const timer = timers.after(PATIENCE_MS, () => {
    if (isUnopened()) give(notOpened());
  });
  try {
    return await Promise.race([asking, unopened]);
  } finally {
    timer.cancel();
  }
};
