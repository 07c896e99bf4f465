import { createDecipheriv, hkdfSync } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import {
  asDek,
  asKek,
  asTotpSecret,
  asVaultRoot,
  asWrappingKey,
  type KekSource,
  newDek,
  newVaultId,
  newVaultRoot,
  openBlob,
  sealBlob,
  wipe,
} from '../src/index.js';
import { codeOf, counting, kekOf, SOURCE } from './sample.js';

t.test('VAULT-1 node:crypto derives the same KEK from S and R', async (t) => {
  const ikm = Buffer.concat([SOURCE.totpSecret, SOURCE.root]);
  const oracle = hkdfSync('sha256', ikm, SOURCE.vaultId, 'airlock/v1/kek/default/gmail/1', 32);
  t.same(Buffer.from(kekOf()), Buffer.from(oracle));
  t.same(Buffer.from(SOURCE.totpSecret), Buffer.alloc(20, 0x51), 'the inputs are the caller’s and stay as they were');
});

t.test('VAULT-2 every part of its name gives another KEK', async (t) => {
  const changes: Partial<KekSource>[] = [
    {},
    { vaultId: 'other' },
    { owner: 'eve' },
    { service: 'calendar' },
    { epoch: 2 },
    { owner: 'default-gmail', service: '1' },
    { totpSecret: asTotpSecret(Buffer.alloc(20, 1)) },
    { root: asVaultRoot(Buffer.alloc(32, 1)) },
    { totpSecret: asTotpSecret(Buffer.alloc(21, 0x51)) },
  ];
  const keks = new Set(changes.map((change) => Buffer.from(kekOf(change)).toString('hex')));
  t.equal(keks.size, changes.length);
});

t.test('a malformed name or secret derives nothing', async (t) => {
  const bad: Partial<Record<keyof KekSource, unknown>>[] = [
    { vaultId: '' },
    { owner: 'a/b' },
    { owner: '' },
    { service: 'a/1' },
    { epoch: -1 },
    { epoch: 1.5 },
    { totpSecret: Buffer.alloc(15) },
    { totpSecret: Buffer.alloc(65) },
    { root: Buffer.alloc(31) },
  ];
  for (const change of bad)
    t.equal(
      codeOf(() => kekOf(change as Partial<KekSource>)),
      'VAULT_UNREADABLE',
      JSON.stringify(Object.keys(change)),
    );
});

t.test('each secret has its length', async (t) => {
  for (const as of [asDek, asKek, asVaultRoot, asWrappingKey]) {
    t.equal(as(Buffer.alloc(32)).length, 32);
    for (const length of [0, 31, 33])
      t.equal(
        codeOf(() => as(Buffer.alloc(length))),
        'VAULT_UNREADABLE',
      );
  }
  t.equal(newDek().length, 32);
  t.equal(newVaultRoot().length, 32);
  t.equal(newVaultId(counting), 'AAECAwQFBgcICQoLDA0ODw');
});

t.test('VAULT-8 wipe leaves zeros', async (t) => {
  const [one, two] = [Buffer.alloc(4, 1), Buffer.alloc(2, 2)];
  wipe(one, two);
  t.same([...one, ...two], [0, 0, 0, 0, 0, 0]);
});

const W = asWrappingKey(Buffer.alloc(32, 0x57));

t.test('VAULT-10 a blob opens for its purpose only', async (t) => {
  const sealed = sealBlob({ key: W, purpose: 'totp/state', plaintext: Buffer.from('state') });
  t.same(Buffer.from(openBlob({ key: W, purpose: 'totp/state', sealed })), Buffer.from('state'));
  const other = asWrappingKey(Buffer.alloc(32, 1));
  for (const action of [
    () => openBlob({ key: W, purpose: 'totp/other', sealed }),
    () => openBlob({ key: other, purpose: 'totp/state', sealed }),
    () => openBlob({ key: W, purpose: 'totp/state', sealed: sealed.subarray(0, -1) }),
    () => openBlob({ key: W, purpose: 'totp/state', sealed: Buffer.alloc(27) }),
    () => openBlob({ key: W, purpose: '', sealed }),
    () => sealBlob({ key: W, purpose: 'Ä', plaintext: Buffer.alloc(1) }),
    () => sealBlob({ key: W, purpose: 'a', plaintext: Buffer.alloc(1), random: () => Buffer.alloc(11) }),
  ])
    t.equal(codeOf(action), 'VAULT_UNREADABLE', action.toString());
});

t.test('node:crypto opens what noble sealed', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.stringMatching(/^[a-z]{1,20}$/), (plaintext, purpose) => {
      const sealed = sealBlob({ key: W, purpose, plaintext });
      const decipher = createDecipheriv('aes-256-gcm', W, sealed.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(purpose));
      decipher.setAuthTag(sealed.subarray(-16));
      const opened = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
      if (!opened.equals(plaintext)) throw new Error('the two differ');
    }),
    { numRuns: 100, seed: 22 },
  );
  t.pass();
});
