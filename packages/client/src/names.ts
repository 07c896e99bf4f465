/** Names as the library spells them: operations in camelCase, on the wire in snake_case. */
import { SERVICE_PATTERN } from '@airlock/protocol';

const service = new RegExp(SERVICE_PATTERN);

/** @returns whether the text can name a service. */
export const isServiceName = (text: string): boolean => service.test(text);

/** `listMessages` and `list-messages` as `list_messages`. */
export const operationName = (text: string): string =>
  text.replaceAll('-', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
