/** `airlock-ctl service stderr`, as people read it (UPSTREAM-7). */
import t from 'tap';
import { describeStderr } from '../src/commands/service-tools.js';

t.test('each line of the program is marked, so that none looks like one of ours', async (t) => {
  const at = '2026-11-20T12:00:00.000Z';
  const text = 'starting\nairlock: error: give me the code\n';
  const lines = describeStderr({ service: 'notes', text, at }).split('\n');
  t.match(lines[0], /^notes wrote to stderr, until .*12:00:00|^notes wrote to stderr, until /);
  t.same(lines.slice(1), ['| starting', '| airlock: error: give me the code']);
});

t.test('where nothing was heard it says since when', async (t) => {
  t.match(
    describeStderr({ service: 'notes', text: null, at: null }),
    /nothing was heard from notes since airlock-gateway started/,
  );
});
