/** Presence: what tests and doubles need of the program. */
export { formatMessage, lengthOf, parseMessage, CALL, ERROR, RETURN, SIGNAL, type Message } from './bus/message.js';
export { type Value } from './bus/reader.js';
