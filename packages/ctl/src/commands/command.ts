/** One entry of the command table of `airlock-ctl`. */
import type { Command as TableCommand } from '@airlock/protocol/command';
import type { Context } from '../context.js';

export { listOption, textOption, type Flag, type Invocation } from '@airlock/protocol/command';

export type Command = TableCommand<Context>;
