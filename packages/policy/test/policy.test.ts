import { parseScope, type Scope } from '@airlock/protocol';
import t from 'tap';
import {
  compileRules,
  decideCall,
  decideRequest,
  isClassAllowed,
  type CallQuestion,
  type OperationFacts,
  type Permissions,
  type Services,
} from '../src/index.js';

const operation = (name: string, scopeClass: OperationFacts['class']): OperationFacts => ({
  name,
  class: scopeClass,
  outward: scopeClass === 'write',
  untrusted: true,
});
const search = operation('search', 'read');
const send = operation('send', 'write');
const chat = operation('chat', 'use');
const services: Services = new Map([['mail', new Map([search, send, chat].map((one) => [one.name, one]))]]);
const READ = { default: 'read', allow: [] } as const;
const WRITE = { default: 'read', allow: ['write'] } as const;
const scopes = (...texts: string[]): Scope[] => texts.map(parseScope);

/** A call under no policy at all. */
const rest = (permissions: Permissions): Omit<CallQuestion, 'service' | 'operation' | 'scopes'> => ({
  rules: compileRules({ permissions, policies: [], attachments: {} }),
  ...{ role: 'default', client: 'test', params: {}, nowMs: 0, rateCount: () => 0, tainted: false },
});

t.test('a request for what could be approved is not refused', async (t) => {
  t.equal(decideRequest(scopes('mail', 'mail:read:search'), services, READ), null);
});

t.test('a request is refused for what no approval could allow, and says what could be asked', async (t) => {
  const unknown = decideRequest(scopes('gmail'), services, READ);
  t.equal(unknown?.code, 'SERVICE_UNKNOWN');
  t.match(unknown?.data, { field: 'params.scopes', expected: 'mail', found: 'gmail' });
  t.equal(decideRequest(scopes('mail', 'mail:write'), services, READ)?.code, 'READ_ONLY');
  t.equal(decideRequest(scopes('mail:use:chat'), services, READ)?.code, 'READ_ONLY');
  const wrong = decideRequest(scopes('mail:read:send'), services, READ);
  t.equal(wrong?.code, 'OPERATION_UNKNOWN');
  t.equal(wrong?.data.expected, 'search');
  t.match(decideRequest(scopes('mail'), new Map(), READ)?.data.hint, /airlock-ctl service add/);
  t.match(decideRequest(scopes('x:read:y'), new Map([['x', new Map()]]), READ)?.data.expected, 'none');
});

t.test('POLICY-1: what no scope names is denied', async (t) => {
  const ask = (lists: Scope[][]) => decideCall({ service: 'mail', operation: search, scopes: lists, ...rest(READ) });
  t.match(ask([scopes('mail:read')]), { decision: 'allow', rule: 'lease-scope' });
  t.match(ask([scopes('other:read', 'mail:read:search')]), { decision: 'allow', rule: 'lease-scope' });
  t.match(ask([]), { decision: 'deny', rule: 'no-scope' });
  t.match(ask([[]]), { decision: 'deny', rule: 'no-scope' });
  t.match(ask([scopes('mail:read:list')]), { decision: 'deny', rule: 'no-scope' });
  t.match(
    ask([scopes('mail:read'), scopes('mail:read:list')]),
    { decision: 'deny', rule: 'no-scope' },
    'a narrowing list counts',
  );
});

t.test('POLICY-2: a read scope does not allow a write', async (t) => {
  const ask = (texts: string[], permissions: Permissions) =>
    decideCall({ service: 'mail', operation: send, scopes: [scopes(...texts)], ...rest(permissions) });
  t.equal(ask(['mail:read'], WRITE).rule, 'no-scope');
  t.equal(ask(['mail:write'], WRITE).decision, 'approval', 'negative control: a code of its own');
});

t.test('POLICY-3: the configuration is a ceiling over every lease', async (t) => {
  const decision = decideCall({ service: 'mail', operation: send, scopes: [scopes('mail:write')], ...rest(READ) });
  t.match(decision, { decision: 'deny', rule: 'configuration-read-only' });
  t.equal(isClassAllowed(READ, 'use'), false);
  t.equal(isClassAllowed(WRITE, 'read'), true);
});
