import {
  AuthError,
  type AuthErrorDetails,
  bytesOf,
  checkHeader,
  decodePart,
  FIXED_LIMIT,
  isObject,
  type JoseHeader,
  type KeyFlaw,
  type Limits,
  lintJwk,
  numberOf,
  parseJsonObject,
  publicMaterial,
  tooLong,
} from '../adapter.ts'
import {
  type ContentEncryption,
  contentEncryptionTraits,
  isKeyAgreement,
  type KeyManagementAlgorithm,
} from './algorithms.ts'

/**
 * The one error for a token that cannot be decrypted. Failures of a key, key agreement, unwrapping or authentication tag are not
 * distinguished, not even by `cause`: that would be an oracle for readers of responses or logs (RFC 7516 section 11.5). Only facts from
 * the plain-text header, such as an unknown `kid`, may add details.
 */
export function decryptionFailed(details: AuthErrorDetails = { hint: ANY_REASON }): AuthError {
  return new AuthError('token_decryption_failed', details)
}

const ANY_REASON = 'It was changed, encrypted to another key, or encrypted in another way than its header says'

/** A supported curve for key agreement (RFC 7518 section 6.2.1.1, RFC 8037 section 2). */
export type Curve = 'P-256' | 'P-384' | 'P-521' | 'X25519'

/**
 * Checks the sender's ephemeral public key, `epk` (RFC 7518 section 4.6.1.1): only a public key, and a point on its curve. With points off
 * the curve, a sender could learn the private key bit by bit.
 *
 * @throws AuthError `header_malformed`, `token_decryption_failed`
 */
function checkEphemeralKey(header: Readonly<Record<string, unknown>>): void {
  const { epk } = header
  if (!isObject(epk) || Array.isArray(epk))
    throw new AuthError('header_malformed', { expected: 'epk: a public key', actual: typeof epk })
  const flaw = flawOf(epk as Readonly<Record<string, unknown>>)
  if (flaw === 'private_parts' || flaw === 'symmetric')
    throw new AuthError('header_malformed', { expected: 'epk: a public key', actual: 'a private key' })
  if (flaw === 'invalid_point') throw decryptionFailed()
  if (flaw !== undefined)
    throw new AuthError('header_malformed', { expected: 'epk: a public key on P-256, P-384, P-521 or X25519' })
}

function flawOf(epk: Readonly<Record<string, unknown>>): KeyFlaw | undefined {
  if (Object.values(epk).includes(null)) return 'malformed'
  const flaw = lintJwk({ ...epk, kid: undefined, use: undefined, key_ops: undefined, alg: undefined })
  if (flaw === 'private_parts' || flaw === 'symmetric') return flaw
  if (epk['kty'] === 'OKP' && epk['crv'] === 'X25519') return flawOfX25519(epk['x'])
  if (epk['kty'] !== 'EC') return 'unsupported_type'
  // Unlike a published key, a key in a token must be encoded exactly (RFC 7518 section 6.2.1.2).
  const { x, y } = publicMaterial(epk)
  return x === epk['x'] && y === epk['y'] ? flaw : 'malformed'
}

const P = 2n ** 255n - 19n
// Every u of order 1, 2, 4 and 8 (RFC 7748 section 6.1). With these, the shared secret is zero for every private key.
const SMALL_ORDER: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0xb8495f16_056286fd_b1329ceb_8d09da6a_c49ff1fa_e35616ae_b8413b7c_7aebe0n,
  0x57119fd0_dd4e22d8_868e1c58_c45c4404_5bef839c_55b1d0b1_248c50a3_bc959c5fn,
])

/** What is wrong with an X25519 public key (RFC 7748 section 5, RFC 8037 section 2). */
export function flawOfX25519(x: unknown): KeyFlaw | undefined {
  const bytes = bytesOf(x, 32)
  if (bytes?.length !== 32) return 'malformed'
  // Little-endian, and the top bit is not part of the number.
  const u = numberOf(bytes.toReversed()) % 2n ** 255n
  return SMALL_ORDER.has(u % P) ? 'invalid_point' : undefined
}

/** Which encrypted tokens are accepted. */
interface JweRules {
  readonly limits: Limits
  readonly algorithms: ReadonlySet<KeyManagementAlgorithm>
  readonly encryptions: ReadonlySet<ContentEncryption>
}

/** The protected header of a compact JWE (RFC 7516 section 4), with `alg` and `enc` among those allowed. */
export interface JweHeader extends JoseHeader {
  readonly alg: KeyManagementAlgorithm
  readonly enc: ContentEncryption
}

/** A parsed compact JWE. Nothing in it is trusted or decrypted yet. */
export interface ParsedJwe {
  readonly token: string
  readonly header: JweHeader
}

/**
 * Parses a compact JWE (RFC 7516 section 7.1) without any key and without I/O. The length is checked first. `alg` and `enc` are compared as
 * exact strings before the rest of the header is used.
 *
 * @throws AuthError with status 401 and a `token_`, `json_`, `header_`, `kid_` or `algorithm_` code
 */
export function parseJwe(token: string, rules: JweRules): ParsedJwe {
  const { limits } = rules
  if (typeof token !== 'string') throw new AuthError('token_malformed', { expected: 'a string', actual: typeof token })
  if (token.length > limits.tokenLength) throw tooLong('tokenLength', token.length, limits)
  const dots = firstDots(token)
  if (dots.length !== 4)
    throw new AuthError('token_malformed', {
      expected: 'five parts separated by dots',
      actual: NUMBERS[dots.length],
      ...(dots.length === 2 && { hint: 'This is a signed token that is not encrypted' }),
    })
  const [headerLength = 0] = dots
  if (headerLength > limits.headerLength) throw tooLong('headerLength', headerLength, limits)
  const parts = [-1, ...dots].map((dot, index) => token.slice(dot + 1, dots.at(index)))
  const [protectedPart = '', encryptedKey = '', iv = '', ciphertext = '', tag = ''] = parts
  const fields = parseJsonObject(decodePart(protectedPart, 'header'), 'a header', limits)
  checkHeader(fields, limits)
  const header = checkAlgorithms(fields, rules)
  // The length of compressed claims leaks their content, and they may expand to any size (RFC 8725 section 3.6).
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

const NUMBERS = ['one part', 'two parts', 'three parts', 'four parts', 'five parts', 'more than five parts']

/** The positions of the first five dots at most, so a text of only dots costs no more than any other. */
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

// RFC 7518 section 4.6.1: key agreement parameters are required with key agreement, and forbidden without it.
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
