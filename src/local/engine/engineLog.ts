/** Takes what an engine has to tell beside its results. */
export type EngineLog = (level: 'info' | 'warn', message: string) => void;
