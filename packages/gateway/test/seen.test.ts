/** The gateway holds calls to the constraints it sees, without the cell. */
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { checkCount, checkSeen, checkSenders } from '../src/call/seen.js';

const isRefused = (work: () => void): boolean => {
  try {
    work();
    return false;
  } catch (thrown) {
    return thrown instanceof AirlockError && thrown.code === 'CONSTRAINT';
  }
};

t.test('SEEN-1 a folder outside the lease is not asked for', async (t) => {
  const lease = { folders: ['Sent'] };
  t.ok(isRefused(() => checkSeen(lease, { folder: 'INBOX' })));
  t.ok(isRefused(() => checkSeen(lease, { folder: 'sent' })));
  t.notOk(isRefused(() => checkSeen(lease, { folder: 'Sent' })));
  t.notOk(
    isRefused(() => checkSeen({}, { folder: 'INBOX' })),
    'negative control',
  );
});

t.test('SEEN-2 an answer with too many items does not leave', async (t) => {
  t.ok(isRefused(() => checkCount({ maxResults: 2 }, 3)));
  t.notOk(isRefused(() => checkCount({ maxResults: 2 }, 2)));
  t.notOk(
    isRefused(() => checkCount({}, 1000)),
    'negative control',
  );
});

t.test('SEEN-4 an answer with a message of another sender does not leave', async (t) => {
  const message = (address: string | null) => ({
    id: 'x',
    from: address === null ? null : { name: 'Ada', address },
    subject: 's',
  });
  const lease = { senders: ['ada@example.org'], domains: ['example.org'] };
  const answer = (...addresses: (string | null)[]) => ({ folder: 'INBOX', messages: addresses.map(message), total: 1 });
  t.notOk(isRefused(() => checkSenders(lease, answer('Ada@Example.org', 'ada@example.org'))));
  t.notOk(
    isRefused(() => checkSenders({}, answer('eve@evil.test'))),
    'negative control: a lease of all senders',
  );
  t.ok(isRefused(() => checkSenders(lease, answer('ada@example.org', 'eve@evil.test'))));
  t.ok(
    isRefused(() => checkSenders(lease, answer(null))),
    'a message of nobody',
  );
  t.ok(isRefused(() => checkSenders({ domains: ['example.org'] }, answer('eve@sub.example.org'))));
  t.ok(isRefused(() => checkSenders(lease, { ...message('eve@evil.test'), body: 'a single one' })));
  t.notOk(
    isRefused(() => checkSenders(lease, { events: [{ id: 'e', from: '2025-01-01' }] })),
    'a day is no sender',
  );
});
