/** An approved service or credential: sealed, tried in a cell, stored. A failed login can be tried again under the same approval. */
import type { ConnectorManifest, Destination, ServiceChanged, ServiceView } from '@airlock/protocol';
import { ask, withGateway, type Context, type Link } from '../context.js';
import { sealFields } from '../seal.js';
import { readFields } from './fields.js';
import { endOfInput, tellError } from './questions.js';
import { isBadPassword, isFailedLogin, withRemedy } from './remedies.js';

/** A trial login may take as long as a slow server. */
export const TRIAL_TIMEOUT_MS = 75_000;

/** QUEUE-11: tries under one ticket. */
const MAX_TRIES = 3;

export interface Storing {
  readonly method: 'service.add' | 'credentials.put';
  readonly ticket: string;
  readonly service: string;
  readonly manifest: ConnectorManifest;
  readonly destination: Destination;
  /** Null: nothing is sealed, the credential comes later. */
  readonly values: Readonly<Record<string, string>> | null;
  readonly test: boolean;
  /** The command that does the same once more. */
  readonly again: string;
}

const storeOnce = async (context: Context, link: Link, storing: Storing): Promise<ServiceView> => {
  const { method, ticket, values } = storing;
  const record = values === null ? {} : { record: await sealFields(link, ticket, values) };
  const { service } = await withGateway(context, (gateway) =>
    ask<ServiceChanged>(gateway, method, { ticket, ...record }, TRIAL_TIMEOUT_MS),
  );
  return service;
};

/** What is tried next: other secrets after a refused login, else the same after the human mended something. */
const nextTry = async (context: Context, storing: Storing, error: unknown): Promise<Storing> => {
  if (isBadPassword(error)) {
    const names = Object.keys(storing.values ?? {});
    return { ...storing, values: await readFields(context, storing.manifest, names) };
  }
  context.terminal.err('Press Enter to try again (Ctrl-D to leave it): ');
  if ((await context.terminal.line()) === null) throw endOfInput(`the login of ${storing.service}`, storing.again);
  return storing;
};

/**
 * @param link the connection that the ticket was given to
 * @throws AirlockError of the login, with what to do in its hint; nothing is stored then
 */
export const storeService = async (context: Context, link: Link, first: Storing): Promise<ServiceView> => {
  let storing = first;
  for (let left = MAX_TRIES - 1; ; left -= 1) {
    try {
      return await storeOnce(context, link, storing);
    } catch (thrown) {
      const error = withRemedy(thrown, storing);
      const mayRetry = isFailedLogin(error) && storing.test && storing.values !== null && context.terminal.isTerminal;
      if (!mayRetry || left === 0) throw error;
      tellError(context, error);
      storing = await nextTry(context, storing, error);
    }
  }
};
