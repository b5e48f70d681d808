/**
 * Tells whether a form came from a page of ours, as far as the browser tells. Browsers that send neither header are old;
 * there the cookie alone has to do.
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
