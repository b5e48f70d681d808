/**
 * Escapes one piece of a path. URL parsers remove `.` and `..`, however they are written: with a user of this name,
 * the request would go to another call.
 *
 * @throws TypeError for such a piece, and for an empty one
 */
export function pathPiece(piece: string): string {
  if (/^\.{0,2}$/.test(piece)) {
    throw new TypeError(`"${piece}" cannot be a piece of a path.`);
  }
  return encodeURIComponent(piece);
}

/** Fills in the parameters of a path such as `/v1/users/{user_id}`. */
export function fillPath(template: string, parameters: Readonly<Record<string, unknown>>): string {
  return template.replaceAll(/\{([a-z_]+)\}/g, (_, name: string) => pathPiece(String(parameters[name])));
}
