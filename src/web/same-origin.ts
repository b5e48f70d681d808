/**
 * Tells whether a form came from one of our pages, by the headers of the browser. Old browsers send neither header. For
 * them only the cookie protects.
 *
 * @param headers - of the request
 * @param publicUrl - the URL under which browsers reach this service
 */
export function isSameOrigin(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  publicUrl: string,
): boolean {
  const { 'sec-fetch-site': site, origin } = headers;
  return (
    (site === undefined || site === 'same-origin') && (origin === undefined || origin === new URL(publicUrl).origin)
  );
}
