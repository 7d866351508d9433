import { base64url, CompactSign, type CryptoKey, importJWK, importPKCS8, type JWK } from 'jose'
import {
  type Filled,
  isOptions,
  kindOf,
  misconfigured,
  numberIn,
  type OptionRule,
  type OptionTable,
  own,
  readOptions,
} from '../adapter.ts'

/** How this API authenticates at the introspection endpoint (RFC 7662 section 2.1). */
export interface IntrospectionClient {
  /** Its `client_id`. Signed answers must be for this client or for the `audience`. */
  readonly clientId: string
  /** Called for each request to the endpoint. If it throws, the API answers 503. */
  authenticate(request: IntrospectionRequest): Promise<ClientAuthentication>
}

/** What client authentication may depend on. */
export interface IntrospectionRequest {
  readonly issuer: string | null
  readonly endpoint: string
  /** Seconds since the epoch. */
  readonly now: number
}

/** What authenticates a request. */
export interface ClientAuthentication {
  /** @defaultValue none */
  readonly headers?: Readonly<Record<string, string>>
  /** Parameters for the form. @defaultValue none */
  readonly form?: Readonly<Record<string, string>>
}

/**
 * `client_secret_basic`: HTTP Basic with the ID and the secret, each form-encoded first (RFC 6749 section 2.3.1).
 *
 * @throws TypeError for an empty ID or secret
 */
export function clientSecretBasic(clientId: string, secret: string): IntrospectionClient {
  assertText('client ID', clientId)
  assertText('client secret', secret)
  const authorization = `Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(secret)}`)}`
  return client(clientId, async () => ({ headers: { authorization } }))
}

/**
 * `client_secret_post`: the ID and the secret in the form (RFC 6749 section 2.3.1). Use it only for servers without
 * `client_secret_basic`.
 *
 * @throws TypeError for an empty ID or secret
 */
export function clientSecretPost(clientId: string, secret: string): IntrospectionClient {
  assertText('client ID', clientId)
  assertText('client secret', secret)
  return client(clientId, async () => ({ form: { client_id: clientId, client_secret: secret } }))
}

/**
 * `tls_client_auth` and `self_signed_tls_client_auth` (RFC 8705 section 2): the connection has a client certificate. Needs a `fetch` that
 * presents it.
 *
 * @throws TypeError for an empty ID
 */
export function tlsClient(clientId: string): IntrospectionClient {
  assertText('client ID', clientId)
  const made = client(clientId, async () => ({ form: { client_id: clientId } }))
  tlsClients.add(made)
  return made
}

const tlsClients = new WeakSet<object>()

/** Whether `tlsClient` made a client. */
export function isTlsClient(made: object): boolean {
  return tlsClients.has(made)
}

/** Signs client assertions. The signers of `@claimgate/issuer` fit, including those for AWS KMS. */
export interface AssertionSigner {
  readonly alg: string
  readonly kid?: string
  /** Signs the bytes of `header.claims`. Resolves to the signature in JWS format. */
  sign(signingInput: Uint8Array): Promise<Uint8Array>
}

/** A private JWK, a PKCS#8 PEM, or a signer. */
export type AssertionKey = JWK | string | AssertionSigner

/** Options for `privateKeyJwt`. */
export interface AssertionOptions {
  /** The `alg` of the assertions. Required for a PEM, and for a JWK without `alg`. @defaultValue that of the key */
  readonly alg?: string | undefined
  /** The `kid` of the assertions. @defaultValue that of the key */
  readonly kid?: string | undefined
  /** The `aud` of the assertions. @defaultValue the issuer; without one, the endpoint */
  readonly audience?: string | undefined
  /** Seconds until an assertion expires. From 1 to 300. @defaultValue 60 */
  readonly lifetime?: number | undefined
}

const TEXT: OptionRule = { be: 'a string', fits: (value) => typeof value === 'string' && value !== '' }
const ASSERTION: OptionTable<AssertionOptions> = {
  alg: TEXT,
  kid: TEXT,
  audience: TEXT,
  lifetime: numberIn({ least: 1, most: 300, default: 60 }),
}

/**
 * `private_key_jwt`: each request has a new assertion, signed with the client's private key (RFC 7523 section 2.2).
 *
 * @throws TypeError for a key that is not private, and for options of the wrong form
 */
export function privateKeyJwt(
  clientId: string,
  key: AssertionKey,
  options: AssertionOptions = {},
): IntrospectionClient {
  assertText('client ID', clientId)
  const read = readOptions(ACTION, options, ASSERTION) as Filled<AssertionOptions, 'lifetime'>
  const sign = assertionSigner(key, read)
  return client(clientId, async ({ issuer, endpoint, now }) => {
    const iat = Math.floor(now)
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: read.audience ?? issuer ?? endpoint,
      jti: crypto.randomUUID(),
      iat,
      exp: iat + read.lifetime,
    }
    const client_assertion = await sign(new TextEncoder().encode(JSON.stringify(claims)))
    return { form: { client_id: clientId, client_assertion_type: ASSERTION_TYPE, client_assertion } }
  })
}

const ACTION = 'authenticate client'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

function client(clientId: string, authenticate: IntrospectionClient['authenticate']): IntrospectionClient {
  return Object.freeze<IntrospectionClient>({ clientId, authenticate })
}

type SignClaims = (claims: Uint8Array) => Promise<string>

function assertionSigner(key: AssertionKey, { alg: given, kid: named }: AssertionOptions): SignClaims {
  if (typeof key !== 'string' && !isOptions(key))
    throw misconfigured(ACTION, `the key must be a private JWK, a PKCS#8 PEM or a signer, found ${kindOf(key)}`)
  const members: object = typeof key === 'string' ? {} : key
  const [alg, kid] = [given ?? own(members, 'alg'), named ?? own(members, 'kid')]
  if (typeof alg !== 'string') throw misconfigured(ACTION, 'give "alg", because the key has none')
  const header = { alg, typ: 'JWT', ...(typeof kid === 'string' && { kid }) }
  if (isSigner(key)) return signerSignature(key, header)
  if (typeof key !== 'string' && typeof own(key, 'd') !== 'string')
    throw misconfigured(ACTION, 'the key must be private')
  const jwk = typeof key === 'string' ? undefined : { ...key }
  // Not its promise: in workers, no request may wait for the promise of another one.
  let imported: CryptoKey | undefined
  const importKey = async (): Promise<CryptoKey> =>
    (await (jwk === undefined ? importPKCS8(key as string, alg) : importJWK(jwk, alg))) as CryptoKey
  return async (claims) => {
    const known = imported ?? (await importKey())
    imported = known
    return new CompactSign(claims).setProtectedHeader(header).sign(known)
  }
}

function isSigner(key: AssertionKey): key is AssertionSigner {
  return typeof key !== 'string' && typeof own(key, 'sign') === 'function'
}

function signerSignature(signer: AssertionSigner, header: object): SignClaims {
  const encodedHeader = base64url.encode(JSON.stringify(header))
  return async (claims) => {
    const input = `${encodedHeader}.${base64url.encode(claims)}`
    return `${input}.${base64url.encode(await signer.sign(new TextEncoder().encode(input)))}`
  }
}

// RFC 6749 appendix B.
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function assertText(what: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value === '')
    throw misconfigured(ACTION, `the ${what} must be a string, found ${value === '' ? 'an empty one' : kindOf(value)}`)
}
