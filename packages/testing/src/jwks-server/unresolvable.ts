/**
 * A URL whose host name never resolves, because `.invalid` is reserved (RFC 6761 section 6.4).
 *
 * @param path @defaultValue '/jwks.json'
 */
export function unresolvable(path: string = '/jwks.json'): string {
  return new URL(path, 'https://claimgate.invalid').href
}
