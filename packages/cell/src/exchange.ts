/**
 * The connector's end of a call that can be talked with: what it tells and asks leaves sealed and counted, and what it hears
 * is the reply to what it asked.
 *
 * EXCHANGE-4  only known methods; anything else a service says is dropped, anything else it asks is refused.
 * EXCHANGE-6  what is too much is dropped and counted; a question that is too much ends the call.
 */
import {
  AirlockError,
  CALL_EVENTS,
  EXCHANGE_LIMITS,
  EventMeter,
  MAX_SAID_CHARS,
  NOTICES,
  QUESTIONS,
  SERVICE_EVENTS,
  type CellEvent,
  type CellWithheld,
  type ConnectorExchange,
  type ExchangeError,
  type ExchangeMcp,
  type ExchangeReply,
  type Json,
} from '@airlock/protocol';
import { asksForCode } from './code-question.js';
import { sealEvent, type EventSeal, type SealedEvent } from './seal-event.js';

/** Where events go: to airlock-gateway. */
export interface Voice {
  event(event: CellEvent): void;
  withheld(withheld: CellWithheld): void;
  /** For the operator. */
  said?(said: { readonly text: string }): void;
  nowMs(): number;
}

interface OpenAsk {
  readonly resolve: (result: Json) => void;
  readonly reject: (error: Error) => void;
}

/** JSON-RPC 2.0 §5.1, and MCP's code for a request that the user rejected. */
const RPC = { invalidRequest: -32600, methodUnknown: -32601, invalidParams: -32602, rejected: -1 } as const;

const askRefused = (rpc: ExchangeError): Error => Object.assign(new Error(rpc.message), { name: 'AskRefused', rpc });
const isOver = (): Error => askRefused({ code: RPC.invalidRequest, message: 'the call is over' });
const tooMuch = (): AirlockError =>
  new AirlockError('UPSTREAM_REFUSED', 'the service asked too much during the call', {
    hint: 'the server behind this service asks without end; tell the operator',
  });

const isOneOf = (methods: readonly string[], method: unknown): method is string =>
  typeof method === 'string' && methods.includes(method);

export interface ExchangeParts {
  readonly channel: string;
  readonly mcp: ExchangeMcp;
  readonly voice: Voice;
  readonly seal: EventSeal;
  /** Ends the call with this. */
  readonly giveUp: (error: AirlockError) => void;
}

export class CellExchange implements ConnectorExchange {
  readonly mcp: Json;
  readonly #parts: ExchangeParts;
  readonly #meter = new EventMeter(CALL_EVENTS);
  readonly #asks = new Map<string, OpenAsk>();
  readonly #withheld = { limit: 0, risk: 0 };
  #asked = 0;
  #isOver = false;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.mcp = structuredClone(parts.mcp) as unknown as Json;
  }

  notify(method: string, params: Json): void {
    if (this.#isOver) return;
    const sealed = isOneOf(NOTICES, method) ? this.#seal(params) : 'limit';
    if (typeof sealed === 'string') return void (this.#withheld[sealed] += 1);
    this.#send({ notify: { method, params: sealed.params } }, sealed.risk);
  }

  ask(method: string, params: Json): Promise<Json> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(method, params);
      if (refusal !== null) return reject(refusal);
      const sealed = this.#seal(params);
      if (sealed === 'limit') return reject(this.#endOf());
      if (sealed === 'risk') return reject(this.#risky());
      this.#asked += 1;
      const ask = `a${this.#asked}`;
      this.#asks.set(ask, { resolve, reject });
      this.#send({ ask, method, params: sealed.params }, sealed.risk);
    });
  }

  /** @throws AirlockError NOT_FOUND where nothing of this id waits for a reply */
  reply({ ask, result, error }: ExchangeReply): void {
    const open = this.#asks.get(ask);
    if (open === undefined) throw new AirlockError('NOT_FOUND', 'no question of this call has this id');
    this.#asks.delete(ask);
    if (error === undefined) open.resolve(result ?? null);
    else open.reject(askRefused(error));
  }

  /** Nothing leaves any more, and nobody waits. What was dropped is told. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reject } of this.#asks.values()) reject(isOver());
    this.#asks.clear();
    const { channel, voice } = this.#parts;
    for (const why of ['limit', 'risk'] as const)
      if (this.#withheld[why] > 0) voice.withheld({ channel, why, count: this.#withheld[why] });
  }

  #refusal(method: string, params: Json): Error | null {
    if (this.#isOver) return isOver();
    if (!isOneOf(QUESTIONS, method)) return askRefused({ code: RPC.methodUnknown, message: 'this cannot be asked here' });
    if (this.#asks.size >= EXCHANGE_LIMITS.maxOpenAsks) return this.#endOf();
    if (!asksForCode(method, params)) return null;
    this.#parts.voice.withheld({ channel: this.#parts.channel, why: 'code', count: 1 });
    return askRefused({ code: RPC.rejected, message: 'one-time codes are for the human: they are never asked for here' });
  }

  #risky(): Error {
    this.#withheld.risk += 1;
    return askRefused({ code: RPC.rejected, message: 'the question scores above what the lease allows' });
  }

  /** EXCHANGE-6. */
  #endOf(): Error {
    this.#parts.giveUp(tooMuch());
    return isOver();
  }

  /** What is far beyond the limits costs next to nothing: it is counted before it is looked at. */
  #seal(params: Json): SealedEvent | 'limit' | 'risk' {
    const { voice, seal } = this.#parts;
    if (!this.#meter.take(0, voice.nowMs())) return 'limit';
    const sealed = sealEvent(params, seal);
    if (typeof sealed === 'string') return sealed;
    return this.#meter.hold(sealed.bytes) ? sealed : 'limit';
  }

  #send(event: CellEvent['event'], risk: number): void {
    const { channel, voice } = this.#parts;
    voice.event({ channel, event, risk });
  }
}

const noticeOf = (event: unknown): { readonly method: string; readonly params: Json } | null => {
  const { notify } = (event ?? {}) as { readonly notify?: { readonly method?: unknown; readonly params?: Json } };
  return isOneOf(NOTICES, notify?.method) ? { method: notify.method, params: notify.params ?? {} } : null;
};

/** What a service says outside calls. Never throws; what is dropped is not counted, for nobody waits for it. */
export const serviceVoice = (voice: Voice, seal: EventSeal): ((event: Json) => void) => {
  const meter = new EventMeter(SERVICE_EVENTS);
  return (event) => {
    const notice = noticeOf(event);
    if (notice === null || !meter.take(0, voice.nowMs())) return;
    const sealed = sealEvent(notice.params, seal);
    if (typeof sealed === 'string') return;
    voice.event({ event: { notify: { method: notice.method, params: sealed.params } }, risk: sealed.risk });
  };
};

/** UPSTREAM-7: the program's own words go to the operator, sealed as everything that leaves; a risk is no secret. Never throws. */
export const operatorVoice = (voice: Voice, seal: Omit<EventSeal, 'isRiskAllowed'>): ((text: string) => void) => {
  const meter = new EventMeter(SERVICE_EVENTS);
  return (text) => {
    if (!meter.take(0, voice.nowMs())) return;
    const sealed = sealEvent({ text: text.toWellFormed() }, { ...seal, isRiskAllowed: () => true });
    if (typeof sealed === 'string') return;
    const told = (sealed.params as { readonly text: string }).text.slice(-MAX_SAID_CHARS);
    if (told !== '') voice.said?.({ text: told });
  };
};
