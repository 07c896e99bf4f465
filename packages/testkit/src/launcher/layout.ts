/** The directories of a development instance (docs/design/runtime.md). */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the checkout, seen from dist/src/launcher. */
export const checkout = resolve(dirname(fileURLToPath(import.meta.url)), '../../../../..');

export interface Layout {
  readonly run: string;
  readonly state: string;
  readonly config: string;
  /** XDG_RUNTIME_DIR of commands run against this instance, so that leases of instances do not mix. */
  readonly user: string;
  readonly lib: string;
}

export const makeLayout = (dir: string): Layout => {
  const base = resolve(dir);
  const layout = {
    run: join(base, 'run'),
    state: join(base, 'state'),
    config: join(base, 'config'),
    user: join(base, 'user'),
    lib: join(checkout, 'dist/lib'),
  };
  for (const path of [layout.run, join(layout.state, 'totp'), join(layout.state, 'gateway'), layout.config, layout.user]) {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  }
  return layout;
};

/** What commands need in their environment to find this instance. */
export const commandEnvironment = (layout: Layout, connectors: string): Record<string, string> => ({
  AIRLOCK_RUNTIME_DIR: layout.run,
  AIRLOCK_STATE_DIR: layout.state,
  AIRLOCK_CONFIG_DIR: layout.config,
  AIRLOCK_CONNECTORS: connectors,
  XDG_RUNTIME_DIR: layout.user,
});
