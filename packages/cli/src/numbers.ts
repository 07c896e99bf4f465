/** Numbers on the command line: whole ones, or a refusal that says what was expected. */
import { AirlockError } from '@airlock/client';

const MAX = 1_000_000;

/** A whole number from 1. @throws AirlockError PARAMS_INVALID */
export const parseCount = (text: string, flag: string): number => {
  const value = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  if (value >= 1 && value <= MAX) return value;
  throw new AirlockError(
    'PARAMS_INVALID',
    `${flag}: expected a whole number from 1, found ${JSON.stringify(text.slice(0, 40))}`,
    {
      field: flag,
      expected: 'a whole number from 1',
      hint: `write for example: ${flag} 30`,
    },
  );
};

/** Minutes as seconds. @throws AirlockError PARAMS_INVALID */
export const parseMinutes = (text: string): number => parseCount(text, '--ttl') * 60;
