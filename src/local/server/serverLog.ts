/** Takes one line of the server's log. */
export type ServerLog = (level: 'info' | 'warn' | 'error', message: string) => void;
