/** UPSTREAM-14: which files of a command are code, whoever runs them. */
import t from 'tap';
import { codeFiles, type Looks } from '../src/upstream/code-files.js';

const HEADS: Readonly<Record<string, string>> = {
  '/opt/s.py': '',
  '/opt/s.sh': '#!/bin/sh',
  '/opt/tool': '#!/home/eve/venv/bin/python3 -u',
  '/opt/env': '#!/usr/bin/env -S python3 -u',
  '/opt/lib.rb': '',
  '/opt/app.jar': '',
  '/opt/hook.js': '',
  '/opt/srv.js': '',
  '/srv/data.db': '',
  '/opt/venv/bin/mine': '',
};
const looks: Looks = {
  real: (path) => (path === '/opt/venv/bin/mine' ? '/usr/bin/python3.11' : path),
  exists: (path) => Object.hasOwn(HEADS, path),
  head: (path) => HEADS[path] ?? '',
};
const filesOf = (command: string): readonly string[] => codeFiles(command.split(' '), looks).files;

t.test('a script of any interpreter is code, what comes after it is not (UPSTREAM-14)', async (t) => {
  const cases: readonly (readonly [string, readonly string[]])[] = [
    ['/usr/bin/python3 /opt/s.py /srv/data.db', ['/usr/bin/python3', '/opt/s.py']],
    ['/usr/bin/python3.11 -u -W ignore /opt/s.py --db /srv/data.db', ['/usr/bin/python3.11', '/opt/s.py']],
    ['/opt/venv/bin/mine /opt/s.py', ['/opt/venv/bin/mine', '/opt/s.py']],
    ['/bin/bash --rcfile /opt/s.sh /opt/s.sh', ['/bin/bash', '/opt/s.sh', '/bin/sh']],
    ['/bin/sh -c x /srv/data.db', ['/bin/sh']],
    ['/usr/bin/python3 -m module /srv/data.db', ['/usr/bin/python3']],
    ['/usr/bin/env A=b python3 /opt/s.py /srv/data.db', ['/usr/bin/env', '/opt/s.py']],
    ['/usr/bin/timeout 5 /usr/bin/python3 /opt/s.py /srv/data.db', ['/usr/bin/timeout', '/usr/bin/python3', '/opt/s.py']],
    ['/usr/bin/node --require /opt/hook.js /opt/srv.js /srv/data.db', ['/usr/bin/node', '/opt/hook.js', '/opt/srv.js']],
    ['/usr/bin/node --import=/opt/hook.js /opt/srv.js', ['/usr/bin/node', '/opt/hook.js', '/opt/srv.js']],
    ['/usr/bin/ruby -r/opt/lib.rb /opt/s.py', ['/usr/bin/ruby', '/opt/lib.rb', '/opt/s.py']],
    [
      '/usr/bin/java -cp /opt/app.jar:/opt/lib.rb Main /srv/data.db',
      ['/usr/bin/java', '/opt/app.jar', '/opt/lib.rb', '/srv/data.db'],
    ],
    ['/usr/bin/java -jar /opt/app.jar /srv/data.db', ['/usr/bin/java', '/opt/app.jar']],
    ['/opt/tool /srv/data.db', ['/opt/tool', '/home/eve/venv/bin/python3']],
    ['/opt/env', ['/opt/env', '/usr/bin/env']],
    ['/usr/bin/some-server /srv/data.db', ['/usr/bin/some-server']],
  ];
  for (const [command, files] of cases) t.same(filesOf(command), files, command);
});

t.test('a script that is named by where the server is started is none (UPSTREAM-14)', async (t) => {
  for (const [command, relative] of [
    ['/usr/bin/python3 s.py', 's.py'],
    ['/bin/sh ./run', './run'],
    ['/usr/bin/python3 -u ../x', '../x'],
  ] as const)
    t.equal(codeFiles(command.split(' '), looks).relative, relative, command);
  for (const command of ['/usr/bin/python3 /opt/s.py x.py', '/usr/bin/some-server x.py', '/bin/sh -c ./run'])
    t.equal(codeFiles(command.split(' '), looks).relative, null, command);
});
