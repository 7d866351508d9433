import { createHmac, createPublicKey } from 'node:crypto'

import { toBase64url } from '../../keys/test-keys.ts'
import { type BadToken, type BadTokenRow, badTokenTable, type Forge } from '../forge.ts'

/** `alg` set to none, to HMAC with the public key as secret, and to what does not fit the key. */
export async function badAlgorithms(forge: Forge): Promise<readonly BadToken[]> {
  return [
    ...(await badTokenTable([1], unsigned(forge))),
    ...(await badTokenTable([2], confused(forge))),
    ...(await badTokenTable([3], unfit(forge))),
  ]
}

function unsigned({ header, parts }: Forge): readonly BadTokenRow[] {
  return ['none', 'None', 'nOnE', 'NONE', 'none ', ''].flatMap((alg): readonly BadTokenRow[] => {
    const first = toBase64url(JSON.stringify({ ...header, alg }))
    return [
      [`alg "${alg}" with an empty signature`, `${first}.${parts[1]}.`],
      [`alg "${alg}" without the last dot`, `${first}.${parts[1]}`],
      [`alg "${alg}" with the signature of the real token`, `${first}.${parts[1]}.${parts[2]}`],
    ]
  })
}

function confused({ header, parts, publicJwk, publicPem }: Forge): readonly BadTokenRow[] {
  const spki = createPublicKey(publicPem).export({ format: 'der', type: 'spki' })
  const material = publicJwk.n ?? publicJwk.x ?? publicJwk.pub ?? ''
  const secrets: Readonly<Record<string, string | Uint8Array>> = {
    'the PEM': publicPem,
    'the PEM and a newline': `${publicPem}\n`,
    'the PEM with CRLF': `${publicPem.replaceAll('\n', '\r\n')}\r\n`,
    'the PEM without its lines': publicPem.replaceAll(/-----[^-]+-----|\s/g, ''),
    'the DER': spki,
    'the JWK as JSON': JSON.stringify(publicJwk),
    'the material of the JWK': material,
    'the bytes of the JWK': Buffer.from(material, 'base64url'),
    'the empty string': '',
  }
  return ['256', '384', '512'].flatMap((bits) =>
    Object.entries(secrets).map(([what, secret]): BadTokenRow => {
      const input = `${toBase64url(JSON.stringify({ ...header, alg: `HS${bits}` }))}.${parts[1]}`
      const signature = createHmac(`sha${bits}`, secret).update(input).digest('base64url')
      return [`HS${bits} with ${what} as secret`, `${input}.${signature}`]
    }),
  )
}

function unfit({ alg, withHeader }: Forge): readonly BadTokenRow[] {
  const others = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'ML-DSA-44', 'HS256', 'RSA-OAEP', 'XX256']
  return [
    // EdDSA and Ed25519 are two names for the same signature (RFC 9864). The policy decides which of them are allowed.
    ...others
      .filter((other) => other !== alg && !(other === 'EdDSA' && alg === 'Ed25519'))
      .map((other): BadTokenRow => [`alg "${other}" over a signature of ${alg}`, withHeader({ alg: other })]),
    ['alg in another letter case', withHeader({ alg: swapCase(alg) })],
    ['alg with a space', withHeader({ alg: `${alg} ` })],
    ['alg with a null character', withHeader({ alg: `${alg}\u0000` })],
    ['no alg', withHeader({ alg: undefined })],
    ['alg null', withHeader({ alg: null })],
    ['alg an array', withHeader({ alg: [alg] })],
    ['alg an object', withHeader({ alg: { toString: alg } })],
    ['alg __proto__', withHeader({ alg: '__proto__' })],
  ]
}

function swapCase(text: string): string {
  return text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()
}

/** Signatures that are missing, by another key, over other data, or arithmetically special. */
export async function badSignatures(forge: Forge): Promise<readonly BadToken[]> {
  const rows = forge.alg.startsWith('ES') ? await specialEcdsa(forge) : special(forge)
  return [...(await badTokenTable([], general(forge))), ...(await badTokenTable([9], rows))]
}

function general(forge: Forge): readonly BadTokenRow[] {
  const { parts, header, claims, attacker, withClaims } = forge
  const [first, second, signature] = parts
  const signedBy = Buffer.from(signature, 'base64url')
  return [
    ['claims tampered with', `${first}.${encoded({ ...claims, sub: 'admin', scope: 'admin' })}.${signature}`],
    ['claims re-encoded with a space', `${first}.${toBase64url(`${JSON.stringify(claims)} `)}.${signature}`],
    ['header tampered with', `${encoded({ ...header, extra: 1 })}.${second}.${signature}`],
    ['signature empty', `${first}.${second}.`],
    ['signature of other claims', withClaims({ sub: 'other' }).then((other) => `${first}.${second}.${last(other)}`)],
    [
      'signature by another key',
      attacker.signWith(`${first}.${second}`).then((other) => `${first}.${second}.${other}`),
    ],
    ['signature one byte short', `${first}.${second}.${toBase64url(signedBy.subarray(0, -1))}`],
    ['signature one byte long', `${first}.${second}.${toBase64url(Buffer.concat([signedBy, Buffer.alloc(1)]))}`],
    ['signature twice', `${first}.${second}.${toBase64url(Buffer.concat([signedBy, signedBy]))}`],
    ['signature with one bit flipped', `${first}.${second}.${toBase64url(flipped(signedBy))}`],
    ['signature of one byte', `${first}.${second}.AQ`],
    ['signature of a megabyte', `${first}.${second}.${'A'.repeat(1_000_000)}`],
  ]
}

function special({ parts, alg }: Forge): readonly BadTokenRow[] {
  const [first, second, signature] = parts
  const signedBy = Buffer.from(signature, 'base64url')
  const signed = (bytes: Uint8Array): string => `${first}.${second}.${toBase64url(bytes)}`
  const rows: readonly BadTokenRow[] = [
    ['signature of zeros', signed(Buffer.alloc(signedBy.length))],
    ['signature of ones', signed(Buffer.alloc(signedBy.length, 0xff))],
  ]
  if (alg !== 'EdDSA' && alg !== 'Ed25519') return rows
  // RFC 8032 section 5.1.7: S must be below the order of the group, otherwise every signature has a second valid form.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const s = BigInt(`0x${Buffer.from(signedBy.subarray(32).toReversed()).toString('hex')}`)
  const twin = Buffer.concat([signedBy.subarray(0, 32), bigEndian(s + order, 32).toReversed()])
  return [...rows, ['Ed25519 signature with S beyond the order', signed(twin)]]
}

// Orders of the groups of P-256, P-384 and P-521 (SEC 2, sections 2.4.2, 2.5.1 and 2.6.1).
const ORDERS: Readonly<Record<string, bigint>> = {
  ES256: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  ES384: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  ES512:
    0x01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
}

async function specialEcdsa({ parts, alg }: Forge): Promise<readonly BadTokenRow[]> {
  const [first, second, signature] = parts
  const signedBy = Buffer.from(signature, 'base64url')
  const size = signedBy.length / 2
  const order = ORDERS[alg] ?? 0n
  const r = BigInt(`0x${signedBy.subarray(0, size).toString('hex')}`)
  const s = BigInt(`0x${signedBy.subarray(size).toString('hex')}`)
  const pair = (one: bigint, two: bigint): string =>
    `${first}.${second}.${toBase64url(Buffer.concat([bigEndian(one, size), bigEndian(two, size)]))}`
  const longer = Buffer.concat([Buffer.alloc(1), bigEndian(r, size), Buffer.alloc(1), bigEndian(s, size)])
  return [
    ['ECDSA signature r = 0, s = 0', pair(0n, 0n)],
    ['ECDSA signature r = 0, s = 1', pair(0n, 1n)],
    ['ECDSA signature r = 1, s = 0', pair(1n, 0n)],
    ['ECDSA signature r = 0, real s', pair(0n, s)],
    ['ECDSA signature real r, s = 0', pair(r, 0n)],
    ['ECDSA signature r = n, s = n', pair(order, order)],
    ['ECDSA signature r = n, real s', pair(order, s)],
    ['ECDSA signature real r, s = n', pair(r, order)],
    ['ECDSA signature s, r swapped', pair(s, r)],
    ['ECDSA signature of ones', `${first}.${second}.${toBase64url(Buffer.alloc(size * 2, 0xff))}`],
    ['ECDSA signature in DER', `${first}.${second}.${toBase64url(der(r, s))}`],
    ['ECDSA signature in DER with r = 0, s = 0', `${first}.${second}.${toBase64url(der(0n, 0n))}`],
    ['ECDSA signature with longer halves', `${first}.${second}.${toBase64url(longer)}`],
  ]
}

function der(...numbers: readonly bigint[]): Buffer {
  const members = numbers.map((number) => {
    const hex = number.toString(16)
    const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
    const signed = bytes.readUInt8(0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
    return Buffer.concat([Buffer.of(0x02, signed.length), signed])
  })
  const body = Buffer.concat(members)
  return Buffer.concat([body.length < 0x80 ? Buffer.of(0x30, body.length) : Buffer.of(0x30, 0x81, body.length), body])
}

function bigEndian(number: bigint, size: number): Buffer {
  return Buffer.from(number.toString(16).padStart(size * 2, '0'), 'hex')
}

function flipped(bytes: Uint8Array): Buffer {
  const copy = Buffer.from(bytes)
  copy.writeUInt8(copy.readUInt8(0) ^ 1, 0)
  return copy
}

function last(token: string): string {
  return token.slice(token.lastIndexOf('.') + 1)
}

function encoded(value: object): string {
  return toBase64url(JSON.stringify(value))
}
