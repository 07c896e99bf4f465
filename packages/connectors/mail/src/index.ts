/** Read-only mail: IMAP behind a wire guard, and maildir. */
export {};
