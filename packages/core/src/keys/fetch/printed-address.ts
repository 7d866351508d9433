/** The address of keys as messages may show it, where it may be anything: a text that is no URL is cut at its query. */
export function printedUri(uri: unknown): unknown {
  if (typeof uri !== 'string') return uri
  return URL.canParse(uri) ? printedAddress(new URL(uri)) : uri.replace(/[?#].*$/s, '?…').replace(/^[^/]*@/, '…@')
}

/** An address for messages and events: without credentials and fragment, and without the values of its query, which may be secrets. */
export function printedAddress({ protocol, host, pathname, search }: URL): string {
  const names = search
    .slice(1)
    .split('&')
    .map((parameter) => (parameter.includes('=') ? `${parameter.slice(0, parameter.indexOf('='))}=…` : '…'))
  // A URL of no known scheme has what looks like credentials in its path: `user:password@host`.
  const path = pathname.replace(/^[^/]*@/, '…@')
  return `${protocol}//${host}${path}${search === '' ? '' : `?${names.join('&')}`}`
}
