/** Returns whether a fake redirects there: an https URL, or http on loopback, without user, fragment or odd bytes. */
export function isAcceptedRedirectUri(uri: string): boolean {
  if (!/^[\x21-\x7e]+$/.test(uri) || uri.includes('#') || !/^https?:\/\//.test(uri) || !URL.canParse(uri)) {
    return false;
  }
  const { protocol, hostname, username, password } = new URL(uri);
  if (username !== '' || password !== '') {
    return false;
  }
  return protocol === 'https:' || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
