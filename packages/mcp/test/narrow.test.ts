/** `airlock_narrow_lease`: the narrowed lease takes the place of the wider one, and neither is ever told. */
import { narrow } from '@airlock/client';
import { parseLease } from '@airlock/lease';
import t from 'tap';
import { open, type Rig } from './stdio.js';

const granted = async ({ tool }: Rig, scopes: readonly string[]): Promise<void> => {
  const asked = await tool('airlock_request_access', { scopes, reason: 'mail' });
  await tool('airlock_wait', { request: asked.structured['request'] });
};
const leasesOf = (rig: Rig): { lease: string }[] => rig.gateway.calls('call') as { lease: string }[];

t.test('every limit is in the lease of the next call; the wider one is used for the release alone', async (test) => {
  const rig = await open(test);
  await granted(rig, ['gmail:read', 'gmail:write']);
  await rig.tool('airlock_count_unread');
  const answer = await rig.tool('airlock_narrow_lease', {
    ...{ scopes: ['gmail:read:count_unread'], ttl_minutes: 5, calls: 3, bytes: 100000, constraints: { folders: ['INBOX'] } },
  });
  test.match(answer.structured, { lease: /^\S+$/, scopes: ['gmail:read:count_unread'] });
  await rig.tool('airlock_count_unread');
  const [wide, narrowed] = leasesOf(rig).map(({ lease }) => lease);
  test.not(wide, narrowed);
  test.match(parseLease(narrowed ?? '').caveats, [
    ['scopes', ['gmail:read:count_unread']],
    ['expires', Number],
    ['budget', { calls: 3, bytes: 100000 }],
    ['constraints', { folders: ['INBOX'] }],
  ]);
  test.same(parseLease(wide ?? '').caveats, [], 'negative control: before, nothing was held back');
  const status = await rig.tool('airlock_status');
  const [shown] = status.structured['leases'] as { scopes: string[]; expiresAt: string }[];
  test.same(shown?.scopes, ['gmail:read:count_unread']);
  test.ok(Date.parse(shown?.expiresAt ?? '') < Date.now() + 301_000);
  test.notMatch(JSON.stringify([answer, status]), /al1\./, 'MCP-3');
  test.match((await rig.tool('airlock_release')).structured, { released: 1 });
  test.same(rig.gateway.released, [wide]);
});

t.test('wider scopes, nothing at all, unknown constraints and leases: refused with what there is', async (test) => {
  const rig = await open(test);
  test.match((await rig.tool('airlock_narrow_lease', { calls: 1 })).structured, {
    error: { code: 'NOT_FOUND', hint: /request_access/ },
  });
  await granted(rig, ['gmail:read']);
  const wider = await rig.tool('airlock_narrow_lease', { scopes: ['gmail:write'] });
  test.match(wider.structured, { error: { code: 'PARAMS_INVALID', field: 'scopes', expected: /gmail:read/ } });
  test.match((await rig.tool('airlock_narrow_lease', {})).structured, {
    error: { code: 'PARAMS_INVALID', hint: /at least one/ },
  });
  test.match((await rig.tool('airlock_narrow_lease', { constraints: { colour: 'red' } })).structured, {
    error: { code: 'PARAMS_INVALID', field: 'constraints.colour', expected: /folders/ },
  });
  test.match((await rig.tool('airlock_narrow_lease', { lease: 'other', calls: 1 })).structured, { error: { code: 'NOT_FOUND' } });
  await granted(rig, ['gmail:read']);
  test.match((await rig.tool('airlock_narrow_lease', { calls: 1 })).structured, {
    error: { code: 'PARAMS_INVALID', field: 'lease' },
  });
  const id = parseLease(rig.gateway.lease(['gmail:read'])).payload.id;
  test.not(id, '', 'negative control: a lease has an id');
  await rig.tool('airlock_count_unread');
  test.same(parseLease(leasesOf(rig)[0]?.lease ?? '').caveats, [], 'what was refused narrowed nothing');
});

t.test('a narrowed lease can be narrowed again, and only further', async (test) => {
  const rig = await open(test);
  await granted(rig, ['gmail:read']);
  await rig.tool('airlock_narrow_lease', { scopes: ['gmail:read:count_unread'] });
  test.ok((await rig.tool('airlock_narrow_lease', { scopes: ['gmail:read'] })).isError);
  await rig.tool('airlock_narrow_lease', { calls: 2 });
  await rig.tool('airlock_count_unread');
  const lease = leasesOf(rig)[0]?.lease ?? '';
  test.same(
    parseLease(lease).caveats.map(([kind]) => kind),
    ['scopes', 'budget'],
  );
  test.throws(() => narrow(lease, {}, 0), 'negative control: no limit is no narrowing');
});
