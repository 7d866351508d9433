import {
  AuthError,
  checkHeader,
  decodePart,
  FIXED_LIMIT,
  type JoseHeader,
  type Limits,
  parseJsonObject,
  tooLong,
} from '../../extend.ts'
import { type ContentEncryption, contentEncryptionTraits } from './content-encryption.ts'
import { decryptionFailed } from './decryption-failed.ts'
import { checkEphemeralKey } from './ephemeral-key.ts'
import { isKeyAgreement, type KeyManagementAlgorithm } from './key-management.ts'

/** What an encrypted token may be. */
export interface JweRules {
  readonly limits: Limits
  readonly algorithms: ReadonlySet<KeyManagementAlgorithm>
  readonly encryptions: ReadonlySet<ContentEncryption>
}

/** The protected header of a compact JWE (RFC 7516 section 4), with `alg` and `enc` among those allowed. */
export interface JweHeader extends JoseHeader {
  readonly alg: KeyManagementAlgorithm
  readonly enc: ContentEncryption
}

/** A compact JWE, well formed, with nothing in it trusted and nothing decrypted yet. */
export interface ParsedJwe {
  readonly token: string
  readonly header: JweHeader
}

/**
 * Takes a compact JWE apart (RFC 7516 section 7.1) without any key and without I/O. The length is capped before anything is looked at;
 * `alg` and `enc` are compared as exact strings before anything else in the header counts.
 *
 * @throws AuthError with status 401 and a `token_`, `json_`, `header_`, `kid_` or `algorithm_` code
 */
export function parseJwe(token: string, rules: JweRules): ParsedJwe {
  const [protectedPart, encryptedKey, iv, ciphertext, tag] = partsOf(token, rules.limits)
  const fields = parseJsonObject(decodePart(protectedPart, 'header'), 'a header', rules.limits)
  checkHeader(fields, rules.limits)
  const header = checkAlgorithms(fields, rules)
  // Compressed claims tell their length, and unpack to any size (RFC 8725 section 3.6).
  if (Object.hasOwn(header, 'zip')) throw new AuthError('header_critical', { expected: 'no "zip"', actual: 'zip' })
  checkAgreement(header)

  const { ivBytes, tagBytes } = contentEncryptionTraits[header.enc]
  const hasKey = decodePart(encryptedKey, 'encrypted key').length > 0
  const fits =
    decodePart(iv, 'initialization vector').length === ivBytes &&
    decodePart(tag, 'authentication tag').length === tagBytes &&
    hasKey === (header.alg !== 'ECDH-ES')
  decodePart(ciphertext, 'ciphertext')
  if (!fits) throw decryptionFailed()
  return { token, header }
}

type Parts = readonly [header: string, encryptedKey: string, iv: string, ciphertext: string, tag: string]

function partsOf(token: string, limits: Limits): Parts {
  if (typeof token !== 'string') throw new AuthError('token_malformed', { expected: 'a string', actual: typeof token })
  if (token.length > limits.tokenLength) throw tooLong('tokenLength', token.length, limits)
  const dots = firstDots(token)
  const [first = 0, second, third, fourth] = dots
  if (dots.length !== 4)
    throw new AuthError('token_malformed', {
      expected: 'five parts separated by dots',
      actual: NUMBERS[dots.length],
      ...(dots.length === 2 && { hint: 'This is a signed token that is not encrypted' }),
    })
  if (first > limits.headerLength) throw tooLong('headerLength', first, limits)
  return [
    token.slice(0, first),
    token.slice(first + 1, second),
    token.slice((second ?? 0) + 1, third),
    token.slice((third ?? 0) + 1, fourth),
    token.slice((fourth ?? 0) + 1),
  ]
}

const NUMBERS = ['one part', 'two parts', 'three parts', 'four parts', 'five parts', 'more than five parts']

/** Where the first dots of a text are, five at most: a text of dots alone costs no more than any other. */
export function firstDots(text: string): readonly number[] {
  const dots: number[] = []
  for (let dot = text.indexOf('.'); dot >= 0 && dots.length < 5; dot = text.indexOf('.', dot + 1)) dots.push(dot)
  return dots
}

function checkAlgorithms(header: JoseHeader, { algorithms, encryptions }: JweRules): JweHeader {
  const { alg, enc } = header as { readonly alg: string; readonly enc?: unknown }
  if (!(algorithms as ReadonlySet<string>).has(alg))
    throw new AuthError('algorithm_not_allowed', { expected: algorithms, actual: alg })
  if (typeof enc !== 'string')
    throw new AuthError('header_malformed', { expected: 'enc: a string', actual: typeof enc })
  if (!(encryptions as ReadonlySet<string>).has(enc))
    throw new AuthError('algorithm_not_allowed', { expected: encryptions, actual: enc })
  return header as JweHeader
}

// RFC 7518 section 4.6.1: what belongs to key agreement is there with it, and nowhere else.
function checkAgreement(header: JweHeader): void {
  if (isKeyAgreement(header.alg)) {
    checkParty(header, 'apu')
    checkParty(header, 'apv')
    return checkEphemeralKey(header)
  }
  const stray = ['epk', 'apu', 'apv'].find((name) => Object.hasOwn(header, name))
  if (stray === undefined) return
  throw new AuthError('header_malformed', { expected: `no "${stray}" with ${header.alg}`, actual: stray })
}

const LONGEST_PARTY = 256

function checkParty(header: JweHeader, name: 'apu' | 'apv'): void {
  if (!Object.hasOwn(header, name)) return
  const party = header[name]
  if (typeof party !== 'string')
    throw new AuthError('header_malformed', { expected: `${name}: base64url`, actual: typeof party })
  if (party.length > LONGEST_PARTY)
    throw new AuthError('header_malformed', {
      expected: `${name}: at most ${LONGEST_PARTY} characters`,
      actual: party.length,
      hint: FIXED_LIMIT,
    })
  decodePart(party, name)
}
