/**
 * Backup and restore on root.sock (docs/spec/backup.md): binary frames, as they carry keys.
 *
 * BACKUP-1   secrets leave this process sealed only, under a key that airlock-ctl derives from the recovery key.
 * BACKUP-4   onto an operator who is enrolled a restore needs the ticket of `restore`, approved with the present phone for what
 *            is given here, and no backup older than the newest kept of the same vault is taken.
 * BACKUP-6   a recovery code that counts no more on this machine counts no more after a restore of the same vault.
 * BACKUP-10  a number is durable before it is handed out, and counts as kept only when airlock-ctl says so.
 * BACKUP-11  one restore at a time, decided only once the gateway holds all of it.
 */
import {
  AirlockError,
  decodeBase64url,
  FRAME,
  isoTime,
  packBlobs,
  restoreDigest,
  servicesDigest,
  unpackBlobs,
  validate,
  type RestoreService,
} from '@airlock/protocol';
import { EXPORT_KEY, GATEWAY_LOG, TOTP_LOG } from '../heads/heads.js';
import { TOTP_LIMITS } from '../limits.js';
import { unusedOf } from '../codes/recovery.js';
import { requireOpen, type House } from '../operators/house.js';
import type { EnrolmentSecrets } from '../state/secrets.js';
import type { ActionTicket, Opener } from '../tickets/action-tickets.js';
import { keptOf, openArchive, sealArchive, type Archive, type ArchivedOperator } from './archive.js';
import { handedOut, keptToo, readCounter, writeCounter } from './counter.js';
import type { HeldService, Restoring } from './open-restore.js';
import { newRestoreId, writePending, type Decided } from './pending.js';

const KEY_BYTES = 32;

const malformed = (): AirlockError => new AirlockError('FRAME_INVALID', 'the frame is no request of a backup');

const archiveOf = (house: House, generation: number): Archive => ({
  madeMs: house.clock.wallMs(),
  generation,
  heads: { [TOTP_LOG]: house.heads.note(TOTP_LOG), [GATEWAY_LOG]: house.heads.note(GATEWAY_LOG) },
  keys: {
    [TOTP_LOG]: house.heads.publicKey(TOTP_LOG),
    [GATEWAY_LOG]: house.heads.publicKey(GATEWAY_LOG),
    [EXPORT_KEY]: house.heads.exportKey,
  },
  operators: [...house.desks.values()].flatMap(({ operator, secrets, state }) =>
    secrets === null ? [] : [{ operator, secrets, state: keptOf(state) }],
  ),
});

/** Answer of BACKUP_REQUEST: blob sealed ‖ blob facts that anybody may read. @throws AirlockError NOT_ENROLLED … */
export const backup = (house: House, payload: Buffer): Buffer => {
  const parts = unpackBlobs(payload, KEY_BYTES, 0);
  if (parts === null) throw malformed();
  requireOpen(house);
  for (const desk of house.desks.values()) desk.settle();
  const counter = handedOut(readCounter(house.directory));
  const archive = archiveOf(house, counter.made);
  const operators = archive.operators.map(({ operator }) => operator);
  if (operators.length === 0)
    throw new AirlockError('NOT_ENROLLED', 'no operator has a phone enrolled: there is nothing to keep');
  house.journal.record('backup_made', { generation: archive.generation, operators });
  writeCounter(house.directory, counter);
  const { madeMs, generation, heads, keys } = archive;
  const facts = { made: isoTime(madeMs), generation, operators, heads, keys };
  try {
    return packBlobs(Buffer.alloc(0), sealArchive(parts.head, archive), Buffer.from(JSON.stringify(facts)));
  } finally {
    parts.head.fill(0);
  }
};

/**
 * BACKUP-10: the file of this number is durable, and its key was printed. @returns the newest that is known to be kept
 * @throws AirlockError PARAMS_INVALID, AUDIT_UNAVAILABLE, VAULT_UNREADABLE
 */
export const backupKept = (house: House, generation: number): { readonly kept: number } => {
  const counter = keptToo(readCounter(house.directory), generation);
  house.journal.record('backup_kept', { generation });
  writeCounter(house.directory, counter);
  return { kept: counter.kept };
};

/** What comes with RESTORE_REQUEST: tickets of operators who are enrolled, and what the gateway will be given. */
interface Order {
  readonly tickets: Readonly<Record<string, string>>;
  readonly services: readonly RestoreService[];
}

const isDistinct = ({ services }: Order): boolean =>
  new Set(services.map(({ operator, service }) => `${operator}/${service}`)).size === services.length;

const parseOrder = (bytes: Buffer): Order => {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as Order;
    const isShaped = validate('restoreOrder', value) === null;
    if (isShaped && isDistinct(value) && Object.values(value.tickets).every((one) => typeof one === 'string')) return value;
  } catch {
    // As any other form.
  }
  throw malformed();
};

const notConfigured = (house: House, operator: string): AirlockError =>
  new AirlockError('NOT_FOUND', `the backup is of operator ${operator}, who is not set up on this machine`, {
    expected: [...house.desks.keys()].join(', ') || 'none',
    found: operator,
    hint: `sudo ./install.sh --operator ${operator}`,
  });

const presentOf = (house: House, { operators }: Archive): (EnrolmentSecrets | null)[] =>
  operators.map(({ operator }) => house.desks.get(operator)?.secrets ?? null);

/** Whose services a restore replaces. */
const replacedBy = ({ operators }: Archive): string[] => operators.map(({ operator }) => operator).sort();

/** BACKUP-12: what is not in force yet is replaced whole, or completed first. @throws AirlockError UNAVAILABLE */
const requireNothingLeft = (house: House, archive: Archive): void => {
  const { due } = readCounter(house.directory);
  const replaced = replacedBy(archive);
  if (due === null || due.operators.every((operator) => replaced.includes(operator))) return;
  throw new AirlockError('UNAVAILABLE', `the last restore, of ${due.operators.join(', ')}, is not in force yet`, {
    hint: 'sudo airlock-ctl doctor says why; then run this one again',
  });
};

/** BACKUP-4. @throws AirlockError PARAMS_INVALID */
const requireNewest = (house: House, archive: Archive): void => {
  const { kept } = readCounter(house.directory);
  const present = presentOf(house, archive);
  const isSame = archive.operators.some(({ secrets }, index) => present[index]?.vaultId === secrets.vaultId);
  if (!isSame || archive.generation >= kept) return;
  throw new AirlockError('PARAMS_INVALID', 'the backup is older than the newest that was kept here', {
    field: 'FILE',
    expected: `backup ${kept}`,
    found: `backup ${archive.generation}`,
    hint: 'restore the newest one',
  });
};

const alreadyEnrolled = (operator: string): AirlockError =>
  new AirlockError('NOT_AUTHENTICATED', `operator ${operator} is enrolled on this machine already`, {
    expected: 'a machine without a phone enrolled',
    hint: 'sudo airlock-ctl restore FILE --force asks for a code of the present phone',
  });

/** What was approved is what is given here: its time is that within, its digest computed anew. @throws AirlockError NOT_AUTHENTICATED */
const requireApproved = ({ action }: ActionTicket, made: string, digest: string): void => {
  if (action.verb === 'restore' && action.params.made === made && action.params.digest === digest) return;
  throw new AirlockError('NOT_AUTHENTICATED', 'the ticket is for another backup', {
    hint: 'sudo airlock-ctl restore FILE --force; the code is for that file alone',
  });
};

/** Only who is in the archive was asked for a code. @throws AirlockError PARAMS_INVALID */
const requireTheirs = ({ operators }: Archive, services: readonly RestoreService[]): void => {
  const other = services.find((one) => !operators.some(({ operator }) => operator === one.operator));
  if (other === undefined) return;
  throw new AirlockError('PARAMS_INVALID', 'the backup has a service of an operator who is not in it', {
    field: 'services',
    expected: operators.map(({ operator }) => operator).join(', '),
    found: `${other.operator}/${other.service}`,
    hint: 'the file was put together by hand: use one as airlock-ctl backup wrote it',
  });
};

/** BACKUP-4. @throws AirlockError NOT_FOUND, NOT_AUTHENTICATED, PARAMS_INVALID */
const requireAllowed = (house: House, archive: Archive, sealed: Uint8Array, { tickets, services }: Order): void => {
  requireTheirs(archive, services);
  const [made, digest] = [isoTime(archive.madeMs), restoreDigest(sealed, services)];
  for (const { operator } of archive.operators) {
    const desk = house.desks.get(operator);
    if (desk === undefined) throw notConfigured(house, operator);
    if (desk.secrets === null) continue;
    const ticket = decodeBase64url(tickets[operator] ?? '') ?? Buffer.alloc(0);
    if (ticket.length === 0) throw alreadyEnrolled(operator);
    requireApproved(house.actionTickets.use(ticket, 'restore', operator, null, desk.now()), made, digest);
  }
  requireNewest(house, archive);
};

const ticketsFor = (house: House, id: string, { services }: Order, opener: Opener): (string | null)[] =>
  services.map(({ operator, service, digest }) => {
    const desk = house.desks.get(operator);
    if (desk === undefined) throw notConfigured(house, operator);
    const action = { verb: 'service.restore', params: { service, digest, restore: id } } as const;
    return house.actionTickets.issue(operator, action, '', opener, desk.now(), TOTP_LIMITS.enrolmentTicketTtlMs);
  });

/** Answer of RESTORE_REQUEST: nothing is changed yet. @throws AirlockError VAULT_UNREADABLE, UNAVAILABLE and of `requireAllowed` */
export const beginRestore = (house: House, payload: Buffer, opener: Opener): Buffer => {
  const parts = unpackBlobs(payload, KEY_BYTES, 2);
  const [sealed, orderBytes] = parts?.blobs ?? [];
  if (parts === null || sealed === undefined || orderBytes === undefined) throw malformed();
  requireOpen(house);
  house.openRestore.requireFree(opener);
  const order = parseOrder(orderBytes);
  const archive = openArchive(parts.head, sealed);
  parts.head.fill(0);
  if (archive === null) throw new AirlockError('VAULT_UNREADABLE', 'the backup is of another form');
  requireNothingLeft(house, archive);
  requireAllowed(house, archive, sealed, order);
  const id = newRestoreId(house.random);
  const tickets = ticketsFor(house, id, order, opener);
  house.openRestore.begin({ id, opener, archive, services: order.services, over: presentOf(house, archive) });
  return packBlobs(Buffer.alloc(0), Buffer.from(JSON.stringify({ tickets })));
};

/** Told by the gateway (BACKUP-11). @throws AirlockError NOT_FOUND */
export const restoreHeld = (house: House, { restore, ...held }: HeldService & { readonly restore: string }): object => {
  house.openRestore.hold(restore, held);
  return {};
};

/** Told by the gateway (BACKUP-12): nothing is due of this restore any more. */
export const restoreApplied = (house: House, { restore }: { readonly restore: string }): object => {
  const counter = readCounter(house.directory);
  if (counter.due?.id === restore) writeCounter(house.directory, { ...counter, due: null });
  return {};
};

/** Between check and step a phone may have been enrolled, or a newer backup kept. @throws AirlockError NOT_AUTHENTICATED, PARAMS_INVALID */
const requireStillAllowed = (house: House, { archive, over }: Restoring): void => {
  requireNewest(house, archive);
  if (presentOf(house, archive).every((one, index) => one === over[index])) return;
  throw new AirlockError('NOT_AUTHENTICATED', 'another phone is enrolled here than when the restore was begun', {
    hint: 'run the restore again',
  });
};

/** BACKUP-6: those of the archive that were used up or replaced here since. Another vault knows nothing of them. */
const burntHere = (house: House, { operator, secrets }: ArchivedOperator): string[] => {
  const desk = house.desks.get(operator);
  if (desk?.secrets?.vaultId !== secrets.vaultId) return [];
  const counting = unusedOf(desk.secrets.recovery, desk.state.burntRecovery);
  return secrets.recovery.filter((digest) => !counting.includes(digest));
};

const withBurnt = (house: House, one: ArchivedOperator): ArchivedOperator => {
  const burntRecovery = [...new Set([...one.state.burntRecovery, ...burntHere(house, one)])];
  return { ...one, state: { ...one.state, burntRecovery } };
};

const decidedOf = (house: House, { archive, services }: Restoring): Decided => ({
  ...archive,
  operators: archive.operators.map((one) => withBurnt(house, one)),
  due: { operators: replacedBy(archive), services: servicesDigest(services) },
});

/**
 * BACKUP-5: the one step. The daemon starts anew right after.
 * @throws AirlockError NOT_FOUND, UNAVAILABLE, VAULT_UNREADABLE and of `requireStillAllowed`
 */
export const finishRestore = (house: House, opener: Opener): { readonly restored: string } => {
  const restoring = house.openRestore.of(opener);
  if (restoring === null) throw new AirlockError('NOT_FOUND', 'no restore was begun on this connection');
  requireStillAllowed(house, restoring);
  house.openRestore.requireHeld(restoring);
  writePending(house.directory, house.wrappingKey, restoring.id, decidedOf(house, restoring));
  house.seal(
    new AirlockError('UNAVAILABLE', 'airlock-totp starts anew from a backup', {
      hint: 'try again in a second',
      retryAfterMs: 1000,
    }),
  );
  house.restart();
  return { restored: restoring.id };
};

/** The binary frames of root.sock that are about backups; null for others. */
export const BACKUP_FRAMES: ReadonlySet<number> = new Set([FRAME.BACKUP_REQUEST, FRAME.RESTORE_REQUEST]);
