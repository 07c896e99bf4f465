/** audit accept: a log that was lost, is an older copy, another history or damaged is begun anew, by root with a code. */
import { parseRecord } from '@airlock/audit';
import { AirlockError, systemTimers } from '@airlock/protocol';
import { checkCode } from '../action.js';
import type { Invocation } from '../commands/command.js';
import { bothDaemons } from '../commands/status.js';
import { ask, findOperator, withRoot, type Context, type Link } from '../context.js';
import { note, print } from '../output.js';
import { tellError } from '../setup/questions.js';
import { logLines, namedLog, withServedLog, type LogName } from './sources.js';

const TRIES = 3;
/** Both daemons start again and hear of each other. */
const LOOKS = 100;
const WAIT_MS = 200;

/** airlock-totp first: nothing can be decided while it is sealed. */
const whichLog = async (context: Context, invocation: Invocation): Promise<LogName> => {
  const named = namedLog(invocation);
  if (named !== undefined) return named;
  const { totp } = await bothDaemons(context);
  return totp.status?.sealed?.code === 'AUDIT_UNAVAILABLE' ? 'totp' : 'gateway';
};

const noCode = (): AirlockError =>
  new AirlockError('PARAMS_INVALID', 'no code was given, so nothing was accepted', {
    field: 'code',
    expected: 'the digits that your phone shows now, on a line of standard input',
    found: 'nothing',
    hint: 'run it again and type the digits that your phone shows then',
  });

interface Accepted {
  readonly id: string;
}

const giveCode = async (context: Context, link: Link, params: object): Promise<Accepted> => {
  for (let tries = 1; ; tries += 1) {
    const typed = await context.terminal.secret('code: ');
    if (typed === null || typed.trim() === '') throw noCode();
    try {
      return await ask<Accepted>(link, 'log.accept', { ...params, code: checkCode(typed.trim()) });
    } catch (error) {
      const isMistyped = error instanceof AirlockError && (error.code === 'CODE_REJECTED' || error.data.field === 'CODE');
      if (!isMistyped || tries >= TRIES) throw error;
      tellError(context, error);
    }
  }
};

/** Whether the log that is served begins with this decision. */
const hasBegun = async (context: Context, log: LogName, id: string): Promise<boolean> => {
  try {
    return await withServedLog(context, log, async (bytes) => {
      for await (const line of logLines(bytes)) {
        const begin = parseRecord(line.toString('utf8'));
        return begin?.['accepted'] === id || begin?.['id'] === id;
      }
      return false;
    });
  } catch {
    // A daemon that starts again.
    return false;
  }
};

/** What is wrong after both have started again; null where nothing is. What answers may still be the daemon of before. */
const untilBegun = async (context: Context, log: LogName, id: string): Promise<string | null> => {
  for (let looked = 1; ; looked += 1) {
    await new Promise<void>((resolve) => void systemTimers.after(WAIT_MS, resolve));
    const { totp, gateway } = await bothDaemons(context);
    const age = gateway.status?.heartbeatAgeMs ?? null;
    const sealed = totp.status?.sealed ?? gateway.status?.sealed ?? null;
    const isUp = totp.status !== null && sealed === null && age !== null && age < looked * WAIT_MS;
    if (isUp && (await hasBegun(context, log, id))) return null;
    if (looked >= LOOKS) return sealed?.message ?? 'the daemons have not begun it yet: airlock-ctl status';
  }
};

/** `airlock-ctl audit accept`. @returns the exit status */
export const accept = async (context: Context, invocation: Invocation): Promise<number> => {
  const log = await whichLog(context, invocation);
  const operator = findOperator(context);
  const { id } = await withRoot(context, async (link) => {
    const params = { operator, log: `airlock-${log}` };
    const { text, digest } = await ask<{ text: string; digest: string }>(link, 'log.examine', params);
    note(context, text);
    return giveCode(context, link, { ...params, digest });
  });
  const problem = await untilBegun(context, log, id);
  const lines = [
    `the log of airlock-${log} begins anew; its files of before stand beside it: audit.set-aside-${id}`,
    problem === null
      ? 'next: airlock-ctl audit verify, then, where everything was locked: airlock-ctl unlock'
      : `not yet open: ${problem}`,
  ];
  print(context, { accepted: id, log, setAside: `audit.set-aside-${id}`, problem }, lines.join('\n'));
  return problem === null ? 0 : 7;
};
