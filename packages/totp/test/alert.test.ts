// What stands of a log that is not the one that was signed: for whom, how long, and how often it is recorded. BRIDGE-6
import { AirlockError } from '@airlock/protocol';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { AuditAlert } from '../src/heads/alert.js';
import { StateDirectory } from '../src/state/directory.js';

const AT = 1_790_000_000_000;
const BOTH = ['ada', 'bob'];

const directory = (t: { teardown(run: () => void): void }): StateDirectory => {
  const path = mkdtempSync(join(tmpdir(), 'airlock-alert-'));
  chmodSync(path, 0o700);
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return new StateDirectory({ path });
};

t.test('BRIDGE-6: an unlock by one operator ends the alert for that one alone, across restarts', async (t) => {
  const at = directory(t);
  const alert = new AuditAlert(at);
  t.equal(alert.viewOf('ada'), null, 'negative control: none stands');
  t.ok(alert.raise('another history', AT));
  alert.clearFor('bob', BOTH);
  for (const one of [alert, new AuditAlert(at)]) {
    t.match(one.viewOf('ada'), { message: 'another history' });
    t.equal(one.viewOf('bob'), null);
    t.match(one.view, { message: 'another history' }, 'for whoever begins the log anew');
  }
  t.notOk(alert.raise('another history', AT + 1), 'not recorded anew');
  t.match(new AuditAlert(at).viewOf('bob'), { message: 'another history' }, 'told to all again');
  alert.clearFor('bob', BOTH);
  alert.clearFor('ada', BOTH);
  t.equal(new AuditAlert(at).view, null, 'each has unlocked');
});

t.test('BRIDGE-6: whatever a gateway claims, at most one record a minute, and a bounded number in all', async (t) => {
  const at = directory(t);
  let alert = new AuditAlert(at);
  const claims = (count: number, everyMs: number, from: number): number => {
    let recorded = 0;
    for (let n = 0; n < count; n += 1)
      if (alert.raise(`it has ${n} records, ${1000 + n} were signed`, from + n * everyMs)) recorded += 1;
    return recorded;
  };
  t.equal(claims(500, 10, AT), 1, 'other figures are the same claim');
  t.match(alert.view, { message: 'it has 0 records, 1000 were signed' }, 'the first one stands');
  t.equal(claims(50, 60_000, AT + 60_000), 50, 'negative control: once a minute it is recorded');
  alert = new AuditAlert(at);
  t.equal(claims(1000, 60_000, AT + 100 * 60_000), 49, 'over a restart: 100 in all');
  alert.clearFor('ada', ['ada']);
  t.ok(alert.raise('another history', AT), 'after an unlock at once');
});

t.test('a damaged alert is said, never taken for none', async (t) => {
  const at = directory(t);
  for (const text of [
    '{"atMs":1}',
    '{"atMs":1,"problem":"x","records":"1"}',
    '{"atMs":1,"problem":"x","cleared":[1]}',
    '[',
    '{"atMs":1,"problem":2}',
  ]) {
    writeFileSync(join(at.path, 'audit-alert'), text, { mode: 0o600 });
    const thrown = ((): unknown => {
      try {
        return new AuditAlert(at);
      } catch (error) {
        return error;
      }
    })();
    t.ok(thrown instanceof AirlockError && thrown.code === 'VAULT_UNREADABLE', text);
  }
  writeFileSync(join(at.path, 'audit-alert'), '{"atMs":1,"problem":"x"}', { mode: 0o600 });
  t.match(new AuditAlert(at).viewOf('ada'), { message: 'x' }, 'negative control: one of the release before');
});
