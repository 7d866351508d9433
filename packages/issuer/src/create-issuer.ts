import type { JSONWebKeySet } from 'jose'
import { encryption, ENCRYPTION_RULES, type EncryptionOptions } from './encrypt-token.ts'
import { createIssuerKeys, type RotateOptions } from './issuer-keys.ts'
import { type IssuerOptions, resolveOptions } from './issuer-options.ts'
import type { Rotation } from './key-ring.ts'
import { knownOptions } from './options.ts'
import { type IssuerMetadata, type JwksRequest, type JwksResponse, jwksResponse, metadata } from './publish.ts'
import { signJwt } from './signer/signer.ts'
import { type Claims, ISSUE_RULES, type IssueOptions, unsignedToken } from './token.ts'

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
  const { issuer, clock, jwksMaxAge } = resolved
  const keys = await createIssuerKeys(resolved)

  const issue = async (claims: Claims, issueOptions: IssueOptions = {}): Promise<string> => {
    const token = unsignedToken(claims, issueOptions, resolved, clock.now())
    const { signer } = await keys.take(token.claims.exp)
    return signJwt(signer, token.header, token.claims)
  }
  const issueEncrypted = async (claims: Claims, given: IssueOptions & EncryptionOptions): Promise<string> => {
    const known = Object.keys({ ...ISSUE_RULES, ...ENCRYPTION_RULES })
    const allOptions = knownOptions('encrypt token', given, known)
    const { recipient, keyManagement, contentEncryption, ...issueOptions } = allOptions
    // Checked before anything is signed.
    const encrypt = encryption({ recipient, keyManagement, contentEncryption })
    return encrypt(await issue(claims, issueOptions))
  }

  return Object.freeze({
    issuer,
    issue,
    issueEncrypted,
    jwks: () => ({ keys: keys.published().map(({ jwk }) => ({ ...jwk })) }),
    jwksResponse: (request: JwksRequest = {}) => jwksResponse(keys.published(), jwksMaxAge, request),
    metadata: (extra: Readonly<Record<string, unknown>> = {}) => metadata(issuer, keys.published(), extra),
    rotate: keys.rotate,
    revoke: keys.revoke,
  })
}
