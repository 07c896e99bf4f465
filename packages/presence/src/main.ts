/** airlock-presence: tells airlock-totp whether operators are there. `airlock-presence sleep`: freezes once, before the machine sleeps. */
import { readFileSync } from 'node:fs';
import { operatorsByUid } from './accounts.js';
import { run } from './start.js';

run((operators) => operatorsByUid(readFileSync('/etc/group', 'utf8'), readFileSync('/etc/passwd', 'utf8'), operators));
