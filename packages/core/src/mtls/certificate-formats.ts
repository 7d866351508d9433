import { bare } from '../adapter.ts'

/** How a proxy writes a client certificate into a header field. */
export type CertificateFormat =
  | 'rfc9440'
  | 'nginx'
  | 'haproxy'
  | 'caddy'
  | 'apache'
  | 'envoy'
  | 'alb'
  | 'traefik'
  | 'cloudflare'

/** The certificates in a field as base64 of their DER bytes, the client's first. Malformed parts give text that is no certificate. */
type Reader = (field: string) => readonly string[]

const READERS: Readonly<Record<CertificateFormat, Reader>> = bare({
  rfc9440: (field) => [byteSequence(field)],
  nginx: (field) => pemBlocks(percentDecoded(field)),
  haproxy: (field) => [field],
  caddy: (field) => [field],
  apache: (field) => pemBlocks(field),
  envoy: (field) => pemBlocks(percentDecoded(certOfElement(field))),
  alb: (field) => pemBlocks(percentDecoded(field)),
  traefik: (field) => percentDecoded(field).split(','),
  cloudflare: (field) => [field.startsWith(':') ? byteSequence(field) : field],
})

/** Their fields have the whole chain. Any other format has one certificate. */
const CHAINS: ReadonlySet<CertificateFormat> = new Set<CertificateFormat>(['alb', 'traefik'])

/** The names of the formats. */
export const CERTIFICATE_FORMATS: readonly string[] = Object.freeze(Object.keys(READERS))

/** Longest field that is read, in characters. Node's default for all header fields together. */
const LONGEST_FIELD = 16_384

/** The DER bytes of the client certificate in a header field. `undefined` for anything else, such as an unfilled placeholder. */
export function readCertificate(field: string, format: CertificateFormat): Uint8Array<ArrayBuffer> | undefined {
  if (field.length > LONGEST_FIELD) return undefined
  const certificates = READERS[format](field).map(derOf)
  if (certificates.length !== 1 && !CHAINS.has(format)) return undefined
  return certificates.includes(undefined) ? undefined : certificates.at(0)
}

/** The base64 in a byte sequence without parameters (RFC 9440 section 2.1, RFC 8941 section 3.3.5). */
function byteSequence(field: string): string {
  return /^:([^:]*):$/.exec(field)?.[1] ?? ''
}

/** `+` stays as it is: it is base64, and not a space. */
function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

const END = '-----END CERTIFICATE-----'

/** The base64 in each PEM block (RFC 7468). Proxies replace line breaks by spaces. */
function pemBlocks(text: string): readonly string[] {
  const blocks = text.split(END)
  const rest = blocks.pop() ?? ''
  if (/[^ \r\n]/.test(rest)) return []
  return blocks.map((block) => {
    const [, body = ''] = /^[ \r\n]*-----BEGIN CERTIFICATE-----([^-]*)$/.exec(block) ?? []
    return body.replaceAll(/[ \r\n]/g, '')
  })
}

/**
 * The value of `Cert` in the only element of an `X-Forwarded-Client-Cert` field. An element is a list of `key=value` with `;` between them.
 * Envoy adds an element after those it received, so a field with several has text of the client.
 */
function certOfElement(field: string): string {
  const pair = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(?:;|$)/y
  const certs: string[] = []
  while (pair.lastIndex < field.length) {
    const [, key, quoted, plain = ''] = pair.exec(field) ?? []
    if (key === undefined) return ''
    if (key.toLowerCase() === 'cert') certs.push(quoted ?? plain)
  }
  return certs.length === 1 ? certs.join('') : ''
}

function derOf(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(base64)
    // `atob` ignores spaces, missing padding and unused bits. Encoding again finds them.
    if (btoa(binary) !== base64) return undefined
    const der = Uint8Array.from(binary, (character) => character.charCodeAt(0))
    return isOneSequence(der) ? der : undefined
  } catch {
    return undefined
  }
}

const SEQUENCE = 0x30

/** Whether the bytes are one DER sequence (X.690 section 8.9), as certificates are, with nothing after it. */
function isOneSequence(der: Uint8Array): boolean {
  const [tag, first = 0] = der
  if (tag !== SEQUENCE || first === 0x80) return false
  // From 0x80 on, the low bits count the bytes of the length.
  const start = 2 + (first < 0x80 ? 0 : first - 0x80)
  const length = first < 0x80 ? first : der.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0)
  return start + length === der.length
}
