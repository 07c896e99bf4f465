/** What a cell demands before it opens a credential. */
import t, { type Test } from 'tap';
import { DESTINATION, TestCell, refusal, type CellSetup } from './cell-process.js';
import { newDek } from '@airlock/vault';
import { LIMITS_OF_LEASE } from './cell-process.js';
import type { CellOpenParams } from '@airlock/protocol';

const start = async (test: Test, setup?: CellSetup): Promise<TestCell> => {
  const cell = await TestCell.start(setup);
  test.teardown(() => cell.stop());
  return cell;
};

/** Opens, expects a refusal, and that the process ends by itself after it was answered. */
const refusedOpen = async (test: Test, setup: CellSetup, changes: Partial<CellOpenParams> = {}) => {
  const cell = await start(test, setup);
  const connection = await cell.connect();
  const error = await refusal(connection.call('open', { ...cell.openParams, ...changes }));
  const { code, signal } = await cell.exited;
  test.same({ code, signal }, { code: 0, signal: null }, 'the cell exits after a failed open');
  return { error, cell };
};

t.test('a kind nobody knew is served from a folder: adding one touches neither daemon', async (test) => {
  const cell = await start(test);
  const connection = await cell.opened();
  const answer = await connection.call('execute', { operation: 'seen', params: {}, constraints: { folder: 'a' } });
  test.same(answer, {
    result: {
      destination: DESTINATION,
      settings: { host: 'light.example.org', port: 8443 },
      constraints: { folder: 'a' },
      opened: 1,
    },
    count: 1,
    masked: 0,
    truncated: false,
    risk: 0,
  });
  test.same(cell.totp.tickets, [cell.openParams.ticket]);
});

t.test('CELL-8 another destination than the sealed one is refused before a ticket is spent', async (test) => {
  const elsewhere = { ...DESTINATION, origins: [{ scheme: 'https', host: 'evil.example', port: 8443 }] };
  const settings = { host: 'evil.example' };
  const { error, cell } = await refusedOpen(test, {}, { destination: elsewhere, settings });
  test.equal(error.code, 'VAULT_UNREADABLE');
  test.same(cell.totp.tickets, [], 'no ticket was presented');
});

t.test('CELL-8 settings that give another destination than the one named are refused', async (test) => {
  const { error, cell } = await refusedOpen(test, {}, { settings: { host: 'light.example.org', port: 9 } });
  test.equal(error.code, 'VAULT_UNREADABLE');
  test.same(cell.totp.tickets, []);
});

t.test('an unknown setting is named', async (test) => {
  const { error } = await refusedOpen(test, {}, { settings: { host: 'light.example.org', proxy: 'evil' } });
  test.match(error, { code: 'PARAMS_INVALID', data: { field: 'params.settings.proxy' } });
});

t.test('a wrong key opens nothing', async (test) => {
  const { error } = await refusedOpen(test, { reply: { dek: newDek(), limits: LIMITS_OF_LEASE } });
  test.equal(error.code, 'VAULT_UNREADABLE');
});

t.test('CELL-9 a record of another service is refused before the release', async (test) => {
  const { error, cell } = await refusedOpen(test, { header: { service: 'harbour' } });
  test.equal(error.code, 'VAULT_UNREADABLE');
  test.same(cell.totp.tickets, []);
});

t.test('CELL-9 a record of another operator does not open under this grant', async (test) => {
  const { error } = await refusedOpen(test, { header: { owner: 'somebody' } });
  test.equal(error.code, 'VAULT_UNREADABLE');
});

t.test('CELL-9 a grant for another service or lease is refused', async (test) => {
  test.equal((await refusedOpen(test, { limits: { service: 'harbour' } })).error.code, 'LEASE_SCOPE');
  test.equal((await refusedOpen(test, { limits: { lease: 'lease-0002' } })).error.code, 'LEASE_INVALID');
});

t.test('what airlock-totp answers to a ticket is passed on', async (test) => {
  test.equal((await refusedOpen(test, { reply: { refuse: 'LEASE_REVOKED' } })).error.code, 'LEASE_REVOKED');
});

t.test('airlock-totp that hangs up or answers nonsense opens nothing', async (test) => {
  test.equal((await refusedOpen(test, { reply: 'hang up' })).error.code, 'UNAVAILABLE');
  test.equal((await refusedOpen(test, { reply: { raw: Buffer.from([7, 0, 0, 0, 1, 0]) } })).error.code, 'INTERNAL');
  const endless = { ...LIMITS_OF_LEASE, deadlineWallMs: null } as unknown as typeof LIMITS_OF_LEASE;
  test.equal((await refusedOpen(test, { reply: { dek: newDek(), limits: endless } })).error.code, 'INTERNAL');
});

t.test('a kind that is not installed, a module that is none', async (test) => {
  const { error } = await refusedOpen(test, {}, { kind: 'nothing' });
  test.match(error, { code: 'CONFIG_INVALID', message: /no connector of kind nothing/ });
  test.equal((await refusedOpen(test, { module: 'throw new Error("SECRET")' })).error.message.includes('SECRET'), false);
  test.equal((await refusedOpen(test, { module: 'exports.other = 1' })).error.code, 'CONFIG_INVALID');
});

t.test('open works once; execute not before it', async (test) => {
  const cell = await start(test);
  const connection = await cell.connect();
  test.equal((await refusal(connection.call('execute', { operation: 'echo', params: {} }))).code, 'UNAVAILABLE');
  await connection.call('open', cell.openParams);
  test.equal((await refusal(connection.call('open', cell.openParams))).code, 'UNAVAILABLE');
  test.equal(cell.totp.tickets.length, 1);
  await connection.call('execute', { operation: 'echo', params: {} });
});
