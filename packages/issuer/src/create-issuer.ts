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
   * A signed token with `claims` and `iss`, `iat`, `exp`, `jti`, and `aud` where one is configured.
   *
   * @throws TypeError where a claim or an option has the wrong type or is the issuer's to set.
   */
  issue(claims: Claims, options?: IssueOptions): Promise<string>
  /**
   * A token as `issue` makes it, encrypted to a recipient: a nested JWT (RFC 7519 section 11.2). Only the recipient can read
   * it; whoever verifies it needs the issuer's JWK Set as for any other.
   *
   * @throws TypeError as `issue` does, and where the recipient's key does not fit. It never quotes the key.
   */
  issueEncrypted(claims: Claims, options: IssueOptions & EncryptionOptions): Promise<string>
  /** The JWK Set (RFC 7517 section 5): public parts, with `kid`, `alg` and `use`. A new object each time. */
  jwks(): JSONWebKeySet
  /** The JWK Set as an HTTP answer. */
  jwksResponse(request?: JwksRequest): JwksResponse
  /** The metadata document, with `extra` on top. `jwks_uri` is below the issuer at `/.well-known/jwks.json`. */
  metadata(extra?: Readonly<Record<string, unknown>>): IssuerMetadata
  /**
   * Moves on to the next key: the next one of `signers`, or else a new one. It signs once verifiers had time to see it, which
   * those of `signers`, published from the start, may have had already. While a key waits no other is called, but it is
   * brought forward where that is asked for. The old key stays published until its last token expired.
   *
   * @throws TypeError where `publishAhead` is out of range; Error where 64 keys are published, a new key is not new, or the
   * last of `signers` signs already and there is no `createSigner`.
   */
  rotate(options?: RotateOptions): Promise<Rotation>
  /**
   * Withdraws a key at once, for one that leaked: its tokens fail as soon as verifiers look again. Where it was the one
   * to sign, the waiting key takes over, or else a new one.
   *
   * @throws TypeError where no such key is published.
   */
  revoke(kid: string): Promise<void>
}

/**
 * An issuer with keys in memory, or wherever the given signers keep theirs. Every key has signed once, and the
 * signature has been verified, before it is published.
 *
 * @throws TypeError where an option is wrong: it names the option, its rule and what was found, and never quotes a key.
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
    // Only after a withdrawal: wait for the replacement, or make it where an earlier attempt failed.
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
    // Before anything is signed.
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

/** Runs asynchronous actions one after another, in the order they came; a failed one does not stop those behind it. */
export const oneAtATime = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve()
  return (action) => {
    const turn = last.then(action)
    last = turn.catch(() => undefined)
    return turn
  }
}
