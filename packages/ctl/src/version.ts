/** Version of the command, and of the daemons installed with it; held to package.json by a test. */
export const VERSION = '0.1.0';
