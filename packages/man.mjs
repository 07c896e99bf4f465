// Writes the manual pages that docs/man holds, from the command tables, the configuration's keys and the daemons' facts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { PROGRAM as AGENT_PROGRAM } from './cli/dist/src/index.js';
import { manualPages } from './ctl/dist/src/index.js';
import { commandPage } from './protocol/dist/src/command/index.js';

const out = fileURLToPath(new URL('../docs/man', import.meta.url));
mkdirSync(out, { recursive: true });
const pages = { 'airlock.1': commandPage(AGENT_PROGRAM), ...manualPages() };
for (const [name, text] of Object.entries(pages)) writeFileSync(join(out, name), text);
