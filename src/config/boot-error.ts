/** Returns what the operator has to read when the process cannot start: the message and those of its causes, no stack. */
export function describeBootError(error: unknown): string {
  const messages: string[] = [];
  for (let each = error; each instanceof Error && messages.length < 4; each = each.cause) {
    messages.push(each.message);
  }
  return messages.join(' Cause: ') || 'The reason is unknown.';
}
