import * as base64url from 'jose/base64url'
import { bare, own } from '../model/own.ts'

/**
 * The JWK in the DER of a SubjectPublicKeyInfo (RFC 5280 section 4.1), or of a certificate, whose dates and signature are not checked;
 * `undefined` for anything else. Copies what is there: whether the key is fit for use is for `lintJwk` to say.
 */
export function jwkOfDer(label: PublicLabel, der: Uint8Array): Readonly<Record<string, string>> | undefined {
  const parts = elements(elements(der)[0]?.content ?? der)
  const jwk = jwkOfSpki(label === 'PUBLIC KEY' ? parts : spkiOfCertificate(parts))
  return jwk && bare(jwk)
}

/** What PEM calls the two. */
export type PublicLabel = 'PUBLIC KEY' | 'CERTIFICATE'

/** Bytes that the first element of some DER takes up by its own account, or `undefined` where it is no sequence. */
export function derLength(der: Uint8Array): number | undefined {
  const header = headerAt(der, 0)
  return header?.tag === SEQUENCE ? header.end : undefined
}

const SEQUENCE = 0x30
const VERSION = 0xa0

interface Header {
  readonly tag: number
  readonly start: number
  readonly end: number
}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

function headerAt(der: Uint8Array, at: number): Header | undefined {
  const tag = der[at]
  const first = der[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const more = first < 0x80 ? 0 : first - 0x80
  if (first === 0x80 || more > 3) return undefined
  let length = more === 0 ? first : 0
  for (const byte of der.subarray(at + 2, at + 2 + more)) length = length * 256 + byte
  const start = at + 2 + more
  return { tag, start, end: start + length }
}

// None where one of them is longer than what it is in.
function elements(der: Uint8Array): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; at < der.length;) {
    const header = headerAt(der, at)
    if (header === undefined || header.end > der.length) return []
    found.push({ tag: header.tag, content: der.subarray(header.start, header.end) })
    at = header.end
  }
  return found
}

// After the version come serial number, signature algorithm, issuer, validity, subject and the key.
function spkiOfCertificate([signed]: readonly Element[]): readonly Element[] {
  if (signed?.tag !== SEQUENCE) return []
  const fields = elements(signed.content)
  const spki = fields[fields[0]?.tag === VERSION ? 6 : 5]
  return spki === undefined ? [] : elements(spki.content)
}

// RFC 8017 appendix C, RFC 5480 section 2.1.1, RFC 8410 section 3, RFC 9881.
const RSA = '2a864886f70d010101'
const EC = '2a8648ce3d0201'
const NAMES: Readonly<Record<string, readonly [kty: string, name: string]>> = {
  '2a8648ce3d030107': [EC, 'P-256'],
  '2b81040022': [EC, 'P-384'],
  '2b81040023': [EC, 'P-521'],
  '2b8104000a': [EC, 'secp256k1'],
  '2b656e': ['OKP', 'X25519'],
  '2b6570': ['OKP', 'Ed25519'],
  '2b6571': ['OKP', 'Ed448'],
  '608648016503040311': ['AKP', 'ML-DSA-44'],
  '608648016503040312': ['AKP', 'ML-DSA-65'],
  '608648016503040313': ['AKP', 'ML-DSA-87'],
}

function jwkOfSpki([algorithm, bits]: readonly Element[]): Readonly<Record<string, string>> | undefined {
  if (algorithm?.tag !== SEQUENCE || bits?.tag !== 0x03 || bits.content[0] !== 0) return undefined
  const [type = '', parameters = ''] = elements(algorithm.content).map(({ content }) => hex(content))
  const key = bits.content.subarray(1)
  if (type === RSA) return rsaJwk(key)
  const [kty, name = ''] = own(NAMES, type === EC ? parameters : type) ?? []
  if (kty === EC && type === EC) return ecJwk(name, key)
  if (kty === 'OKP') return { kty, crv: name, x: base64url.encode(key) }
  return kty === 'AKP' ? { kty, alg: name, pub: base64url.encode(key) } : undefined
}

function rsaJwk(key: Uint8Array): Readonly<Record<string, string>> | undefined {
  const [n, e] = elements(elements(key)[0]?.content ?? key)
  if (n === undefined || e === undefined) return undefined
  return { kty: 'RSA', n: base64url.encode(unsigned(n.content)), e: base64url.encode(unsigned(e.content)) }
}

// DER puts a zero before a number whose first bit is set; a JWK has none (RFC 7518 section 2).
function unsigned(integer: Uint8Array): Uint8Array {
  return integer[0] === 0 ? integer.subarray(1) : integer
}

function ecJwk(crv: string, point: Uint8Array): Readonly<Record<string, string>> {
  const half = (point.length + 1) / 2
  const [x, y] = point[0] === 4 ? [point.subarray(1, half), point.subarray(half)] : [point, point.subarray(0, 0)]
  return { kty: 'EC', crv, x: base64url.encode(x), y: base64url.encode(y) }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
