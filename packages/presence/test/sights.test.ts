// What sessions say of an operator, what of it is told, and whose account is whose. docs/spec/presence.md
import fc from 'fast-check';
import t from 'tap';
import { operatorsByUid } from '../src/accounts.js';
import { propertiesOf, watchedSession } from '../src/logind.js';
import { reasonsOf, type SessionView } from '../src/seats.js';
import { Sights } from '../src/sights.js';

const OWNERS = new Map([[1000, ['ada']]]);
const session = (more: Partial<SessionView> = {}): SessionView => ({
  ...{ path: '/s/1', uid: 1000, active: true, locked: false, idle: false, askedUntilMs: 0 },
  ...more,
});

t.test('the table of reasons', async (t) => {
  const tty = session({ path: '/s/2', active: false, idle: true });
  t.same(reasonsOf([], 0), [], 'nobody is watched: that is for airlock-totp to judge');
  t.same(reasonsOf([session()], 0), [], 'negative control: there');
  t.same(reasonsOf([session({ locked: true })], 0), ['lock']);
  t.same(reasonsOf([session({ idle: true })], 0), ['idle']);
  t.same(reasonsOf([session({ active: false })], 0), ['switch']);
  t.same(reasonsOf([session(), tty], 0), [], 'a console that was left open is not the one who is there');
  t.same(reasonsOf([session({ locked: true, active: false }), session({ path: '/s/2' })], 0), ['lock'], 'a lock anywhere');
  t.same([reasonsOf([session({ askedUntilMs: 5 })], 4), reasonsOf([session({ askedUntilMs: 5 })], 5)], [['lock'], []]);
});

t.test('watched is who has a seat: no ssh, no greeter, nobody who leaves', async (t) => {
  const of = (more: object): unknown =>
    watchedSession(
      '/s/1',
      1000,
      propertiesOf(Object.entries({ Seat: ['seat0', '/s'], Class: 'user', State: 'active', Active: true, ...more })),
    );
  t.match(of({}), { active: true, locked: false });
  for (const more of [
    { Seat: ['', '/'] },
    { Class: 'greeter' },
    { Class: 'manager' },
    { Remote: true },
    { State: 'closing' },
    { Seat: 'x' },
  ])
    t.equal(of(more), null, JSON.stringify(more));
});

t.test('accounts: members of the group, by list or as their own group; never root, never another group', async (t) => {
  const group = 'airlock-o-ada:x:900:ada,root\nairlock-o-bob:x:901:\nairlock-o-eve:x:902:ada\nwheel:x:1:ada,mal\nbroken';
  const passwd = 'root:x:0:0::/:\nada:x:1000:1000::/:\nbob:x:1001:901::/:\nmal:x:1002:1002::/:\nodd:x:-1:901::\nnone';
  t.same(
    [...operatorsByUid(group, passwd, ['ada', 'bob'])],
    [
      [1000, ['ada']],
      [1001, ['bob']],
    ],
  );
  t.same([...operatorsByUid('', '', ['ada'])], []);
});

type Change =
  { readonly key: 'Active' | 'LockedHint' | 'IdleHint'; readonly on: boolean } | 'lock' | 'unlock' | 'told' | 'reread';
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ key: fc.constantFrom('Active' as const, 'LockedHint' as const, 'IdleHint' as const), on: fc.boolean() }),
  fc.constantFrom('lock' as const, 'unlock' as const, 'told' as const, 'reread' as const),
);

t.test('PRESENCE-4: no storm loses a beginning: what began since the last report that was answered is in the next', async () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
      const sights = new Sights(['ada'], () => 0);
      sights.replace([session()], OWNERS);
      let now = session();
      let since = new Set<string>();
      let upTo = 0;
      for (const one of changes) {
        const before = reasonsOf([now], 0);
        if (one === 'told') {
          sights.told(upTo);
          since = new Set();
        } else if (one === 'reread') sights.replace([now], OWNERS);
        else if (one === 'lock' || one === 'unlock') {
          now = { ...now, askedUntilMs: one === 'lock' ? 10_000 : 0 };
          sights.asked('/s/1', one === 'lock');
        } else {
          const name = ({ Active: 'active', LockedHint: 'locked', IdleHint: 'idle' } as const)[one.key];
          now = { ...now, [name]: one.on, ...(name === 'locked' ? { askedUntilMs: 0 } : {}) };
          sights.properties('/s/1', new Map([[one.key, one.on]]));
        }
        if (one === 'reread' && now.locked) now = { ...now, askedUntilMs: 0 };
        for (const reason of reasonsOf([now], 0)) if (!before.includes(reason)) since.add(reason);
        const { report, upTo: count } = sights.report();
        upTo = count;
        const [seen] = report.operators;
        if (seen === undefined || [...since].some((reason) => !seen.passed.includes(reason as 'lock'))) return false;
        if (seen.reasons.join() !== reasonsOf([now], 0).join()) return false;
      }
      return true;
    }),
    { numRuns: 5000 },
  );
});

t.test('what begins while a report is under way is told by the next one', async (t) => {
  const sights = new Sights(['ada'], () => 0);
  sights.replace([session()], OWNERS);
  sights.properties('/s/1', new Map([['LockedHint', true]]));
  const { upTo } = sights.report();
  sights.properties('/s/1', new Map([['LockedHint', false]]));
  sights.properties('/s/1', new Map([['LockedHint', true]]));
  sights.told(upTo);
  t.same(sights.report().report.operators[0]?.passed, ['lock']);
  sights.told(sights.report().upTo);
  t.same(sights.report().report.operators[0]?.passed, [], 'negative control');
});

t.test('PRESENCE-5: logind lost: not available, and on its return what holds is told without having begun', async (t) => {
  const sights = new Sights(['ada', 'bob'], () => 0);
  t.same(sights.report().report.available, false);
  sights.replace([session({ locked: true })], OWNERS);
  t.same(sights.report().report, {
    available: true,
    operators: [
      { operator: 'ada', sessions: 1, reasons: ['lock'], passed: [] },
      { operator: 'bob', sessions: 0, reasons: [], passed: [] },
    ],
  });
  sights.lose();
  t.match(sights.report().report, { available: false, operators: [{ sessions: 0, reasons: [] }, {}] });
});
