export const visiblePath = (_context: unknown, path: string): string => path;
