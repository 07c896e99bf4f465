/** The payload of REFUSED: an error as one blob of JSON (docs/spec/release.md). */
import { asAirlockError, packBlobs, toWireError } from '@airlock/protocol';

export const refusedFrame = (thrown: unknown): Buffer =>
  packBlobs(Buffer.alloc(0), Buffer.from(JSON.stringify(toWireError(asAirlockError(thrown)))));
