/** What the cell makes of the constraints of the grant and those the gateway adds. */
import type { ReleaseLimits } from '@airlock/protocol';
import t from 'tap';
import { joinConstraints } from '../src/grant.js';

const limits: ReleaseLimits = {
  service: 'mail',
  lease: 'l',
  trial: false,
  scopes: [],
  constraints: { folders: ['a', 'b'], maxResults: 5 },
  deadlineWallMs: 1,
  deadlineBootMs: 1,
} as unknown as ReleaseLimits;

t.test('LEASE-7 the cell holds a call to what both allow, whatever the gateway says', async (t) => {
  t.same(joinConstraints(limits, { folders: ['b', 'c'], maxResults: 9 }), { folders: ['b'], maxResults: 5 });
  t.same(joinConstraints(limits, { folders: ['c'], maxResults: 1 }), { folders: [], maxResults: 1 });
  t.same(joinConstraints(limits), limits.constraints, 'a gateway that adds nothing takes nothing away');
});
