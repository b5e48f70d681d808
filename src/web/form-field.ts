/** Returns a field of a form; an empty text when the form has none of this name. */
export function fieldOf(form: unknown, name: string): string {
  return typeof form === 'string' ? (new URLSearchParams(form).get(name) ?? '') : '';
}
