/** Spans of time as the commands of the record take them. */
import { AirlockError } from '@airlock/protocol';
import { textOption, type Invocation } from '../commands/command.js';

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/** `7d`, `12h`, `30m`, `2w` → milliseconds. @throws AirlockError PARAMS_INVALID */
export const parseSpan = (text: string): number => {
  const [, count, unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  const unitMs = UNITS[unit ?? ''];
  if (count !== undefined && unitMs !== undefined) return Number(count) * unitMs;
  throw new AirlockError('PARAMS_INVALID', `--last: found ${text}, allowed: a number and m, h, d or w`, {
    field: '--last',
    expected: 'for example 30m, 12h, 7d',
    found: text,
  });
};

/** The instant from which records are wanted; undefined: all. @throws AirlockError PARAMS_INVALID */
export const sinceOf = (invocation: Invocation): number | undefined => {
  const last = textOption(invocation, 'last');
  if (last !== undefined) return Date.now() - parseSpan(last);
  const [day] = invocation.args;
  if (day === undefined) return undefined;
  if (day === 'today') return new Date().setHours(0, 0, 0, 0);
  throw new AirlockError('PARAMS_INVALID', `audit: found ${day}, allowed: today, or nothing`, {
    field: 'DAY',
    expected: 'today',
    found: day,
    hint: 'airlock-ctl audit --last 7d',
  });
};

/** `--since` and `--until`: `2026-11-20`, or an instant of ISO 8601. @throws AirlockError PARAMS_INVALID */
export const instantOption = (invocation: Invocation, name: string): number | undefined => {
  const found = textOption(invocation, name);
  if (found === undefined) return undefined;
  const isInstant = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/.test(found);
  const atMs = isInstant ? Date.parse(found) : NaN;
  if (!Number.isNaN(atMs)) return atMs;
  throw new AirlockError('PARAMS_INVALID', `--${name}: found ${found}, allowed: a day or an instant`, {
    field: `--${name}`,
    expected: 'for example 2026-11-20 (UTC) or 2026-11-20T12:00:00Z',
    found,
  });
};
