/**
 * One call in an opened cell: scope, deadline, constraints, arguments, connector, sealing. In this order.
 *
 * CELL-10  Once the connector was asked to write, a call ends with its answer, its refusal, or OUTCOME_UNKNOWN.
 */
import { compileArguments, type CheckArguments } from '@airlock/guard/arguments';
import {
  AirlockError,
  LIMITS,
  type CellExecuteParams,
  type CellPrepareParams,
  type CellResult,
  type CellTestResult,
  type ExchangeOrder,
  isRiskAllowed,
  type Json,
  type ListedOperation,
  type OperationManifest,
  type Timers,
} from '@airlock/protocol';
import { answerAsksForCode } from './code-question.js';
import { fromConnector, fromWriting, outcomeUnknown } from './connector-error.js';
import {
  checkApproved,
  checkConstraints,
  checkDeadline,
  checkNoTrial,
  checkRisk,
  checkScope,
  checkWrite,
  findOperation,
  joinConstraints,
} from './grant.js';
import { CELL_LIMITS } from './limits.js';
import { CellExchange, operatorVoice, serviceVoice, type Voice } from './exchange.js';
import type { OpenedCell } from './open.js';
import { OpenedSession, tryOut } from './opened-session.js';
import { Patience } from './patience.js';
import { RunningCalls, type RunningCall } from './running-call.js';
import { sealResult, withholdsCodes } from './seal.js';

const MAX_RESULT_BYTES = LIMITS.maxFrameOutBytes - CELL_LIMITS.resultMarginBytes;

/** A cell nobody listens to: in tests of other things. */
const MUTE: Voice = { event: () => undefined, withheld: () => undefined, nowMs: () => 0 };

interface Waiting {
  readonly constraints?: Readonly<Record<string, Json>>;
  readonly call?: RunningCall | null;
}

/** What a service says outside calls is untrusted whatever its operations are, and no policy was asked about it. */
const withEmit = (cell: OpenedCell, voice: Voice): OpenedCell => {
  const { manifest, context, limits, mask } = cell;
  const codes = manifest.codes !== 'shown' && context.settings['codes'] !== 'shown';
  const isAllowed = (risk: number): boolean => risk < CELL_LIMITS.maxServiceEventRisk && isRiskAllowed(limits.constraints, risk);
  const emit = serviceVoice(voice, { mask, codes, isRiskAllowed: isAllowed });
  return { ...cell, context: { ...context, emit, said: operatorVoice(voice, { mask, codes }) } };
};

export class Executor {
  readonly #cell: OpenedCell;
  readonly #timers: Timers;
  readonly #checks = new WeakMap<OperationManifest, CheckArguments>();
  #isApprovalUsed = false;
  readonly #session: OpenedSession;
  readonly #voice: Voice;
  /** Those with a channel. */
  readonly calls = new RunningCalls();

  /** `tell` is called with what the service lists where that is not what the operator accepted. */
  constructor(
    cell: OpenedCell,
    timers: Timers,
    tell: (listed: readonly ListedOperation[]) => void = () => undefined,
    voice: Voice = MUTE,
  ) {
    this.#cell = withEmit(cell, voice);
    this.#timers = timers;
    this.#voice = voice;
    this.#session = new OpenedSession(this.#cell, cell.limits.service, tell);
  }

  /** @throws AirlockError: the refusal of a check, what the connector says, UPSTREAM_TIMEOUT, INTERNAL. */
  execute(params: CellExecuteParams): Promise<CellResult> {
    return params.exchange === undefined ? this.#run(params, null) : this.#runHeard(params, params.exchange);
  }

  async #runHeard(params: CellExecuteParams, exchange: ExchangeOrder): Promise<CellResult> {
    const call = this.calls.begin(exchange);
    try {
      return await this.#run(params, call);
    } finally {
      this.calls.end(call);
    }
  }

  async #run(params: CellExecuteParams, call: RunningCall | null): Promise<CellResult> {
    const { limits, context } = this.#cell;
    const { operation, constraints } = this.#checked(params, await this.#find(params.operation, call));
    checkWrite(limits, operation);
    this.#useApproval(operation, params);
    const isWrite = operation.class === 'write';
    if (call !== null) this.#openExchange(call, operation, constraints);
    const answer = await this.#within(
      async (patience) => {
        const session = await this.#session.open();
        if (isWrite) this.#beginWrite(patience);
        else if (patience.refusal !== null) throw patience.refusal;
        return session.execute(operation.name, params.params, patience);
      },
      { constraints, call },
    );
    if (answerAsksForCode(answer)) throw this.#codeAsked(call, isWrite);
    if (isWrite) return this.#sealWritten(answer, operation, params.maxResultBytes);
    // A lease that ended while the service was answering ends this call too.
    checkDeadline(limits, context.clock);
    const sealed = await this.#seal(answer, operation, params.maxResultBytes);
    checkRisk(operation, constraints, sealed.risk);
    return sealed;
  }

  /** EXCHANGE-9. What a service that asks for codes says of a write is not believed either. */
  #codeAsked(call: RunningCall | null, isWrite: boolean): AirlockError {
    this.#voice.withheld({ ...(call === null ? {} : { channel: call.order.channel }), why: 'code', count: 1 });
    if (isWrite) return outcomeUnknown();
    return new AirlockError(
      'UPSTREAM_REFUSED',
      'the service asks the human for a one-time code, which nobody is asked for here',
      {
        hint: 'tell the operator: no service behind Airlock needs such a code',
      },
    );
  }

  /** Where the caller wants to be talked with. */
  #openExchange(call: RunningCall, operation: OperationManifest, constraints: Readonly<Record<string, Json>>): void {
    const { channel, mcp } = call.order;
    if (mcp === undefined) return;
    const { mask, manifest, context } = this.#cell;
    call.exchange = new CellExchange({
      ...{ channel, mcp, voice: this.#voice },
      seal: {
        mask,
        codes: withholdsCodes(manifest, operation, context.settings),
        isRiskAllowed: (risk) => isRiskAllowed(constraints, risk),
      },
      giveUp: (error) => call.giveUp(error),
    });
  }

  /** The last moment at which nothing has happened: the login before it may have taken long. */
  #beginWrite(patience: Patience): void {
    const { limits, context } = this.#cell;
    patience.beginWrite(() => checkDeadline(limits, context.clock));
  }

  /** CELL-10. What was done is told, also after the lease ended; an answer nobody understands tells nothing. */
  async #sealWritten(answer: unknown, operation: OperationManifest, maxBytes: number | undefined): Promise<CellResult> {
    try {
      return await this.#seal(answer, operation, maxBytes);
    } catch (thrown) {
      throw thrown instanceof AirlockError && thrown.code !== 'INTERNAL' ? thrown : outcomeUnknown();
    }
  }

  /** Every check of `execute` but for the approval, which is asked for next. @throws AirlockError the refusal of a check */
  async prepare(params: CellPrepareParams): Promise<Record<string, never>> {
    this.#checked(params, await this.#find(params.operation));
    return {};
  }

  /** Of the manifest, or of what the service lists; nothing is connected to before the release says that the lease lives. */
  #find(name: string, call: RunningCall | null = null): OperationManifest | Promise<OperationManifest> {
    const { manifest, limits, context } = this.#cell;
    const isListed = manifest.listed === true && !manifest.operations.some((one) => one.name === name);
    if (!isListed) return findOperation(manifest, name);
    checkNoTrial(limits);
    checkDeadline(limits, context.clock);
    return this.#within(() => this.#session.refresh(), { call }).then(() => this.#session.find(name));
  }

  #checked(
    params: CellPrepareParams,
    operation: OperationManifest,
  ): {
    readonly operation: OperationManifest;
    readonly constraints: ReturnType<typeof joinConstraints>;
  } {
    const { limits, context } = this.#cell;
    checkScope(limits, operation);
    checkDeadline(limits, context.clock);
    const constraints = joinConstraints(limits, params.constraints);
    checkConstraints(operation, constraints);
    const refusal = this.#check(operation)(params.params);
    if (refusal !== null) throw refusal;
    return { operation, constraints };
  }

  /** @throws AirlockError LEASE_SCOPE where this is no trial, else what the connector says. */
  async test(): Promise<CellTestResult> {
    const { connector, context, limits } = this.#cell;
    if (!limits.trial) throw new AirlockError('LEASE_SCOPE', 'the login is tested in a trial only');
    checkDeadline(limits, context.clock);
    const listed = await this.#within(() => tryOut(connector, this.#cell));
    return listed === null ? {} : { listed };
  }

  /** OPERATION-6. The approval is spent before the connector is asked, whatever comes of it. */
  #useApproval(operation: OperationManifest, params: CellExecuteParams): void {
    const { limits } = this.#cell;
    checkApproved(limits, operation, params, this.#isApprovalUsed);
    this.#isApprovalUsed = true;
  }

  #check(operation: OperationManifest): CheckArguments {
    const known = this.#checks.get(operation);
    if (known !== undefined) return known;
    const check = compileArguments(operation.params);
    this.#checks.set(operation, check);
    return check;
  }

  /** Ends the wait after callTimeoutMs, whether or not the connector listens to its signal. */
  #within<T>(work: (patience: Patience) => Promise<T>, { constraints = {}, call = null }: Waiting = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const exchange = call?.exchange ?? null;
      const patience = new Patience(constraints, exchange);
      const giveUp = (why: AirlockError): void => {
        timer.cancel();
        const end = patience.isWriting ? outcomeUnknown() : why;
        reject(end);
        patience.end(end);
        exchange?.end();
      };
      const { callTimeoutMs, exchangeTimeoutMs } = CELL_LIMITS;
      const timer = this.#timers.after(exchange === null ? callTimeoutMs : exchangeTimeoutMs, () =>
        giveUp(new AirlockError('UPSTREAM_TIMEOUT', 'the service did not answer in time')),
      );
      const fail = (thrown: unknown): void => {
        timer.cancel();
        const error = patience.refusal ?? fromConnector(thrown, this.#cell.mask);
        reject(patience.isWriting ? fromWriting(error) : error);
      };
      const done = (answer: T): void => {
        timer.cancel();
        resolve(answer);
      };
      work(patience).then(done, fail);
      call?.onGiveUp(giveUp);
    });
  }

  #seal(answer: unknown, operation: OperationManifest, maxBytes = MAX_RESULT_BYTES): Promise<CellResult> {
    const { mask, manifest, context } = this.#cell;
    const options = {
      mask,
      codes: withholdsCodes(manifest, operation, context.settings),
      maxBytes: Math.min(maxBytes, MAX_RESULT_BYTES),
    };
    return sealResult(answer, options);
  }
}
