/** What a cell answers, looked at before it is used. */
import { AirlockError, type CellResult } from '@airlock/protocol';

/** A cell is where hostile bytes are parsed: its answer is looked at like a stranger's. */
export const checkResult = (value: CellResult): CellResult => {
  const { result, count, masked, truncated, risk } = value as Partial<CellResult>;
  const counts = Number.isSafeInteger(count) && Number.isSafeInteger(masked);
  if (
    result === undefined ||
    !counts ||
    typeof truncated !== 'boolean' ||
    typeof risk !== 'number' ||
    !(risk >= 0 && risk <= 1)
  ) {
    throw new AirlockError('INTERNAL', 'the cell gave an answer that is none');
  }
  return value;
};
