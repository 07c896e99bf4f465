// Presence: what a report freezes and thaws, decided purely, and what it does to leases, cells and approvals. docs/spec/presence.md
import { AirlockError, DEFAULT_CONFIG, DEFAULT_PRESENCE, type PresenceConfig, type SeenReason } from '@airlock/protocol';
import fc from 'fast-check';
import t from 'tap';
import { decideReport, decideSilence, freeze, NO_PRESENCE, thaw, waive, type PresenceState } from '../src/presence/decide.js';
import { frozenState, unlockedState } from '../src/presence/freeze.js';
import { emptyState, type OperatorState } from '../src/queue/state.js';
import { approveFront, askFor, greet, openHouse, refusal, type House, type HouseSettings } from './support/daemon.js';

const REASONS: readonly SeenReason[] = ['idle', 'lock', 'switch'];
const reasons = fc.subarray([...REASONS]);
const sighting = fc.record({ operator: fc.constant('default'), sessions: fc.nat(3), reasons, passed: reasons });
const config: fc.Arbitrary<PresenceConfig> = fc.record({
  mode: fc.constantFrom('auto' as const, 'required' as const),
  freezeOn: fc.subarray(['idle', 'lock', 'sleep', 'switch'] as const),
  silenceS: fc.integer({ min: 10, max: 600 }),
});
type Step = (state: PresenceState, config: PresenceConfig) => PresenceState;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(sighting, fc.boolean()).map(
    ([seen, available]): Step =>
      (state, config) =>
        decideReport(state, available, seen, config).settled,
  ),
  fc.constant<Step>((state) => freeze(state, ['sleep'])),
  fc.constant<Step>((state) => thaw(state, ['sleep'])),
  fc.nat(900_000).map(
    (ms): Step =>
      (state, config) =>
        freeze(state, decideSilence(state, ms, config)),
  ),
  fc.constant<Step>((state) => waive(state)),
);
const reached = fc.tuple(config, fc.array(step, { maxLength: 12 })).map(([config, steps]) => ({
  config,
  state: steps.reduce((state, next) => next(state, config), NO_PRESENCE),
}));
const includes = (all: readonly string[], some: readonly string[]): boolean => some.every((one) => all.includes(one));

t.test('PRESENCE-1, PRESENCE-4: from every state, what holds and what passed freezes; nothing is thawed before it', async () => {
  fc.assert(
    fc.property(reached, sighting, ({ config, state }, seen) => {
      const { rose, frozen, settled } = decideReport(state, true, { ...seen, sessions: seen.sessions + 1 }, config);
      const on = (list: readonly SeenReason[]): readonly SeenReason[] => list.filter((one) => config.freezeOn.includes(one));
      return (
        includes(frozen.held, state.held) &&
        includes(frozen.held, rose) &&
        includes(frozen.held, on(seen.passed)) &&
        includes([...frozen.held, ...frozen.waived], on(seen.reasons)) &&
        includes(frozen.held, settled.held) &&
        includes([...settled.held, ...settled.waived], on(seen.reasons))
      );
    }),
    { numRuns: 5000 },
  );
});

t.test('freezing is monotone: more reasons never hold less', async () => {
  fc.assert(
    fc.property(reached, sighting, reasons, reasons, ({ config, state }, seen, more, passed) => {
      const one = decideReport(state, true, seen, config).settled.held;
      const all = {
        ...seen,
        reasons: [...new Set([...seen.reasons, ...more])],
        passed: [...new Set([...seen.passed, ...passed])],
      };
      return includes(decideReport(state, true, all, config).settled.held, one);
    }),
    { numRuns: 5000 },
  );
});

t.test('PRESENCE-5: where nothing can be seen nothing thaws', async () => {
  fc.assert(
    fc.property(reached, sighting, fc.boolean(), ({ config, state }, seen, available) => {
      const { settled } = decideReport(state, available, { ...seen, sessions: 0 }, config);
      return includes(settled.held, state.held) && includes(settled.waived, state.waived);
    }),
    { numRuns: 5000 },
  );
});

t.test('PRESENCE-7: a waived reason freezes again only once it has passed, and nothing else is waived', async (t) => {
  fc.assert(
    fc.property(reached, sighting, ({ config, state }, seen) => {
      const after = decideReport(waive(state), true, { ...seen, sessions: 1, passed: [] }, config).settled;
      return after.held.every((reason) => !state.held.includes(reason) && !state.waived.includes(reason));
    }),
    { numRuns: 5000 },
  );
  const away = { operator: 'default', sessions: 1, reasons: ['lock'] as const };
  const locked = decideReport(NO_PRESENCE, true, { ...away, passed: ['lock'] }, DEFAULT_PRESENCE).settled;
  const over = decideReport(waive(locked), true, { ...away, passed: [] }, DEFAULT_PRESENCE).settled;
  t.same(over.held, [], 'a code overrules the lock that holds');
  t.same(
    decideReport(over, true, { ...away, passed: ['lock'] }, DEFAULT_PRESENCE).settled.held,
    ['lock'],
    'and not the next one',
  );
});

t.test('PRESENCE-2: no report and no sleep ends a lock of the operator', async () => {
  fc.assert(
    fc.property(reached, ({ state }) => {
      const locked: OperatorState = { ...emptyState('boot'), locked: true, presence: state };
      return frozenState(locked, state).locked && !unlockedState(locked).locked;
    }),
  );
});

t.test('mode off holds nothing, auto is silent about what it cannot see, required is not', async (t) => {
  const seen = { operator: 'default', sessions: 1, reasons: REASONS, passed: REASONS };
  const held = (mode: PresenceConfig['mode'], available: boolean, sessions: number): readonly string[] =>
    decideReport(NO_PRESENCE, available, { ...seen, sessions }, { ...DEFAULT_PRESENCE, mode }).settled.held;
  t.same(held('off', true, 1), [], 'negative control: nothing freezes');
  t.same(held('auto', true, 1), REASONS);
  t.same(held('auto', true, 0), [], 'an operator who comes over ssh');
  t.same(held('auto', false, 0), [], 'a machine without logind');
  t.same(held('required', true, 0), ['silent']);
  t.same(held('required', false, 1), ['silent']);
  t.same(decideSilence(NO_PRESENCE, 1e9, DEFAULT_PRESENCE), []);
  const seated = { ...NO_PRESENCE, seated: true };
  t.same([decideSilence(seated, 19_999, DEFAULT_PRESENCE), decideSilence(seated, 20_000, DEFAULT_PRESENCE)], [[], ['silent']]);
  t.same(decideSilence(seated, 1e9, { ...DEFAULT_PRESENCE, freezeOn: [] }), [], 'auto that freezes for nothing');
  t.same(decideSilence(seated, 1e9, { ...DEFAULT_PRESENCE, mode: 'off' }), []);
  const required = { ...DEFAULT_PRESENCE, mode: 'required' as const };
  t.same([decideSilence(NO_PRESENCE, 19_999, required), decideSilence(NO_PRESENCE, 20_000, required)], [[], ['silent']]);
});

const start = async (t: { teardown(run: () => Promise<void>): void }, settings: HouseSettings = {}): Promise<House> => {
  const house = await openHouse(settings);
  t.teardown(() => house.end());
  return house;
};

interface Sight {
  readonly sessions?: number;
  readonly reasons?: readonly SeenReason[];
  readonly passed?: readonly SeenReason[];
  readonly available?: boolean;
}

const report = async (house: House, { available = true, ...seen }: Sight): Promise<void> => {
  const link = await house.connect('presence');
  const one = { operator: 'default', sessions: 1, reasons: [], passed: [], ...seen };
  await link.call('report', { available, operators: [{ ...one, operator: 'nobody' }, one] });
};

/** Asked by an agent over the bridge, approved by the operator. */
const ask = async (house: House, scope: string): Promise<unknown> => {
  const bridge = await house.connect('bridge');
  await greet(bridge);
  return askFor(bridge, { scopes: [scope] });
};
const approve = async (house: House): Promise<unknown> => approveFront(house, await house.connect('approve/default'));

const stateOf = (house: House): OperatorState => {
  const state = house.totp.house?.desks.get('default')?.state;
  if (state === undefined) throw new Error('no desk');
  return state;
};

t.test('PRESENCE-3: what lived is marked for good, approvals end, what is approved later is not marked', async (t) => {
  const house = await start(t);
  await ask(house, 'mail:read');
  await approve(house);
  t.equal(stateOf(house).leases[0]?.stepUp, undefined, 'negative control: not before');
  await report(house, { reasons: ['lock'], passed: ['lock'] });
  t.match(stateOf(house), { presence: { held: ['lock'] }, leases: [{ stepUp: true }], operations: [] });
  t.equal(await refusal(ask(house, 'calendar:read')), 'LOCKED', 'agents may not queue');
  await report(house, {});
  t.match(stateOf(house), { presence: { held: [] }, leases: [{ stepUp: true }] });
  await ask(house, 'calendar:read');
  await approve(house);
  t.same(
    stateOf(house).leases.map(({ stepUp }) => stepUp),
    [true, undefined],
  );
});

t.test('PRESENCE-4: a lock that was over before it was told freezes and marks', async (t) => {
  const house = await start(t);
  await ask(house, 'mail:read');
  await approve(house);
  await report(house, { reasons: [], passed: ['lock'] });
  t.match(stateOf(house), { presence: { held: [] }, leases: [{ stepUp: true }] });
});

t.test('PRESENCE-5: a restart keeps the freeze, the end of the session too; a new boot has nothing left to freeze', async (t) => {
  const house = await start(t);
  await report(house, { reasons: ['lock'], passed: ['lock'] });
  await house.restart();
  t.same(stateOf(house).presence?.held, ['lock']);
  await report(house, { sessions: 0 });
  t.same(stateOf(house).presence?.held, ['lock', 'switch'], 'logging out does not unlock');
  await report(house, { available: false, sessions: 0 });
  t.same(stateOf(house).presence?.held, ['lock', 'switch'], 'nor does the end of logind');
  house.bootId = 'ff'.repeat(16);
  await house.restart();
  t.same(stateOf(house).presence?.held, []);
});

t.test('PRESENCE-6: required and silent: frozen on boot time, whatever the wall clock says; thawed by a report', async (t) => {
  const config = { ...DEFAULT_CONFIG, presence: { ...DEFAULT_PRESENCE, mode: 'required' as const } };
  const house = await start(t, { config });
  await report(house, {});
  house.clock.wall -= 86_400_000;
  house.clock.boot += 19_000;
  house.totp.tick();
  t.same(stateOf(house).presence?.held, []);
  house.clock.boot += 1000;
  house.totp.tick();
  t.same(stateOf(house).presence?.held, ['silent']);
  await report(house, {});
  t.same(stateOf(house).presence?.held, []);
  const quiet = await start(t);
  quiet.clock.pass(86_400_000);
  quiet.totp.tick();
  t.equal(stateOf(quiet).presence, undefined, 'negative control: mode auto');
});

/** Whoever was to say it reports nothing, or that logind does not answer, for so long. */
const silence = async (house: House, seconds: number, isHeard: boolean): Promise<void> => {
  for (let n = 0; n < seconds; n += 5) {
    house.clock.boot += 5000;
    if (isHeard) await report(house, { available: false, sessions: 0 });
    house.totp.tick();
  }
};
const heldIn = (house: House): readonly string[] => stateOf(house).presence?.held ?? [];

for (const [gone, isHeard] of [
  ['airlock-presence', false],
  ['logind or the bus', true],
] as const) {
  t.test(`PRESENCE-6: auto, once seated: ${gone} goes away and leases freeze, over restarts; seen again they thaw`, async (t) => {
    const house = await start(t);
    await silence(house, 600, isHeard);
    t.same(heldIn(house), [], 'negative control: never seated');
    await report(house, {});
    await silence(house, 15, isHeard);
    t.same(heldIn(house), [], 'negative control: not yet');
    await house.restart();
    await silence(house, 20, isHeard);
    t.same(heldIn(house), ['silent'], 'that the operator was seated outlives a restart');
    t.equal(await refusal(ask(house, 'mail:read')), 'LOCKED');
    await house.restart();
    t.same(heldIn(house), ['silent'], 'the freeze too');
    await report(house, { sessions: 0 });
    await house.restart();
    t.ok(heldIn(house).includes('silent'), 'a logout that was not seen does not thaw');
    await report(house, {});
    t.same(heldIn(house), []);
  });
}

t.test(
  'PRESENCE-6: auto: after the last session ended in order silence freezes nobody, and after a code none again',
  async (t) => {
    const house = await start(t);
    await report(house, {});
    await report(house, { sessions: 0 });
    await silence(house, 600, true);
    t.same(heldIn(house), ['switch'], 'the logout freezes until a code, and nothing more');
    const silent = { held: ['silent'], waived: [], seated: true } as const;
    const over = waive(silent);
    t.same(decideSilence(over, 1e9, DEFAULT_PRESENCE), [], 'a code overrules the silence that holds');
    const gone = { operator: 'default', sessions: 0, reasons: [], passed: [] };
    t.equal(
      decideReport(over, true, gone, DEFAULT_PRESENCE).settled.seated,
      false,
      'whoever comes over ssh from then on stays free',
    );
  },
);

t.test('sleep freezes all until it is said to be over; root can configure it away', async (t) => {
  const house = await start(t);
  const link = await house.connect('presence');
  await link.call('sleep', { asleep: true });
  await report(house, { reasons: ['lock'], passed: ['lock'] });
  await report(house, {});
  t.same(stateOf(house).presence?.held, ['sleep'], 'unlocked sessions do not wake the machine');
  await link.call('sleep', { asleep: false });
  t.same(stateOf(house).presence?.held, []);
  await link.call('sleep', { asleep: true });
  await house.restart({ config: { ...DEFAULT_CONFIG, presence: { ...DEFAULT_PRESENCE, freezeOn: ['lock'] } } });
  t.same(stateOf(house).presence?.held, []);
  await (await house.connect('presence')).call('sleep', { asleep: true });
  t.same(stateOf(house).presence?.held, [], 'negative control: configured away');
});

t.test('PRESENCE-10: two methods, and strict frames; a frame that is refused changes nothing', async (t) => {
  const house = await start(t);
  await report(house, { reasons: ['lock'], passed: ['lock'] });
  const one = { operator: 'default', sessions: 1, reasons: [], passed: [] };
  const bad: readonly [string, object, string][] = [
    ['status', {}, 'METHOD_UNKNOWN'],
    ['unlock', {}, 'METHOD_UNKNOWN'],
    ['request.approve', {}, 'METHOD_UNKNOWN'],
    ['report', {}, 'PARAMS_INVALID'],
    ['report', { available: true, operators: [{ ...one, reasons: ['sleep'] }] }, 'PARAMS_INVALID'],
    ['report', { available: true, operators: [{ ...one, reasons: ['lock', 'lock'] }] }, 'PARAMS_INVALID'],
    ['report', { available: true, operators: [{ ...one, sessions: -1 }] }, 'PARAMS_INVALID'],
    ['report', { available: true, operators: [{ ...one, unlock: true }] }, 'PARAMS_INVALID'],
    ['report', { available: true, operators: Array.from({ length: 33 }, () => one) }, 'PARAMS_INVALID'],
    ['sleep', { asleep: 'no' }, 'PARAMS_INVALID'],
  ];
  for (const [method, params, code] of bad) {
    const link = await house.connect('presence');
    const error = await link.call(method, params).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    t.ok(error instanceof AirlockError && error.code === code, `${method} ${JSON.stringify(params).slice(0, 60)}: ${code}`);
  }
  t.same(stateOf(house).presence?.held, ['lock']);
});
