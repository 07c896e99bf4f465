/** The end of a command whose stdout can no longer be written. */

/** A reader that goes away (`| head`) ends the command quietly; a disk that takes nothing of what was to be written there does not. */
export const endWithOutput = (): void => {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'EPIPE') process.exit(0);
    process.stderr.write(`airlock: error: what was to be printed is lost: stdout cannot be written (${code ?? 'unknown'})\n`);
    process.exit(1);
  });
};
