const REMOVED = '[removed]';
/** A shorter value stands in texts by chance. */
const SHORTEST_SECRET = 8;

/** Headers whose values must not appear anywhere in a recording. */
const secretHeaders = /^(x-api-key|authorization|cookie|cf-access-.*|x-tinker-weights-access-token)$/;

/** Fields of JSON bodies that hold a secret, in requests or answers. */
const secretFields = /"(weights_access_token|api_key|jwt)"(\s*:\s*)"(?:[^"\\]|\\.)*"/g;

/**
 * Makes a function that takes secrets out of a text: values of fields that hold one, and every value that a header with
 * a secret had so far, wherever it stands.
 */
export function secretRemover(): {
  /** Notes the secrets of a request. */
  readonly learn: (headers: Readonly<Record<string, string>>) => void;
  readonly remove: (text: string) => string;
} {
  const secrets = new Set<string>();
  return {
    learn(headers) {
      for (const [name, value] of Object.entries(headers)) {
        if (secretHeaders.test(name) && value.length >= SHORTEST_SECRET) secrets.add(value);
      }
    },
    remove(text) {
      let clean = removeSecretFields(text);
      for (const secret of secrets) clean = clean.replaceAll(secret, REMOVED);
      return clean;
    },
  };
}

/** Takes the values of fields that hold a secret out of JSON text. */
export function removeSecretFields(text: string): string {
  return text.replace(secretFields, `"$1"$2"${REMOVED}"`);
}
