// Types of an optional package: where it is not installed, this is `any` instead of an error in the user's compiler.
// eslint-disable-next-line @typescript-eslint/ban-ts-comment -- the module is optional, so only its type may be named
/** @ts-ignore The module `@tensorflow/tfjs`. */
export type Tfjs = typeof import('@tensorflow/tfjs');
