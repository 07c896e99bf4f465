/** One thing that doctor looked at. */
export interface Check {
  readonly id: string;
  readonly ok: boolean;
  readonly found: string;
  readonly expected: string;
  /** A command to paste; empty where nothing is to be done. */
  readonly fix: string;
}

export const REINSTALL = 'sudo ./install.sh';

/** `fix` counts only where it is not ok. */
export const check = (id: string, ok: boolean, found: string, expected: string, fix: string): Check => ({
  id,
  ok,
  found,
  expected,
  fix: ok ? '' : fix,
});
