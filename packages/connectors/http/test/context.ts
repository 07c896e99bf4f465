/** Contexts that the tests of this package share. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AirlockError,
  parseOrigin,
  systemClock,
  type ConnectorContext,
  type ConnectorManifest,
  type Credential,
  type ErrorData,
  type Json,
  type OperationContext,
  type OperationManifest,
} from '@airlock/protocol';

export const manifestOf = (kind: string): ConnectorManifest =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../manifests/${kind}.json`), 'utf8')) as ConnectorManifest;

export const contextOf = (manifest: ConnectorManifest, url: string, credential: Credential = {}): ConnectorContext => ({
  manifest,
  settings: {},
  credential,
  destination: { kind: manifest.kind, origins: [parseOrigin(new URL(url).origin)], user: '' },
  clock: systemClock,
});

/** A kind with one operation, declared as given. */
export const declared = (request: Readonly<Record<string, Json>>, more: Partial<OperationManifest> = {}): ConnectorManifest => ({
  ...manifestOf('http-json'),
  operations: [
    {
      name: 'ask',
      class: 'read',
      outward: true,
      untrusted: true,
      summary: 'Asks',
      params: { type: 'object', properties: { hours: { type: 'integer', default: 1 } } },
      result: { type: 'object' },
      request,
      ...more,
    },
  ],
});

/** What an AirlockError says. @throws Error where nothing is thrown */
export const refusal = async (work: () => unknown): Promise<ErrorData> => {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof AirlockError) return thrown.data;
    throw thrown;
  }
  throw new Error('nothing was refused');
};

export const NOTHING: OperationContext = { signal: new AbortController().signal, constraints: {} };
