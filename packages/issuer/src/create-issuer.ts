import type { JSONWebKeySet } from 'jose'
import { encryptedTo, ENCRYPTION_OPTIONS, type EncryptionOptions, resolveEncryption } from './encrypt/encrypt-token.ts'
import { type IssuerOptions, LONGEST_TTL, type ResolvedOptions, resolveOptions } from './issuer-options.ts'
import { createKeyRing, type KeyRing } from './keys/key-ring.ts'
import { createKeySource, type InitialKeys, rotateKeys, type RotateOptions, type Rotation } from './keys/key-source.ts'
import { knownOptions } from './option-rules.ts'
import { type IssuerMetadata, metadata } from './publish/metadata.ts'
import { type JwksRequest, type JwksResponse, jwksResponse } from './publish/public-keys.ts'
import { refusal } from './refusal.ts'
import { signJwt } from './signer/signer.ts'
import { type Claims, ISSUE_OPTIONS, type IssueOptions, unsignedToken } from './token/token.ts'

/** Issues tokens and publishes the keys that verify them. */
export interface Issuer {
  /** The `iss` of every token. */
  readonly issuer: string
  /**
   * Issues a signed token with `claims` and `iss`, `iat`, `exp`, `jti`, and `aud` if configured.
   *
   * @throws TypeError if a claim or an option has the wrong type, or only the issuer may set it.
   */
  issue(claims: Claims, options?: IssueOptions): Promise<string>
  /**
   * Issues a token like `issue` and encrypts it to a recipient: a nested JWT (RFC 7519 section 11.2). Only the recipient can read
   * it. To verify it, the recipient needs the issuer's JWK Set, as for any token.
   *
   * @throws TypeError like `issue`, and if the recipient's key does not fit. It never quotes the key.
   */
  issueEncrypted(claims: Claims, options: IssueOptions & EncryptionOptions): Promise<string>
  /** The JWK Set (RFC 7517 section 5): public members, with `kid`, `alg` and `use`. A new object each time. */
  jwks(): JSONWebKeySet
  /** The JWK Set as an HTTP response. */
  jwksResponse(request?: JwksRequest): JwksResponse
  /** The metadata document; `extra` adds and overrides members. `jwks_uri` is the issuer plus `/.well-known/jwks.json`. */
  metadata(extra?: Readonly<Record<string, unknown>>): IssuerMetadata
  /**
   * Moves to the next key: the next one of `signers`, or a new one. It signs after it has been published for `publishAhead` seconds;
   * keys of `signers` are published from the start, so they may sign at once. If a key is already waiting, no other is added; a
   * shorter `publishAhead` makes it sign sooner. The old key stays published until its last token has expired.
   *
   * @throws TypeError if `publishAhead` is out of range; Error if 64 keys are published, `createSigner` returns a known key, or the
   * last of `signers` already signs and there is no `createSigner`.
   */
  rotate(options?: RotateOptions): Promise<Rotation>
  /**
   * Withdraws a key at once, for example after a leak. Its tokens are rejected as soon as verifiers refresh the JWK Set. If it was
   * the signing key, the waiting key takes over, otherwise the next one of `signers` or a new one.
   *
   * @throws TypeError if no such key is published.
   */
  revoke(kid: string): Promise<void>
}

/**
 * Creates an issuer with keys in memory, or with the given signers. Before a key is published, it signs once and the signature is
 * verified.
 *
 * @throws TypeError if an option is wrong: it names the option, its rule and the value found, and never quotes a key.
 */
export const createIssuer = async (options: IssuerOptions): Promise<Issuer> => {
  const resolved = resolveOptions(options)
  const source = createKeySource(resolved)
  const ring = createKeyRing(resolved.overlap)
  fill(ring, await source.initial(), resolved)
  const inTurn = oneAtATime()
  const now = (): number => resolved.clock.now()

  const refill = async (): Promise<void> => {
    if (ring.signs(now()) || ring.callUp(0, now()) !== undefined) return
    ring.add(await source.fresh(ring), now(), now())
  }
  const issue = async (claims: Claims, issueOptions: IssueOptions = {}): Promise<string> => {
    // Only after a withdrawal: wait for the replacement, or create it if an earlier attempt failed.
    if (!ring.signs(now())) await inTurn(refill)
    const token = unsignedToken(claims, issueOptions, resolved, now())
    const key = ring.take(now(), token.claims.exp)
    if (key === undefined)
      throw new Error('Cannot issue token: the signing key was withdrawn and has no replacement yet')
    const { alg, kid } = key.signer
    return signJwt(key.signer, { alg, typ: token.typ, kid, ...token.header }, token.claims)
  }
  const issueEncrypted = async (claims: Claims, given: IssueOptions & EncryptionOptions): Promise<string> => {
    const allOptions = knownOptions('encrypt token', given, [...ISSUE_OPTIONS, ...ENCRYPTION_OPTIONS])
    const { recipient, keyManagement, contentEncryption, ...issueOptions } = allOptions
    // Checked before anything is signed.
    const encryption = resolveEncryption({ recipient, keyManagement, contentEncryption })
    return encryptedTo(await issue(claims, issueOptions), encryption)
  }
  const revoke = async (kid: string): Promise<void> => {
    if (!ring.withdraw(kid, now())) throw refusal('revoke key', '"kid" must be that of a published key', kid)
    await inTurn(refill)
  }

  return Object.freeze({
    issuer: resolved.issuer,
    issue,
    issueEncrypted,
    jwks: () => ({ keys: ring.published(now()).map(({ jwk }) => ({ ...jwk })) }),
    jwksResponse: (request: JwksRequest = {}) => jwksResponse(ring.published(now()), resolved.jwksMaxAge, request),
    metadata: (extra: Readonly<Record<string, unknown>> = {}) => {
      const algorithms = new Set(ring.published(now()).map(({ signer }) => signer.alg))
      return metadata(resolved.issuer, [...algorithms], extra)
    },
    rotate: async (rotateOptions: RotateOptions = {}) =>
      inTurn(() => rotateKeys(ring, source, resolved, rotateOptions)),
    revoke,
  })
}

const fill = (ring: KeyRing, { signing, line, earlier }: InitialKeys, { clock }: ResolvedOptions): void => {
  const now = clock.now()
  ring.add(signing, now, now)
  for (const key of line) ring.lineUp(key, now)
  for (const key of earlier) ring.keep(key, Math.ceil(now / 1000) + LONGEST_TTL)
}

/** Runs asynchronous actions one after another, in call order. A failed action does not stop later ones. */
export const oneAtATime = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const turn = last.then(action)
    last = turn.catch(() => undefined)
    return turn
  }
}
