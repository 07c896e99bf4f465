/**
 * The key exchange of approve/OP.sock (docs/spec/release.md).
 *
 * RELEASE-6   keys stand in Buffers only and are overwritten after use.
 * RELEASE-9   SEAL_KEY: the DEK is drawn and the header written here, from the approved action, with the next version.
 * RELEASE-10  OPEN_KEY goes only to the connection that opened and approved the action.
 */
import { AirlockError, FRAME, packBlobs, unpackBlobs } from '@airlock/protocol';
import type { Desk } from '../operators/desk.js';
import { refusedFrame } from '../operators/refused-frame.js';
import { requireOpen } from '../operators/house.js';
import { markSealed } from '../register/versions.js';
import { drawKey, unwrapKey } from '../release/keys.js';
import type { Opener } from '../tickets/action-tickets.js';

/** One binary answer: type and payload. */
export interface BinaryAnswer {
  readonly type: number;
  readonly payload: Buffer;
}

const malformed = (): AirlockError => new AirlockError('FRAME_INVALID', 'the frame is no request of the key exchange');

const requireUnlocked = (desk: Desk): void => {
  requireOpen(desk.house);
  if (desk.state.locked) throw new AirlockError('LOCKED', 'the operator locked Airlock');
};

const sealKey = (desk: Desk, payload: Buffer, opener: Opener): BinaryAnswer => {
  const [ticket] = unpackBlobs(payload, 0, 1)?.blobs ?? [];
  if (ticket === undefined) throw malformed();
  requireUnlocked(desk);
  const { action } = desk.house.actionTickets.use(ticket, 'seal', desk.operator, opener, desk.now());
  if (!('destination' in action.params)) throw malformed();
  const { service, destination } = action.params;
  const { dek, header, wrapped, version } = drawKey(desk, service, destination);
  try {
    desk.house.journal.record('key_sealed', desk.fields({ service, version }));
    desk.commit(markSealed(desk.state, service, version));
    return { type: FRAME.SEAL_KEY, payload: packBlobs(dek, header, wrapped) };
  } finally {
    dek.fill(0);
  }
};

const openKey = (desk: Desk, payload: Buffer, opener: Opener): BinaryAnswer => {
  const [ticket, header, wrapped] = unpackBlobs(payload, 0, 3)?.blobs ?? [];
  if (ticket === undefined || header === undefined || wrapped === undefined) throw malformed();
  requireUnlocked(desk);
  const { action } = desk.house.actionTickets.use(ticket, 'open', desk.operator, opener, desk.now());
  if (action.verb !== 'credentials.get') throw malformed();
  const { service, fields } = action.params;
  const { dek, header: parsed } = unwrapKey(desk, service, header, wrapped);
  try {
    desk.house.journal.record(
      'key_released',
      desk.fields({ lease: null, service, trial: false, to: 'operator', fields, version: parsed.version }),
    );
    return { type: FRAME.OPEN_KEY, payload: packBlobs(dek) };
  } finally {
    dek.fill(0);
  }
};

const answerTo = (desk: Desk | null, type: number, payload: Buffer, opener: Opener): BinaryAnswer => {
  if (desk === null) throw malformed();
  desk.requireEnrolled();
  if (type === FRAME.SEAL_KEY_REQUEST) return sealKey(desk, payload, opener);
  if (type === FRAME.OPEN_KEY_REQUEST) return openKey(desk, payload, opener);
  throw malformed();
};

/** Never throws: what is refused is answered with REFUSED. The caller overwrites the payload of the answer. */
export const exchangeKey = (desk: Desk | null, type: number, payload: Buffer, opener: Opener): BinaryAnswer => {
  let answer: BinaryAnswer;
  try {
    answer = answerTo(desk, type, payload, opener);
  } catch (thrown) {
    answer = { type: FRAME.REFUSED, payload: refusedFrame(thrown) };
  }
  payload.fill(0);
  return answer;
};
