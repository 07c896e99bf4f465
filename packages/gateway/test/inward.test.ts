/** Which upstream MCP servers send nothing out. */
import type { OperationManifest } from '@airlock/protocol';
import t from 'tap';
import { findService, type House } from '../src/house.js';

const read: OperationManifest = {
  ...{ name: 'mcp_resource_read', class: 'read', outward: true, untrusted: true, summary: 'Reads' },
  ...{ params: {}, result: {} },
};
const ORIGIN = { scheme: 'https', host: 'api.example', port: 443 };

const isOutward = (destination: object, settings: object, operations = new Map([[read.name, read]])): boolean | undefined => {
  const entry = { service: 'x', kind: 'k', destination, settings };
  const house = {
    stores: new Map([['op', { get: () => entry }]]),
    listed: new Map(),
    catalogue: { find: () => ({ manifest: { title: 'K' }, operations }) },
  };
  return findService(house as unknown as House, 'op', 'x')?.operations.get(read.name)?.outward;
};

t.test('what cannot pass anything on, or by the word of the operator does not, is not outward (UPSTREAM-15)', async (t) => {
  t.equal(isOutward({ kind: 'mcp', program: '{}', origins: [], user: '' }, {}), false, 'a program without a network');
  t.equal(isOutward({ kind: 'mcp', program: '{}', origins: [ORIGIN], user: '' }, {}), true, 'with one');
  t.equal(isOutward({ kind: 'mcp-url', origins: [ORIGIN], user: '' }, { openWorld: 'yes' }), true);
  t.equal(isOutward({ kind: 'mcp-url', origins: [ORIGIN], user: '' }, {}), true, 'nothing said is yes');
  t.equal(isOutward({ kind: 'mcp-url', origins: [ORIGIN], user: '' }, { openWorld: 'no' }), false);
  t.equal(isOutward({ kind: 'maildir', path: '/m', user: '' }, {}), true, 'another kind is as it says');
  const shared = new Map([[read.name, read]]);
  t.equal(isOutward({ kind: 'mcp', program: '{}', origins: [], user: '' }, {}, shared), false);
  t.equal(isOutward({ kind: 'mcp', program: '{}', origins: [], user: '' }, {}, shared), false, 'asked once more');
  t.equal(
    isOutward({ kind: 'mcp', program: '{}', origins: [ORIGIN], user: '' }, {}, shared),
    true,
    'one service changes no other of its kind',
  );
});
