import { isRecord, kindOf } from '../errors/misconfigured.ts'
import { derLength } from './spki.ts'

/** What an option for a key holds: one PEM block, a JWK, or what was found in their place. */
export type KeyText =
  | { readonly kind: 'pem'; readonly label: string; readonly der: Uint8Array; readonly pem: string }
  | { readonly kind: 'jwk'; readonly jwk: Readonly<Record<string, unknown>> }
  | { readonly kind: 'der'; readonly der: Uint8Array; readonly found: 'DER' | 'DER in base64' }
  /** Never quotes the value. */
  | { readonly kind: 'misfit'; readonly found: string; readonly label?: string }

/**
 * Reads the value of an option for a key as people have it: PEM, its bytes, the base64 of it, within quotes or with `\n` written out as
 * environment files keep it, or a JWK. Tools put remarks before a PEM. Takes the first block of several, and nothing if one is private.
 */
export function readKeyText(value: unknown): KeyText {
  if (typeof value === 'string') return readText(value)
  if (ArrayBuffer.isView(value)) return readBytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  if (isRecord(value)) return readJwk(value)
  return misfit(kindOf(value))
}

const BEGIN = '-----BEGIN'

function readBytes(bytes: Uint8Array): KeyText {
  if (derLength(bytes) === bytes.length) return { kind: 'der', der: bytes, found: 'DER' }
  return readText(new TextDecoder().decode(bytes))
}

function readText(text: string): KeyText {
  const plain = unquoted(text)
  if (plain.includes(BEGIN)) return readPem(plain)
  if (plain.startsWith('{')) return readJson(plain)
  const bytes = bytesOf(plain)
  if (bytes === undefined || plain === '') return misfit(shapeOf(plain))
  if (derLength(bytes) === bytes.length) return { kind: 'der', der: bytes, found: 'DER in base64' }
  const inside = unquoted(new TextDecoder().decode(bytes))
  if (inside.includes(BEGIN)) return readPem(inside)
  return inside.startsWith('{') ? readJson(inside) : misfit(shapeOf(plain))
}

// An env file keeps the quotes, and the line breaks as they are written.
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
  if (label === undefined) return misfit('a PEM whose first line is damaged')
  const rest = text.slice(text.indexOf(`${BEGIN} ${label}-----`) + label.length + 16)
  const body = rest.split('-----END', 1)[0] ?? ''
  if (body.trim() === '')
    return misfit(
      `${FIRST_LINE}: put quotes around all its lines, write the line breaks as \\n, or give its base64`,
      label,
    )
  if (!rest.includes('-----END')) return misfit(`a PEM that is cut off: it has no "-----END ${label}-----"`, label)
  const der = bytesOf(body)
  // The headers of an encrypted key are no base64.
  if (der === undefined && !body.includes(':')) return misfit('a PEM with characters that are not base64', label)
  if (der !== undefined && derLength(der) !== der.length) return misfit('a PEM that is damaged or cut off', label)
  const pem = `${BEGIN} ${label}-----\n${body.trim()}\n-----END ${label}-----`
  return { kind: 'pem', label, der: der ?? new Uint8Array(), pem }
}

const FIRST_LINE = 'only the first line of a PEM'

function readJson(text: string): KeyText {
  try {
    const value: unknown = JSON.parse(text)
    if (isRecord(value)) return readJwk(value)
  } catch {
    // What JSON.parse says quotes the text.
  }
  return misfit('JSON that is damaged or cut off')
}

function readJwk(jwk: Readonly<Record<string, unknown>>): KeyText {
  if (Object.hasOwn(jwk, 'kty')) return { kind: 'jwk', jwk }
  return misfit(Object.hasOwn(jwk, 'keys') ? 'a JWK Set' : 'an object without "kty"')
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

function shapeOf(text: string): string {
  return SHAPES.find(([shape]) => shape.test(text))?.[1] ?? `${text.length} characters of something else`
}

function misfit(found: string, label?: string): KeyText {
  return { kind: 'misfit', found, ...(label !== undefined && { label }) }
}
