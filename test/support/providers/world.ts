// Signs the tokens of the fixtures and serves the addresses they name: metadata, JWK Sets, one PEM per key ID, and a map of certificates.
import { createVerifier, type IssuerPolicy, type Verifier, type VerifiedToken } from '@claimgate/core'
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose'
import documented from './documented.json' with { type: 'json' }
import observed from './fixtures.json' with { type: 'json' }

export type Members = Readonly<Record<string, unknown>>

interface Fixture {
  readonly header: Members
  readonly claims: Members
  readonly jwks: { readonly uri: string; readonly members: readonly Members[] }
  readonly metadata?: { readonly uri: string; readonly document: Members }
  readonly padded?: true
  readonly needsBearer?: true
  readonly needsHeaders?: true
  readonly form?: string
}

/** Tokens by the name of their file or profile: those of `fixtures.json`, and those of `documented.json`, which follow the providers' documentation. */
export const fixtures = { ...observed, ...documented } as unknown as Readonly<Record<string, Fixture>>

/** When all tokens of the fixtures are valid, in milliseconds. */
export const NOW = 1_790_000_010_000

const rsa = await generateKeyPair('RS256', { extractable: true })
const ec = await generateKeyPair('ES256', { extractable: true })
const pairs = { RS256: rsa, ES256: ec }
const publicJwks: Readonly<Record<string, JWK>> = {
  RSA: await exportJWK(rsa.publicKey),
  EC: await exportJWK(ec.publicKey),
}
const rsaPem = await exportSPKI(rsa.publicKey)
const ecPem = await exportSPKI(ec.publicKey)

export interface TokenChanges {
  readonly header?: Members
  /** Claims to set; `undefined` removes one. */
  readonly claims?: Members
}

/** The token of a fixture, with changes. */
export async function tokenOf(id: string, changes: TokenChanges = {}): Promise<string> {
  const { header, claims, padded } = fixtureOf(id)
  const all = JSON.parse(
    JSON.stringify({ header: { ...header, ...changes.header }, claims: { ...claims, ...changes.claims } }),
  )
  const alg: 'RS256' | 'ES256' = all.header.alg
  const token = await new SignJWT(all.claims).setProtectedHeader(all.header).sign(pairs[alg].privateKey)
  return padded ? paddedToken(all.header, all.claims) : token
}

/** As a load balancer writes it: each part has its padding, and the padding is signed. */
async function paddedToken(header: Members, claims: Members): Promise<string> {
  const input = [header, claims].map((part) => base64url(new TextEncoder().encode(JSON.stringify(part)))).join('.')
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  const signature = await crypto.subtle.sign(algorithm, ec.privateKey, new TextEncoder().encode(input))
  return `${input}.${base64url(new Uint8Array(signature))}`
}

const base64url = (bytes: Uint8Array): string =>
  Buffer.from(bytes).toString('base64').replaceAll('+', '-').replaceAll('/', '_')

function fixtureOf(id: string): Fixture {
  const fixture = fixtures[id]
  if (fixture === undefined) throw new Error(`There is no fixture ${id}`)
  return fixture
}

/** A request for keys, as it arrived. */
export interface Seen {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What the addresses of a fixture answer, and the requests so far. */
export function network(id: string): {
  readonly fetch: (url: string, init: Omit<Seen, 'url'>) => Promise<Response>
  readonly seen: Seen[]
} {
  const { jwks, metadata, form, needsBearer, needsHeaders } = fixtureOf(id)
  const seen: Seen[] = []
  const keys = jwks.members.map((member) => ({ ...publicJwks[String(member['kty'])], ...member }))
  const bodies = new Map<string, string>([
    [jwks.uri.replace('<kid>', String(jwks.members[0]?.['kid'])), bodyOf(form, keys)],
    ...(metadata === undefined ? [] : [[metadata.uri, JSON.stringify(metadata.document)] as const]),
  ])
  return {
    seen,
    fetch: async (url, { headers }) => {
      seen.push({ url, headers })
      const body = bodies.get(url)
      if (body === undefined) return new Response('not found', { status: 404 })
      if (needsBearer && headers['authorization'] !== 'Bearer own-token') return new Response('', { status: 401 })
      if (needsHeaders && !['x-client_id', 'x-app_tid', 'x-azp'].every((name) => headers[name]))
        return new Response('', { status: 400 })
      return new Response(body)
    },
  }
}

function bodyOf(form: string | undefined, keys: readonly JWK[]): string {
  if (form === 'key per kid') return ecPem
  if (form === 'pem map')
    return JSON.stringify(
      Object.fromEntries(keys.map(({ kid = '' }) => [kid, certificateOf(rsaPem, NOW - 86_400_000, NOW + 86_400_000)])),
    )
  return JSON.stringify({ keys })
}

/** A certificate around the RSA key of the fixtures. Times are in milliseconds since the epoch. */
export const rsaCertificate = (from: number, until: number, kind?: TimeKind): string =>
  certificateOf(rsaPem, from, until, kind)

type TimeKind = 'UTCTime' | 'GeneralizedTime' | 'other'

/** A certificate around a public key. Its signature is empty, because only the address vouches for it. */
function certificateOf(spki: string, from: number, until: number, kind: TimeKind = 'UTCTime'): string {
  const key = Buffer.from(spki.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  const empty = der(0x30)
  const time = (at: number): Buffer => {
    const digits = `${new Date(at).toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`
    return kind === 'UTCTime'
      ? der(0x17, Buffer.from(digits.slice(2)))
      : der(0x18, Buffer.from(kind === 'other' ? 'x' : digits))
  }
  const validity = der(0x30, time(from), time(until))
  const serial = [der(0xa0, der(0x02, Buffer.of(2))), der(0x02, Buffer.of(1))]
  const signed = der(0x30, ...serial, empty, empty, validity, empty, key)
  const body = der(0x30, signed, empty, der(0x03, Buffer.of(0))).toString('base64')
  return `-----BEGIN CERTIFICATE-----\n${body.replaceAll(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

/** A verifier of one policy that reaches only the addresses of a fixture. */
export function verifierOf(id: string, policy: IssuerPolicy): Verifier {
  return createVerifier({ ...policy, fetch: network(id).fetch, clock: { now: () => NOW } })
}

/** What became of a token: the verified token, or `status code message`. */
export async function outcomeOf(verifier: Verifier, token: string): Promise<VerifiedToken | string> {
  try {
    return await verifier.verify(token)
  } catch (error) {
    const { status, code, message } = error as { status: number; code: string; message: string }
    return `${status} ${code} ${message}`
  }
}
