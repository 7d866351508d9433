/**
 * A PEM text as it was before it was put into a file or an environment variable: bytes are read as text, quotes around it are taken off, line
 * breaks that are written out (`\n`) are line breaks again, and the base64 of a whole PEM is taken back. Any other text stays as it is;
 * `undefined` is neither text nor bytes.
 */
export const pemText = (given: unknown): string | undefined => {
  const text = ArrayBuffer.isView(given) ? new TextDecoder().decode(given) : given
  if (typeof text !== 'string') return undefined
  const plain = unquoted(text)
  return plain.includes(BEGIN) ? plain : unquoted(fromBase64(plain))
}

/** What is in the place of a PEM, for messages: it never quotes the text. */
export const foundInstead = (text: string): string =>
  SHAPES.find(([shape]) => shape.test(text.trim()))?.[1] ?? 'something else'

const BEGIN = '-----BEGIN '

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'an empty text'],
  [/^-----BEGIN [A-Z ]+-----$/, 'only its first line: put quotes around all of its lines, or give its base64'],
  [/-----BEGIN PRIVATE KEY-----(?![^]*-----END )/, 'one that is cut off: it has no "-----END"'],
  [/-----BEGIN PRIVATE KEY-----/, 'a damaged one'],
  [/^https?:/i, 'a URL'],
  [/^[{]/, 'JSON: for a JWK there is localSigner'],
  [/^(?:ssh|ecdsa|sk)-/, 'a public key of SSH'],
  [
    /^(?:file:|[.~]{0,2}[\\/]|[a-z]:[\\/])|^[^\n]{1,200}\.(?:pem|der|key)$/i,
    'the path of a file: give what the file holds',
  ],
  [
    /^M[CDFGHI][A-Za-z0-9+/\s]{40,}=*$/,
    'DER in base64: put it between "-----BEGIN PRIVATE KEY-----" and "-----END PRIVATE KEY-----"',
  ],
]

const unquoted = (text: string): string =>
  text
    .trim()
    .replace(/^(["'`])([^]*)\1$/, '$2')
    .replaceAll(/\\+r/g, '')
    .replaceAll(/\\+n/g, '\n')

// A text of other base64, such as that of DER, stays as it is.
const fromBase64 = (text: string): string => {
  const base64 = text.replaceAll(/\s/g, '')
  try {
    const inside = /^[A-Za-z0-9+/]+=*$/.test(base64) ? atob(base64) : text
    return inside.includes(BEGIN) ? inside : text
  } catch {
    return text
  }
}
