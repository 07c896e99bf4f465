/** The HTTP connector: services that are manifests only (docs/spec/http.md). */
import type { Connector } from '@airlock/protocol';
import { openHttpSession } from './session.js';

/** Loaded by the cell. `test` carries out what the manifest declares as its probe. */
export const connector: Connector = {
  // eslint-disable-next-line @typescript-eslint/require-await -- what it throws must reject
  open: async (context) => openHttpSession(context),
  test: async (context) => {
    const session = openHttpSession(context);
    try {
      await session.probe();
    } finally {
      await session.close();
    }
  },
};
