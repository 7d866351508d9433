/** The secrets that are recognised by their form. */
export type Kind =
  | 'a signed token'
  | 'the beginning of a signed token'
  | 'an encrypted token'
  | 'a private key in PEM'
  | 'a private key'
  | 'a private JWK'

/** Characters of the shortest secret, and of the shortest part of one, that is reported. */
export const SHORTEST = 40

/** The kind of secret that a text holds, judged by its form alone. A token counts even without its signature. */
export function secretIn(text: string): Kind | undefined {
  if (!hasRun(text, LEAST_RUN)) return undefined
  if (PEM.test(text)) return 'a private key in PEM'
  if (DER_IN_BASE64.test(text)) return 'a private key'
  if (PRIVATE_MEMBER.test(text)) return 'a private JWK'
  return HEADER_BEGINS.test(text) ? tokenIn(text) : undefined
}

/** Whether so many characters of base64 or base64url follow each other. A loop, because a pattern is slower and every text is checked. */
export function hasRun(text: string, length: number): boolean {
  let run = 0
  for (let at = 0; at < text.length; at += 1) {
    run = IN_BASE64[text.charCodeAt(at)] === 1 ? run + 1 : 0
    if (run === length) return true
  }
  return false
}

const IN_BASE64 = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/')
  IN_BASE64[character.charCodeAt(0)] = 1

// A label alone is no secret: hints name it. Line breaks may be escaped, more than once.
const PEM = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s|\\+[nr])*(?:[A-Za-z-]+: [^\n\\]*(?:\s|\\+[nr])+)*[\w+/]{40}/

// How PKCS #8 begins for Ed25519, EC and RSA keys, SEC 1 for EC keys and PKCS #1 for RSA keys.
const DER_IN_BASE64 =
  /(?:MC4CAQAwBQYDK2V|MI[A-Za-z\d]{2}AgEAMBAGByqGSM49|MI[A-Za-z\d]{2}AgEAMBMGByqGSM49|BgkqhkiG9w0BAQEFAASC|M[A-Za-z\d]{2,3}AgEBBC|MII[A-Za-z\d]{2}[A-Za-z\d]IBAAK)[\w+/-]{40}/

// RFC 7518 section 6, as JSON, as JSON in JSON, and as Node prints objects.
const PRIVATE_MEMBER = /(?<![\w$])\\*["']?(?:d|p|q|dp|dq|qi|k)\\*["']?\s*:\s*\\*["'][\w-]{22,}\\*["']/

const DOTTED = /(?<![\w.-])[\w-]+(?:\.[\w-]*)+/g
// `{"`, `{ ` and `{` with a line break, which is how every header begins, in base64url; other characters may precede it.
const HEADER_BEGINS = /e(?:yJ|yA|wo|w0)/
const HEADER = /(?:eyJ|eyA|ewo|ew0)[\w-]{8,}$/
const CLAIMS = /^(?:eyJ|eyA|ewo|ew0)[\w-]{12,}$/
const LEAST_SIGNATURE = 43
// The claims of a token, or a member of a private JWK, are at least this long.
const LEAST_RUN = 15
const LEAST_IV = 16
const LEAST_TAG = 22

function tokenIn(text: string): Kind | undefined {
  for (const [dotted] of text.matchAll(DOTTED)) {
    const parts = dotted.split('.')
    const lengthOf = (index: number): number => parts[index]?.length ?? 0
    for (const [index, part] of parts.entries()) {
      if (lengthOf(index + 1) + lengthOf(index + 2) < LEAST_IV || !HEADER.test(part)) continue
      if (lengthOf(index + 2) >= LEAST_SIGNATURE) return 'a signed token'
      if (CLAIMS.test(parts[index + 1] ?? '')) return 'the beginning of a signed token'
      if (lengthOf(index + 2) < LEAST_IV || lengthOf(index + 3) === 0) continue
      if (lengthOf(index + 4) >= LEAST_TAG) return 'an encrypted token'
    }
  }
  return undefined
}
