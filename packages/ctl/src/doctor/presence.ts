/** What doctor says of presence: whether it can be had on this machine, and what it freezes (docs/spec/presence.md). */
import { presenceText, type PresenceView } from '@airlock/protocol';
import { check, type Check } from './check.js';

/** Three reports missed. */
const MAX_HEARD_S = 20;
const RESTART = 'sudo systemctl restart airlock-presence; sudo journalctl -u airlock-presence -n 50';

const LOGIND = 'sudo systemctl restart systemd-logind airlock-presence; sudo journalctl -u airlock-presence -n 50';

const say = (ok: boolean, found: string, fix: string): Check =>
  check('presence', ok, found, "airlock-presence watches the operator's sessions, or is off", fix);

/** Pure. */
export const presenceCheck = ({ mode, reasons, waived, seated, heardS, available, sessions }: PresenceView): Check => {
  if (mode === 'off') return say(true, 'off, as airlock.yaml says: nothing freezes leases while nobody is there', '');
  if (heardS === null || heardS > MAX_HEARD_S) return say(false, 'airlock-presence does not report', RESTART);
  const isRequired = mode === 'required';
  if (available !== true && seated)
    return say(false, 'logind does not answer any more: a lock of the screen it saw before goes unseen', LOGIND);
  if (available !== true)
    return say(
      !isRequired,
      'cannot be had: no logind answers on this machine, so it is off',
      'set presence.mode to auto in /etc/airlock/airlock.yaml, or install systemd-logind and dbus',
    );
  // PRESENCE-6: somebody can see again, and nobody is there: only a code ends it.
  if (reasons.includes('silent') && !isRequired) return say(false, `frozen: ${presenceText(reasons)}`, 'airlock-ctl unlock');
  if (reasons.length > 0) return say(true, `frozen: ${presenceText(reasons)}`, '');
  if (sessions === 0) return say(true, 'nobody at a screen: nothing freezes', '');
  return say(true, waived.length > 0 ? `overruled by a code: ${presenceText(waived)}` : 'there', '');
};
