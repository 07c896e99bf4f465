/** Credentials sealed and opened as airlock-ctl does, with whichever phone a test holds, without the time a command takes to start. */
import type { Connection } from '@airlock/ipc';
import { FRAME, packBlobs, type SealedRecordText } from '@airlock/protocol';
import { codeAt, refusalOf, type Running } from '@airlock/testkit';
import { asDek, fromSealedRecord, openRecord } from '@airlock/vault';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, connectTo, frontOf, pendingOn } from './house.js';
import { exchange, sealWith } from './service.js';

/** What a phone with this secret shows now. */
export const phoneOf = (running: Running, secret: string): string => codeAt(secret, running.clock.wallMs());

/** Opens an action and answers it with a phone. @returns its ticket */
export const approveWith = async (
  running: Running,
  link: Connection,
  secret: string,
  verb: string,
  params: object,
): Promise<string> => {
  await ask(link, 'request.deny', { all: true });
  await ask(link, 'action.open', { verb, params });
  running.clock.advance(((await pendingOn(link)).front?.waitS ?? 0) * 1000 + 30_000);
  const { id: request, digest, match } = await frontOf(link);
  const code = phoneOf(running, secret);
  return (await ask<{ ticket?: string }>(link, 'request.approve', { request, digest, match, code })).ticket ?? '';
};

const DESTINATION = { kind: 'http-json', origins: [{ scheme: 'https', host: 'a.example', port: 443 }], user: '' };
const definition = (service: string): object => ({
  ...{ service, kind: 'http-json', destination: DESTINATION, fields: ['token'], test: false },
});

const put = async (
  running: Running,
  secret: string,
  verb: string,
  params: object,
  method: string,
  token: string,
): Promise<void> => {
  const link = await connectTo(running, 'approve/default');
  const gateway = await connectTo(running, 'operator/default');
  try {
    const ticket = await approveWith(running, link, secret, verb, params);
    await ask(gateway, method, { ticket, record: await sealWith(link, ticket, { token }) });
  } finally {
    link.close();
    gateway.close();
  }
};

/** A service with a token, added without a try. */
export const addSealed = (running: Running, secret: string, service: string, token: string): Promise<void> => {
  const params = { ...definition(service), settings: { domains: 'a.example' } };
  return put(running, secret, 'service.add', params, 'service.add', token);
};

/** Another token for it. */
export const replaceSealed = (running: Running, secret: string, service: string, token: string): Promise<void> =>
  put(running, secret, 'credentials.add', definition(service), 'credentials.put', token);

/** The sealed record as the gateway has it on disk. */
export const storedRecord = (running: Running, service: string): SealedRecordText => {
  const file = join(running.env['AIRLOCK_STATE_DIR'] ?? '', 'gateway/vault/default', `${service}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { record: SealedRecordText }).record;
};

/** The token that this phone shows of a service, or the code of the refusal. */
export const openedWith = async (running: Running, secret: string, service: string): Promise<string> => {
  const link = await connectTo(running, 'approve/default');
  try {
    const asked = approveWith(running, link, secret, 'credentials.get', { service, fields: ['token'] });
    const refused = await refusalOf(asked);
    if (refused !== null) return refused;
    const { header, wrapped, body } = fromSealedRecord(storedRecord(running, service));
    const ticket = Buffer.from(await asked, 'base64url');
    const answer = await exchange(link, FRAME.OPEN_KEY_REQUEST, packBlobs(Buffer.alloc(0), ticket, header, wrapped));
    if (answer.type !== FRAME.OPEN_KEY) return `refused: ${answer.payload.toString('latin1')}`;
    return openRecord({ dek: asDek(answer.payload), header, body, expected: { service } }).fields['token'] ?? 'no token';
  } finally {
    link.close();
  }
};
