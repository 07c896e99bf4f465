/** Plays the console blocks of the README at real terminals: types what they type, and wants what they show. */
import type { Terminal } from './terminal.js';
import { wait } from './machine.js';
import { GAP, settled, typed, type Block } from './walk-script.js';

export interface Walker {
  terminal(user: string): Promise<Terminal>;
  /** Next code of the phone; `screen` is where its secret stands, once. */
  code(screen: string): Promise<string>;
  /** One of the recovery codes; `screen` is where they stand, once. */
  recoveryCode(screen: string): string;
}

/** An installation builds everything. */
const LINE_MS = 600_000;
const POLL_MS = 150;

export interface Place {
  readonly terminal: Terminal;
  /** Lines of the screen that are done with. */
  at: number;
  /** Its command waits for somebody else, in another terminal. */
  waits: boolean;
}

const linesOf = async ({ terminal }: Place): Promise<string[]> =>
  (await terminal.screen()).split('\n').map((line) => line.trimEnd());
const isShell = (line: string | undefined, user: string): boolean => line === `${user}$`;

const untilShell = async (place: Place): Promise<void> => {
  const end = Date.now() + LINE_MS;
  while (!isShell((await linesOf(place)).at(-1), place.terminal.name)) {
    if (Date.now() > end) throw new Error(`${place.terminal.name}: no prompt after:\n${await place.terminal.screen()}`);
    await wait(POLL_MS);
  }
};

/** A request that somebody else decides is open once its match number stands there. */
const untilAsked = async (place: Place): Promise<void> => {
  const end = Date.now() + LINE_MS;
  for (;;) {
    const lines = (await linesOf(place)).slice(place.at);
    if (lines.some((line) => line.includes('match number'))) return;
    if (isShell(lines.at(-1), place.terminal.name) || Date.now() > end)
      throw new Error(`${place.terminal.name}: no request was opened:\n${lines.join('\n')}`);
    await wait(POLL_MS);
  }
};

const RECOVERY_CODE = /[A-Z2-7]{4}(?:-[A-Z2-7]{4}){2,}/;

/** The one code that the README means as it stands. */
const WRONG_CODE = '000000';

/** The README's answer, with what only this walk can know in its place. */
const answerFor = async (text: string, screen: string, walker: Walker): Promise<string> => {
  if (text !== WRONG_CODE && /^\d{6}$/.test(text)) return walker.code(screen);
  return RECOVERY_CODE.test(text) ? walker.recoveryCode(screen) : text;
};

/** What has to be typed where the line is a question; null where it is none. */
const answerIn = (wanted: string, last: string): string | null => {
  if (last === '' || !wanted.startsWith(last) || !/(?:[:?]|press Enter\.?)$/.test(last)) return null;
  return wanted.slice(last.length).trim();
};

type Found = 'yes' | 'later' | 'no';

/** Looks for the line among those not done with. */
const look = (lines: readonly string[], place: Place, wanted: string, gap: boolean): Found => {
  for (let index = place.at; index < lines.length; index += 1) {
    const line = lines[index] ?? '';
    if (settled(line) === settled(wanted)) {
      place.at = index + 1;
      return 'yes';
    }
    const isLast = index === lines.length - 1;
    if (!gap && line !== '' && !isLast) return 'no';
  }
  return isShell(lines.at(-1), place.terminal.name) ? 'no' : 'later';
};

const expectLine = async (place: Place, wanted: string, gap: boolean, walker: Walker): Promise<void> => {
  const end = Date.now() + LINE_MS;
  for (;;) {
    const lines = await linesOf(place);
    const answer = answerIn(wanted, lines.at(-1) ?? '');
    if (answer !== null) {
      place.at = lines.length;
      return place.terminal.enter(await answerFor(answer, lines.join('\n'), walker));
    }
    const found = look(lines, place, wanted, gap);
    if (found === 'yes') return;
    if (found === 'no' || Date.now() > end)
      throw new Error(`${place.terminal.name}: wanted "${wanted}" and saw:\n${lines.slice(place.at).join('\n')}`);
    await wait(POLL_MS);
  }
};

/** Types a block. @returns the screens of the terminals it used, by user @throws Error where a line is not as it should be */
export const play = async (block: Block, walker: Walker, places: Map<string, Place>): Promise<Record<string, string>> => {
  let place: Place | null = null;
  let gap = false;
  const used = new Set<string>();
  for (const line of block.lines) {
    const command = typed(line);
    if (command !== null) {
      if (place !== null) await (place.waits ? untilAsked(place) : untilShell(place));
      const terminal = await walker.terminal(command.user);
      place = places.get(command.user) ?? { terminal, at: 0, waits: false };
      places.set(command.user, place);
      used.add(command.user);
      await untilShell(place);
      place.at = (await linesOf(place)).length;
      place.waits = command.command.includes(' --wait');
      await terminal.enter(command.command);
      gap = false;
    } else if (line === GAP) gap = true;
    else if (place === null) throw new Error(`nobody typed anything before "${line}"`);
    else {
      await expectLine(place, line, gap, walker);
      gap = false;
    }
  }
  return screensOf(used, places);
};

/** A terminal whose command waits for another (`--wait`) has not got its screen yet. */
const screensOf = async (used: ReadonlySet<string>, places: Map<string, Place>): Promise<Record<string, string>> => {
  const screens: Record<string, string> = {};
  for (const [user, place] of places) {
    if (place.waits && !used.has(user)) await untilShell(place);
    else if (place.waits) continue;
    else if (used.has(user)) await untilShell(place);
    else continue;
    place.waits = false;
    screens[user] = await place.terminal.screen();
    await place.terminal.clear();
    place.at = 0;
  }
  return screens;
};
