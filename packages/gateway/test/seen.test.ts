/** The gateway holds calls to the constraints it sees, without the cell. */
import { AirlockError } from '@airlock/protocol';
import t from 'tap';
import { checkCount, checkSeen } from '../src/call/seen.js';

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
