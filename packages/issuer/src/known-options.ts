// What other libraries call the same thing.
const OTHER_NAMES: Readonly<Record<string, string>> = {
  alg: 'algorithm',
  aud: 'audience',
  exp: 'ttl',
  expirationtime: 'ttl',
  expiresin: 'ttl',
  iss: 'issuer',
  lifetime: 'ttl',
  type: 'typ',
}

/**
 * Refuses options that do not exist, so that a slip of the pen does not leave a default in force.
 *
 * @throws TypeError that suggests the name, or else lists the names there are.
 */
export const assertKnownOptions = (action: string, options: unknown, known: readonly string[]): void => {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`Cannot ${action}: options must be an object`)
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown === undefined) return
  throw new TypeError(`Cannot ${action}: there is no option "${unknown.slice(0, 80)}"${suggestion(unknown, known)}`)
}

const suggestion = (name: string, known: readonly string[]): string => {
  const other = OTHER_NAMES[plain(name)]
  const close = known.find((candidate) => candidate === other || plain(candidate) === plain(name))
  return close === undefined ? `; the options are ${known.join(', ')}` : `; did you mean "${close}"?`
}

const plain = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^a-z]/g, '')
    .replace(/s$/, '')
