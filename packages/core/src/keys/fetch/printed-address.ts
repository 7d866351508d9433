/** An address for messages and events: without credentials and fragment, and without the values of its query, which may be secrets. */
export function printedAddress({ protocol, host, pathname, search }: URL): string {
  const names = search
    .slice(1)
    .split('&')
    .map((parameter) => (parameter.includes('=') ? `${parameter.slice(0, parameter.indexOf('='))}=…` : '…'))
  return `${protocol}//${host}${pathname}${search === '' ? '' : `?${names.join('&')}`}`
}
