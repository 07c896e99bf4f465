// npm run fuzz | model | test:crash | soak: one proof under fire, one JSON line. `--full` takes the size of docs/reliability.md.
import { existsSync } from 'node:fs';

const names = ['fuzz', 'queue', 'crash', 'soak'];
const [name, ...args] = process.argv.slice(2);
const file = new URL(`dist/${name}/main.js`, import.meta.url);
if (!names.includes(name) || !existsSync(file)) {
  process.stderr.write(
    `airlock: error: ${names.includes(name) ? 'not built' : 'unknown proof'}\nairlock: hint: npm run build; then npm run fuzz | model | test:crash | soak\n`,
  );
  process.exit(2);
}
const { prove } = await import(new URL('dist/fire/command.js', import.meta.url).href);
const { main } = await import(file.href);
process.exit(await prove(main, args));
