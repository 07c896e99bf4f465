/** `airlock services`: what this role may ever get. */
import { servicesList, type OperationSummary, type ServiceSummary } from '@airlock/client';
import { withSession, type Context } from '../context.js';
import { printResult } from '../output.js';
import { table } from '../table.js';
import type { Command } from './command.js';

const marks = ({ outward, untrusted, approval }: OperationSummary): string =>
  [outward ? 'outward' : '', untrusted ? 'untrusted' : '', approval ? 'approval for each call' : '']
    .filter((mark) => mark !== '')
    .join(', ');

const rowsOf = ({ service, operations }: ServiceSummary): string[][] =>
  operations.map((operation) => [service, operation.name, operation.class, marks(operation), operation.summary]);

const human = (services: readonly ServiceSummary[]): string =>
  services.length === 0 ? 'no services' : table(['SERVICE', 'OPERATION', 'CLASS', 'MARKS', 'SUMMARY'], services.flatMap(rowsOf));

export const services = (context: Context): Promise<void> =>
  withSession(context, async ({ session }) => {
    const list = await servicesList(session);
    printResult(context.output, list, () => human(list));
  });

export const SERVICES: Command = { name: 'services', summary: 'list what this role may ever get', run: services };
