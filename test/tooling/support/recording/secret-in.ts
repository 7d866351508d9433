import { hasRun } from './has-run.ts'

/** What of a secret a text may hold. */
export type Kind =
  | 'a signed token'
  | 'the beginning of a signed token'
  | 'an encrypted token'
  | 'a private key in PEM'
  | 'a private key'
  | 'a private JWK'

/** No secret, nor the part of one that counts, is shorter. */
export const SHORTEST = 40

/** The secret that shows by its form alone, if the text holds one. Of a token, header and claims are enough. */
export function secretIn(text: string): Kind | undefined {
  if (!hasRun(text, LEAST_RUN)) return undefined
  if (PEM.test(text)) return 'a private key in PEM'
  if (DER_IN_BASE64.test(text)) return 'a private key'
  if (PRIVATE_MEMBER.test(text)) return 'a private JWK'
  return HEADER_BEGINS.test(text) ? tokenIn(text) : undefined
}

// A label alone is no secret: hints name it. Line breaks may be written out, and more than once.
const PEM = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s|\\+[nr])*(?:[A-Za-z-]+: [^\n\\]*(?:\s|\\+[nr])+)*[\w+/]{40}/

// How PKCS #8 begins for Ed25519, EC and RSA keys, SEC 1 for EC keys and PKCS #1 for RSA keys.
const DER_IN_BASE64 =
  /(?:MC4CAQAwBQYDK2V|MI[A-Za-z\d]{2}AgEAMBAGByqGSM49|MI[A-Za-z\d]{2}AgEAMBMGByqGSM49|BgkqhkiG9w0BAQEFAASC|M[A-Za-z\d]{2,3}AgEBBC|MII[A-Za-z\d]{2}[A-Za-z\d]IBAAK)[\w+/-]{40}/

// RFC 7518 section 6, as JSON, as JSON in JSON, and as Node prints objects.
const PRIVATE_MEMBER = /(?<![\w$])\\*["']?(?:d|p|q|dp|dq|qi|k)\\*["']?\s*:\s*\\*["'][\w-]{22,}\\*["']/

const DOTTED = /(?<![\w.-])[\w-]+(?:\.[\w-]*)+/g
// `{"`, `{ ` and `{` with a line break, which is how every header begins; text may stick to it in front.
const HEADER_BEGINS = /e(?:yJ|yA|wo|w0)/
const HEADER = /(?:eyJ|eyA|ewo|ew0)[\w-]{8,}$/
const CLAIMS = /^(?:eyJ|eyA|ewo|ew0)[\w-]{12,}$/
const LEAST_SIGNATURE = 43
// Claims of a token, or a member of a private JWK.
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
