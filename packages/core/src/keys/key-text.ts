import * as base64url from 'jose/base64url'
import { hex } from '../bytes/hex.ts'
import { bare, bytesIn, own } from '../model/values.ts'
import { isRecord, kindOf } from '../options/option-rules.ts'

/** The value of a key option: one PEM block, a JWK, bare DER, or anything else. */
export type KeyText =
  | { readonly kind: 'pem'; readonly label: string; readonly der: Uint8Array; readonly pem: string }
  | { readonly kind: 'jwk'; readonly jwk: Readonly<Record<string, unknown>> }
  | { readonly kind: 'der'; readonly der: Uint8Array; readonly found: 'DER' | 'DER in base64' }
  /** Never quotes the value. */
  | { readonly kind: 'other'; readonly found: string; readonly label?: string }

/**
 * Reads the value of a key option: PEM as text or bytes, the base64 of a PEM, or a JWK. Accepts quotes and literal `\n`, as in environment
 * files, and remarks that tools put before a PEM. Reads the first of several blocks, and rejects them all if one is private.
 */
export function readKeyText(value: unknown): KeyText {
  if (typeof value === 'string') return readText(value)
  if (ArrayBuffer.isView(value)) return readBytes(bytesIn(value))
  if (isRecord(value)) return readJwk(value)
  return other(kindOf(value))
}

const BEGIN = '-----BEGIN'

function readBytes(bytes: Uint8Array): KeyText {
  if (derLength(bytes) === bytes.length) return { kind: 'der', der: bytes, found: 'DER' }
  return readText(new TextDecoder().decode(bytes))
}

function readText(text: string): KeyText {
  const plain = unquoted(text)
  const direct = readPemOrJson(plain)
  if (direct) return direct
  const bytes = bytesOf(plain)
  if (bytes && derLength(bytes) === bytes.length) return { kind: 'der', der: bytes, found: 'DER in base64' }
  const inside = bytes && readPemOrJson(unquoted(new TextDecoder().decode(bytes)))
  if (inside) return inside
  const shape = SHAPES.find(([pattern]) => pattern.test(plain))
  return other(shape?.[1] ?? `${plain.length} characters of something else`)
}

function readPemOrJson(text: string): KeyText | undefined {
  if (text.includes(BEGIN)) return readPem(text)
  if (!text.startsWith('{')) return undefined
  try {
    return readJwk(JSON.parse(text) as Readonly<Record<string, unknown>>)
  } catch {
    // The message of JSON.parse quotes the text.
    return other('JSON that is damaged or cut off')
  }
}

// Environment files may keep quotes and literal \n.
function unquoted(text: string): string {
  return text
    .trim()
    .replace(/^(["'`])([^]*)\1$/, '$2')
    .replaceAll(/\\+r/g, '')
    .replaceAll(/\\+n/g, '\n')
    .trim()
}

function bytesOf(text: string): Uint8Array | undefined {
  const base64 = text.replaceAll(/\s/g, '').replaceAll('-', '+').replaceAll('_', '/')
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

function readPem(text: string): KeyText {
  const labels = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]{1,40})-----/g)].map(([, label = '']) => label)
  const label = labels.find((name) => name.includes('PRIVATE KEY')) ?? labels[0]
  if (label === undefined) return other('a PEM whose first line is damaged')
  const rest = text.slice(text.indexOf(`${BEGIN} ${label}-----`) + label.length + 16)
  const body = rest.split('-----END', 1)[0] ?? ''
  if (body.trim() === '')
    return other(
      'only the first line of a PEM: put quotes around all its lines, write the line breaks as \\n, or give its base64',
      label,
    )
  if (!rest.includes('-----END')) return other(`a PEM that is cut off: it has no "-----END ${label}-----"`, label)
  const der = bytesOf(body)
  // The headers of an encrypted key are not base64.
  if (der === undefined && !body.includes(':')) return other('a PEM with characters that are not base64', label)
  if (der !== undefined && derLength(der) !== der.length) return other('a PEM that is damaged or cut off', label)
  const pem = `${BEGIN} ${label}-----\n${body.trim()}\n-----END ${label}-----`
  return { kind: 'pem', label, der: der ?? new Uint8Array(), pem }
}

function readJwk(jwk: Readonly<Record<string, unknown>>): KeyText {
  if (Object.hasOwn(jwk, 'kty')) return { kind: 'jwk', jwk }
  return other(Object.hasOwn(jwk, 'keys') ? 'a JWK Set' : 'an object without "kty"')
}

const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/^$/, 'an empty text'],
  [/^https?:/i, 'a URL'],
  [/^(?:ssh|ecdsa|sk)-|^---- BEGIN SSH2/, 'an SSH key'],
  [
    /^(?:file:|[.~]{0,2}[\\/]|[a-z]:[\\/])|^[^\n]{1,200}\.(?:pem|crt|cer|der|key|pub|json)$/i,
    'the path of a file: give what the file holds',
  ],
]

function other(found: string, label?: string): KeyText {
  return { kind: 'other', found, ...(label !== undefined && { label }) }
}

/**
 * Reads the JWK from the DER of a SubjectPublicKeyInfo (RFC 5280 section 4.1) or of a certificate, whose dates and signature are not
 * checked. `undefined` for anything else. Does not check whether the key is fit for use: `lintJwk` does.
 */
export function jwkOfDer(label: PublicLabel, der: Uint8Array): Readonly<Record<string, string>> | undefined {
  const parts = elements(elements(der)[0]?.content ?? der)
  const jwk = jwkOfSpki(
    label === 'PUBLIC KEY' ? parts : elements(fieldsOfCertificate(parts)[5]?.content ?? new Uint8Array()),
  )
  return jwk && bare(jwk)
}

/** When a certificate is valid (RFC 5280 section 4.1.2.5), in milliseconds since the epoch; `undefined` if it does not say. */
export function validityOf(der: Uint8Array): { readonly from: number; readonly until: number } | undefined {
  const fields = fieldsOfCertificate(elements(elements(der)[0]?.content ?? der))
  const [from, until] = elements(fields[3]?.content ?? new Uint8Array()).map(timeOf)
  return from === undefined || until === undefined ? undefined : { from, until }
}

const UTC_TIME = 0x17

function timeOf({ tag, content }: Element): number | undefined {
  const text = new TextDecoder().decode(content)
  // Two digits of a year mean 1950 to 2049.
  const full = tag === UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const time = Date.parse(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  return Number.isNaN(time) ? undefined : time
}

/** The two PEM labels of public keys. */
export type PublicLabel = 'PUBLIC KEY' | 'CERTIFICATE'

/** The byte length that the first DER element declares, or `undefined` if it is not a sequence. */
function derLength(der: Uint8Array): number | undefined {
  const [tag, , end] = headerAt(der, 0) ?? []
  return tag === SEQUENCE ? end : undefined
}

const SEQUENCE = 0x30
const VERSION = 0xa0

type Header = readonly [tag: number, start: number, end: number]

function headerAt(der: Uint8Array, at: number): Header | undefined {
  const tag = der[at]
  const first = der[at + 1]
  if (tag === undefined || first === undefined) return undefined
  const more = first < 0x80 ? 0 : first - 0x80
  if (first === 0x80 || more > 3) return undefined
  let length = more === 0 ? first : 0
  for (const byte of der.subarray(at + 2, at + 2 + more)) length = length * 256 + byte
  const start = at + 2 + more
  return [tag, start, start + length]
}

interface Element {
  readonly tag: number
  readonly content: Uint8Array
}

// Empty if any element is longer than its container.
function elements(der: Uint8Array): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; at < der.length;) {
    const [tag, start, end = Infinity] = headerAt(der, at) ?? []
    if (tag === undefined || end > der.length) return []
    found.push({ tag, content: der.subarray(start, end) })
    at = end
  }
  return found
}

// After the version: serial number, signature algorithm, issuer, validity, subject and the key.
function fieldsOfCertificate([signed]: readonly Element[]): readonly Element[] {
  if (signed?.tag !== SEQUENCE) return []
  const fields = elements(signed.content)
  return fields[0]?.tag === VERSION ? fields.slice(1) : fields
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
  if (type === RSA) {
    const [n, e] = elements(elements(key)[0]?.content ?? key).map(({ content }) => {
      // DER puts a zero before a number whose first bit is set; a JWK does not (RFC 7518 section 2).
      return base64url.encode(content[0] === 0 ? content.subarray(1) : content)
    })
    return n === undefined || e === undefined ? undefined : { kty: 'RSA', n, e }
  }
  const [kty, name = ''] = own(NAMES, type === EC ? parameters : type) ?? []
  if (kty === EC && type === EC) {
    const half = (key.length + 1) / 2
    const [x, y] = key[0] === 4 ? [key.subarray(1, half), key.subarray(half)] : [key, key.subarray(0, 0)]
    return { kty: 'EC', crv: name, x: base64url.encode(x), y: base64url.encode(y) }
  }
  if (kty === 'OKP') return { kty, crv: name, x: base64url.encode(key) }
  return kty === 'AKP' ? { kty, alg: name, pub: base64url.encode(key) } : undefined
}
