/** What the cell makes of the constraints of the grant and those the gateway adds. */
import { AirlockError, type OperationManifest, type ReleaseLimits } from '@airlock/protocol';
import t from 'tap';
import { checkConstraints, checkRisk, joinConstraints } from '../src/grant.js';

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

const operation = (more: object): OperationManifest => ({ name: 'get', class: 'read', ...more }) as unknown as OperationManifest;
const codeOf = (work: () => void): string | null => {
  try {
    work();
    return null;
  } catch (thrown) {
    return thrown instanceof AirlockError ? thrown.code : 'another';
  }
};

t.test('maxRisk is the cell\u2019s own: no operation has to declare it, and what scores above it is withheld', async (t) => {
  const get = operation({ constraints: ['folders'] });
  t.equal(
    codeOf(() => checkConstraints(get, { folders: ['a'], maxRisk: 300 })),
    null,
  );
  t.equal(
    codeOf(() => checkConstraints(get, { senders: ['a'], maxRisk: 300 })),
    'CONSTRAINT',
    'negative control: any other has to be declared',
  );
  const { constraints } = { constraints: joinConstraints({ ...limits, constraints: { maxRisk: 200 } }, { maxRisk: 900 }) };
  t.equal(
    codeOf(() => checkRisk(get, constraints, 0.2)),
    null,
  );
  t.equal(
    codeOf(() => checkRisk(get, constraints, 0.201)),
    'RISK_TOO_HIGH',
    'a gateway that asks for more gets what was granted',
  );
  t.equal(
    codeOf(() => checkRisk(get, { maxRisk: 'high' }, 0)),
    'RISK_TOO_HIGH',
    'a limit that is none allows nothing',
  );
  t.equal(
    codeOf(() => checkRisk(operation({ class: 'write' }), constraints, 1)),
    null,
    'what was written is told',
  );
});
