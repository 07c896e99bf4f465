/** A maildir service by its actions, without airlock-ctl: what is approved and what is sent are in the test's hands. */
import type { Connection } from '@airlock/ipc';
import { FRAME, packBlobs, unpackBlobs, type SealedRecordText, type ServiceChanged } from '@airlock/protocol';
import { writeMaildir, type Running } from '@airlock/testkit';
import { asDek, parseHeader, sealRecord, toSealedRecord } from '@airlock/vault';
import { join } from 'node:path';
import { ask, connectTo } from './house.js';

const KEY_BYTES = 32;

/** Parameters of `service.add` of a maildir that is there. */
export const maildir = (running: Running, service = 'mail'): Record<string, unknown> => {
  const path = join(running.dir, `${service}.maildir`);
  writeMaildir(path);
  return {
    service,
    kind: 'maildir',
    settings: { path },
    destination: { kind: 'maildir', path, user: '' },
    fields: [],
    test: false,
  };
};

/** Parameters of `credentials.add` of it: those of `service.add` without the settings. */
export const credential = (running: Running, service: string): Record<string, unknown> =>
  Object.fromEntries(Object.entries(maildir(running, service)).filter(([key]) => key !== 'settings'));

/** One exchange of binary frames: the type and payload of the answer. */
export const exchange = (link: Connection, type: number, payload: Buffer): Promise<{ type: number; payload: Buffer }> =>
  new Promise((resolve) => {
    link.onBinary = (got, bytes) => resolve({ type: got, payload: Buffer.from(bytes) });
    link.sendBinary(type, payload);
  });

/** Asks for a key with a ticket. @returns the name of the answer: a key, or the code of the refusal */
export const keyAnswer = async (link: Connection, type: number, ticket: string, ...more: Buffer[]): Promise<string> => {
  const answer = await exchange(link, type, packBlobs(Buffer.alloc(0), Buffer.from(ticket, 'base64url'), ...more));
  if (answer.type !== FRAME.REFUSED) return 'a key';
  const text = unpackBlobs(answer.payload, 0, 1)?.blobs[0]?.toString('utf8') ?? '{}';
  return (JSON.parse(text) as { data?: { code?: string } }).data?.code ?? 'unreadable';
};

/** Seals fields with the key of an approved action. */
export const sealWith = async (link: Connection, ticket: string, fields: Record<string, string>): Promise<SealedRecordText> => {
  const answer = await exchange(link, FRAME.SEAL_KEY_REQUEST, packBlobs(Buffer.alloc(0), Buffer.from(ticket, 'base64url')));
  const parts = unpackBlobs(answer.payload, KEY_BYTES, 2);
  const [header, wrapped] = parts?.blobs ?? [];
  if (!parts || !header || !wrapped) throw new Error(`no key: ${answer.payload.toString('utf8')}`);
  return toSealedRecord({ ...sealRecord({ dek: asDek(parts.head), header: parseHeader(header), fields }), wrapped });
};

/** The rest of `airlock-ctl service add` once its action is approved on `link`. */
export const addService = async (running: Running, link: Connection, ticket: string): Promise<ServiceChanged> => {
  const record = await sealWith(link, ticket, {});
  const gateway = await connectTo(running, 'operator/default');
  try {
    return await ask<ServiceChanged>(gateway, 'service.add', { ticket, record });
  } finally {
    gateway.close();
  }
};
