/** This package's version, as sent to the server. */
export const SDK_VERSION = '0.1.0';
