/** Whether an id is a path rather than a name on the hub. */
export function isPath(id: string): boolean {
  return /^([./\\]|[A-Za-z]:[\\/])/.test(id) || id.endsWith('.json');
}

/** Whether a text is a name on the hub or a revision there, and safe as a part of a path. */
export function isHubName(name: unknown): boolean {
  return (
    typeof name === 'string' &&
    /^[\w.-]+(\/[\w.-]+)*$/.test(name) &&
    !name.split('/').some((part) => /^\.+$/.test(part))
  );
}
