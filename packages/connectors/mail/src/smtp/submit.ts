/**
 * Submission of one message (RFC 6409) over the sealed SMTP origin: EHLO, STARTTLS, AUTH PLAIN or LOGIN, MAIL, RCPT, DATA, QUIT.
 *
 * MAIL-33 Nothing but the sealed SMTP origin is dialled; the credential leaves only under TLS, or to a loopback peer.
 * MAIL-35 All recipients are taken, or nothing is sent.
 * MAIL-36 From the first byte of the content on, no failure says that nothing happened but a refusal of the server.
 */
import { AirlockError } from '@airlock/protocol';
import { connectTarget, encrypt, upstreamError, type DialOptions, type Target } from '../dial.js';
import { Dialogue } from './dialogue.js';
import type { Reply } from './replies.js';

export interface Submission {
  readonly user: string;
  readonly password: string;
  readonly from: string;
  readonly recipients: readonly string[];
  readonly bytes: Buffer;
}

/** The name of this machine is nobody's business. */
const EHLO = 'EHLO [127.0.0.1]';

const isOk = ({ code }: Reply): boolean => code >= 200 && code < 300;

/** MAIL-36: the server refused, and so nothing happened; of what it said only the number is repeated. */
const refusedBy = ({ code }: Reply, what: string): AirlockError =>
  new AirlockError('UPSTREAM_REFUSED', `the mail server refused ${what} (${code}); nothing was sent`, { found: 'other' });

/** Keywords of an EHLO reply, with what stands behind them. */
const capabilitiesOf = async (dialogue: Dialogue): Promise<ReadonlyMap<string, string>> => {
  const reply = await dialogue.ask(EHLO);
  if (reply.code !== 250) throw refusedBy(reply, 'to be spoken to');
  return new Map(
    reply.lines.slice(1).map((line) => {
      const [name = '', ...rest] = line.trim().toUpperCase().split(/[ =]/);
      return [name, rest.join(' ')];
    }),
  );
};

const greeted = async (dialogue: Dialogue): Promise<Dialogue> => {
  const greeting = await dialogue.greeting();
  if (greeting.code !== 220) throw refusedBy(greeting, 'the connection');
  return dialogue;
};

/** MAIL-34: nothing that was said before counts afterwards. */
const startTls = async (plain: Dialogue, target: Target, options: DialOptions): Promise<Dialogue> => {
  const capabilities = await capabilitiesOf(await greeted(plain));
  if (!capabilities.has('STARTTLS')) throw upstreamError('tls');
  if ((await plain.ask('STARTTLS')).code !== 220) throw upstreamError('tls');
  return new Dialogue(await encrypt(plain.release(), target, options), options.signal);
};

const opened = async (target: Target, options: DialOptions): Promise<Dialogue> => {
  const socket = await connectTarget(target, options);
  if (target.security === 'tls') return greeted(new Dialogue(await encrypt(socket, target, options), options.signal));
  const dialogue = new Dialogue(socket, options.signal);
  try {
    return target.security === 'starttls' ? await startTls(dialogue, target, options) : await greeted(dialogue);
  } catch (thrown) {
    dialogue.close();
    throw thrown;
  }
};

const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64');

/** RFC 4616 §2, and AUTH LOGIN as it is spoken; the prompts are not looked at. */
const login = async (dialogue: Dialogue, methods: readonly string[], user: string, password: string): Promise<Reply> => {
  if (methods.includes('PLAIN')) return dialogue.ask(`AUTH PLAIN ${base64(`\0${user}\0${password}`)}`);
  if (!methods.includes('LOGIN')) throw upstreamError('other');
  const first = await dialogue.ask('AUTH LOGIN');
  if (first.code !== 334) return first;
  const second = await dialogue.ask(base64(user));
  return second.code === 334 ? dialogue.ask(base64(password)) : second;
};

/** RFC 4954 §6. */
const CREDENTIAL_CODES: ReadonlySet<number> = new Set([530, 534, 535]);

const authenticate = async (dialogue: Dialogue, methods: string, { user, password }: Submission): Promise<void> => {
  const reply = await login(dialogue, methods.split(' '), user, password);
  if (reply.code === 235) return;
  throw CREDENTIAL_CODES.has(reply.code) ? upstreamError('bad_credentials') : refusedBy(reply, 'the login');
};

/** MAIL-35. */
const addressed = async (dialogue: Dialogue, size: string | undefined, message: Submission): Promise<void> => {
  const most = Number(size ?? 0);
  const { from, recipients, bytes } = message;
  if (most > 0 && bytes.length > most)
    throw new AirlockError('UPSTREAM_REFUSED', 'the message is larger than the mail server takes; nothing was sent', {
      found: 'other',
    });
  const sender = await dialogue.ask(`MAIL FROM:<${from}>${size === undefined ? '' : ` SIZE=${bytes.length}`}`);
  if (!isOk(sender)) throw refusedBy(sender, 'the sender');
  for (const recipient of recipients) {
    const reply = await dialogue.ask(`RCPT TO:<${recipient}>`);
    if (!isOk(reply)) throw refusedBy(reply, `the recipient ${recipient}`);
  }
};

/** RFC 5321 §4.5.2. */
const stuffed = (bytes: Buffer): Buffer => Buffer.from(`${bytes.toString('latin1').replace(/^\./gm, '..')}.\r\n`, 'latin1');

const unknown = (): AirlockError =>
  new AirlockError('OUTCOME_UNKNOWN', 'the message left, and the mail server did not say whether it took it');

const content = async (dialogue: Dialogue, bytes: Buffer): Promise<void> => {
  const go = await dialogue.ask('DATA');
  if (go.code !== 354) throw refusedBy(go, 'the message');
  const left = { is: false };
  const reply = await dialogue
    .send(stuffed(bytes), () => (left.is = true))
    .catch((thrown: unknown) => {
      throw left.is ? unknown() : thrown;
    });
  if (reply.code >= 400) throw refusedBy(reply, 'the message');
  if (!isOk(reply)) throw unknown();
};

/**
 * @throws AirlockError UNAVAILABLE, UPSTREAM_REFUSED, UPSTREAM_TIMEOUT: nothing was sent; OUTCOME_UNKNOWN (MAIL-36).
 */
export const submit = async (target: Target, message: Submission, options: DialOptions): Promise<void> => {
  const dialogue = await opened(target, options);
  try {
    const capabilities = await capabilitiesOf(dialogue);
    await authenticate(dialogue, capabilities.get('AUTH') ?? '', message);
    await addressed(dialogue, capabilities.get('SIZE'), message);
    await content(dialogue, message.bytes);
  } finally {
    dialogue.close();
  }
};
