/** A person at a terminal of 80 columns, in tmux: what is typed, and what stands on the screen. */
import { must, run, until } from './machine.js';

const SERVER = ['tmux', '-L', 'walk', '-f', '/dev/null'];
const ROWS = 50;

export interface Terminal {
  readonly name: string;
  /** Types the text and Enter. */
  enter(text: string): Promise<void>;
  press(key: string): Promise<void>;
  /** All lines since the last `clear`, without trailing blanks. */
  screen(): Promise<string>;
  /** Waits until the screen matches. @throws Error with the screen when `ms` are over */
  shows(pattern: RegExp, ms?: number): Promise<string>;
  clear(): Promise<void>;
}

const CLEAR_MS = 5000;

const tmux = (...args: readonly string[]): Promise<string> => must([...SERVER, ...args]);

/** Opens a login shell of a user whose prompt is `USER$ ` by its .bashrc. */
export const openTerminal = async (user: string): Promise<Terminal> => {
  const target = `${user}:0.0`;
  const { NODE_EXTRA_CA_CERTS: file } = process.env;
  const authority = file === undefined ? '' : `NODE_EXTRA_CA_CERTS=${file} `;
  const shell = `env -i HOME=/home/${user} USER=${user} TERM=screen LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin ${authority}/usr/sbin/runuser -u ${user} -- bash`;
  await tmux('new-session', '-d', '-s', user, '-x', '80', '-y', String(ROWS), '-c', `/home/${user}`, shell);
  await tmux('set-option', '-t', user, 'history-limit', '5000');
  const screen = async (): Promise<string> => {
    const text = await tmux('capture-pane', '-p', '-J', '-t', target, '-S', '-');
    return text.replace(/[ \t]+$/gm, '').trim();
  };
  const shows = async (pattern: RegExp, ms = 30_000): Promise<string> => {
    let text = '';
    const found = await until(async () => pattern.test((text = await screen())), ms);
    if (found === null) throw new Error(`${user} waited for ${String(pattern)} and saw:\n${text}`);
    return text;
  };
  const press = async (key: string): Promise<void> => {
    await tmux('send-keys', '-t', target, key);
  };
  const clear = async (): Promise<void> => {
    await press('C-l');
    // The shell clears in its own time, and what was on the screen then goes to the history.
    const isClear = async (): Promise<boolean> => (await tmux('capture-pane', '-p', '-t', target)).trim() === `${user}$`;
    await until(isClear, CLEAR_MS);
    await run([...SERVER, 'clear-history', '-t', target]);
  };
  const enter = async (text: string): Promise<void> => {
    if (text !== '') await tmux('send-keys', '-t', target, '-l', '--', text);
    await press('Enter');
  };
  await shows(new RegExp(`^${user}\\$ $|${user}\\$$`, 'm'));
  await clear();
  return { name: user, enter, press, screen, shows, clear };
};
