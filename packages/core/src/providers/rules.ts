import {
  AuthError,
  type ClaimPath,
  type Claims,
  nameOfPath,
  own,
  type ProviderRules,
  type PublishedAs,
  quote,
  valueAt,
} from '../adapter.ts'

/** A claim that tells the tokens an API accepts from the issuer's other tokens. Give `accept` or `refuse`. */
export interface Mark {
  readonly claim: ClaimPath
  /** The values of accepted tokens. The claim is required. */
  readonly accept?: readonly string[]
  /** The values of other tokens. */
  readonly refuse?: readonly string[]
  /** What to do about another token, for the log. */
  readonly hint: string
}

/** Checks the marks of a token. */
export function kindBy(...marks: readonly Mark[]): NonNullable<ProviderRules['checkKind']> {
  return (claims) => {
    for (const mark of marks) checkMark(mark, claims)
  }
}

function checkMark(mark: Mark, claims: Claims): void {
  const { claim, hint } = mark
  const accept = own(mark, 'accept')
  const refuse = own(mark, 'refuse')
  const actual = valueAt(claims, claim)
  const isText = typeof actual === 'string'
  if (accept === undefined ? !(isText && refuse?.includes(actual)) : isText && accept.includes(actual)) return
  const name = nameOfPath(claim)
  const expected =
    accept === undefined ? `another ${name} than ${refuse?.join(' or ')}` : `${name} ${accept.join(' or ')}`
  throw new AuthError('token_type', { expected, actual, hint })
}

/** Texts about tokens of other issuers, by their `iss`. */
export function hintsBy(hints: Readonly<Record<string, string>>): NonNullable<ProviderRules['hintOf']> {
  return ({ iss = '' }) => (Object.hasOwn(hints, iss) ? hints[iss] : undefined)
}

const PLACE = /\{\w+\}/
const GUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/

/** Which tenants of an issuer are trusted. */
export interface TenantRule {
  /** The claim that names the tenant. */
  readonly claim: string
  /** Exact values, or `any` for every GUID in lower case. */
  readonly values: readonly string[] | 'any'
  /** The issuer, with the tenant in braces. */
  readonly issuer: string
  /** Issuers that a published key may name, with the tenant in braces. */
  readonly keyIssuers: readonly string[]
  /** What happens to a token whose key names no issuer. */
  readonly keyWithoutIssuer: 'accept' | 'refuse'
}

/**
 * One issuer for each tenant: the expected `iss` is built from the claim that names the tenant, if the tenant is trusted. Keys that are
 * published for one issuer (`issuer` in the JWK) may sign only for it.
 */
export function perTenant({
  claim,
  values,
  issuer,
  keyIssuers,
  keyWithoutIssuer,
}: TenantRule): Pick<ProviderRules, 'issuerOf' | 'hintOf' | 'checkKey'> {
  const trusted = values === 'any' ? undefined : new Set(values)
  const tenantOf = (claims: Claims): string | undefined => {
    const value = valueAt(claims, claim)
    return typeof value === 'string' && (trusted?.has(value) ?? GUID.test(value)) ? value : undefined
  }
  return {
    issuerOf: (claims) => {
      const tenant = tenantOf(claims)
      return tenant === undefined ? undefined : filled(issuer, tenant)
    },
    hintOf: (claims) =>
      tenantOf(claims) === undefined
        ? `"${claim}" names no trusted tenant: ${quote(valueAt(claims, claim))}`
        : undefined,
    checkKey: (claims, key) => checkKeyIssuer(key, { claims, tenant: tenantOf(claims), keyIssuers, keyWithoutIssuer }),
  }
}

// Not a string as the replacement, because `$&` in it would be replaced again.
function filled(template: string, tenant: string): string {
  return template.replace(PLACE, () => tenant)
}

interface KeyIssuerRule extends Pick<TenantRule, 'keyIssuers' | 'keyWithoutIssuer'> {
  readonly claims: Claims
  readonly tenant: string | undefined
}

function checkKeyIssuer(
  key: PublishedAs | undefined,
  { claims, tenant = '', keyIssuers, keyWithoutIssuer }: KeyIssuerRule,
): void {
  // A key of your own source has no JWK.
  if (key === undefined) return
  if (key.issuer === undefined) {
    if (keyWithoutIssuer === 'accept') return
    const hint = `The JWK ${quote(key.kid)} does not say for which issuer it signs`
    throw new AuthError('issuer_mismatch', { expected: 'a key that names its issuer', actual: claims.iss, hint })
  }
  const named = filled(key.issuer, tenant)
  if (keyIssuers.some((one) => filled(one, tenant) === named)) return
  const hint = `The key ${quote(key.kid)} may sign only for the issuer that its JWK names`
  throw new AuthError('issuer_mismatch', { expected: named, actual: claims.iss, hint })
}
