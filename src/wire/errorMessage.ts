/** What an error answer says, wherever servers put it: `detail`, `message` or `error`; text as it is, cut at 500. */
export function errorMessage(body: Uint8Array): string {
  const text = new TextDecoder().decode(body).trim();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const message = messageOf(json) ?? text;
  return message.length > 500 ? `${message.slice(0, 499)}…` : message;
}

/** The message in a JSON value: a string, a list of validation issues (`{loc, msg}`), or an object around one. */
export function messageOf(json: unknown): string | undefined {
  if (typeof json === 'string') return json;
  if (Array.isArray(json)) {
    const issues = json.map(issueOf).filter((issue) => issue !== undefined);
    return issues.length === 0 ? undefined : issues.join('; ');
  }
  if (!isRecord(json)) return undefined;
  return messageOf(json.detail) ?? messageOf(json.message) ?? messageOf(json.error) ?? issueOf(json);
}

function issueOf(issue: unknown): string | undefined {
  if (!isRecord(issue) || typeof issue.msg !== 'string') return undefined;
  const place = Array.isArray(issue.loc) ? `${issue.loc.join('.')}: ` : '';
  return place + issue.msg;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
