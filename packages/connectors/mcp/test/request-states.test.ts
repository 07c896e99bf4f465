/** A state of a server on its way to a client and back. */
import type { Json } from '@airlock/protocol';
import t from 'tap';
import type { Caller } from '../src/contract.js';
import { MCP_LIMITS } from '../src/limits.js';
import { RequestStates } from '../src/request-states.js';

const caller = (requestState: Json): Caller => ({
  ...{ revision: '2026-07-28', capabilities: {}, meta: {}, progress: false, requestState },
  exchange: { mcp: {}, notify: () => undefined, ask: () => Promise.resolve({}) },
});
const stateIn = (result: Json): string => (result as { readonly requestState: string }).requestState;

t.test('a state leaves as a name, and its name comes back as the state (UPSTREAM-16)', async (t) => {
  const states = new RequestStates();
  const token = 'v1.eyJhbGciOiJIUzI1NiJ9.c2lnbmF0dXJl';
  const hidden = states.hide({ resultType: 'input_required', requestState: token });
  const name = stateIn(hidden);
  t.match(name, /^[0-9a-f-]{36}$/);
  t.notMatch(JSON.stringify(hidden), token);
  t.equal(states.restore(caller(name))?.requestState, token);
  t.equal(states.restore(caller(`${name}-TAMPERED`))?.requestState, `${name}-TAMPERED`, 'what is no name goes on as it is');
  t.equal(new RequestStates().restore(caller(name))?.requestState, name, 'nor a name of another cell');
  t.equal(states.restore(null), null);
  t.same(states.hide({ content: [] }), { content: [] });
});

t.test('256 states are kept, the oldest is forgotten', async (t) => {
  const states = new RequestStates();
  const names = Array.from({ length: 257 }, (_, index) => stateIn(states.hide({ requestState: `state ${index}` })));
  t.equal(states.restore(caller(names[0] ?? ''))?.requestState, names[0]);
  t.equal(states.restore(caller(names[1] ?? ''))?.requestState, 'state 1');
  t.equal(states.restore(caller(names[256] ?? ''))?.requestState, 'state 256');
});

t.test('UPSTREAM-16: as much as two of the longest answers is kept, the oldest is forgotten', async (t) => {
  const states = new RequestStates();
  const long = 'x'.repeat(MCP_LIMITS.maxMessageBytes);
  const nameOf = (state: string): string => stateIn(states.hide({ requestState: state }));
  const isKept = (name: string): boolean => states.restore(caller(name))?.requestState !== name;
  const [first, second] = [nameOf(long), nameOf(long)];
  t.same([first, second].map(isKept), [true, true], 'negative control: there is room for both');
  const third = nameOf('x');
  t.same([first, second, third].map(isKept), [false, true, true]);
  const longer = nameOf(long + long);
  t.same([second, third, longer].map(isKept), [false, false, true]);
  const last = nameOf('y');
  t.same([longer, last].map(isKept), [false, true], 'and there is room again');
});
