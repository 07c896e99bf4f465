/** One entry of the command table of `airlock`. */
import type { Command as TableCommand } from '@airlock/protocol/command';
import type { Context } from '../context.js';

export type Command = TableCommand<Context>;
