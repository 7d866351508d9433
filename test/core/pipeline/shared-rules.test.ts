import { describe, expect, it } from 'vitest'
import { claim } from '../../../packages/core/src/authorization/requirements.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { IssuerPolicy } from '../../../packages/core/src/pipeline/options.ts'
import { createVerifier, type Verifier } from '../../../packages/core/src/pipeline/verifier.ts'
import { accessClaims, answerOf, AUDIENCE, clock, createSigningKey, NOW } from '../../support/core/jose-tokens.ts'

const key = await createSigningKey()
const isFirst = (value: unknown): boolean => value === 'first'
const isSecond = (value: unknown): boolean => value === 'second'
const refuseKind = (): never => {
  throw new AuthError('token_type')
}

/** Rules that differ, also where they look alike. */
const RULES: readonly Partial<IssuerPolicy>[] = [
  {},
  { tokenTypes: ['jwt', 'at+jwt'] },
  { tokenTypes: ['at+jwt', 'jwt'] },
  { tokenTypes: ['custom'] },
  { audience: null },
  { audience: [AUDIENCE, 'other'] },
  { audience: 'other' },
  { maxAge: 30 },
  { maxLifetime: 30 },
  { clockTolerance: 300 },
  { clientId: 'shop' },
  { clientId: ['shop', 'bank'], clientClaims: ['cid'] },
  { profile: 'rfc9068' },
  { idTokens: 'accept' },
  { requiredClaims: ['tenant'] },
  { requiredClaims: { tenant: 'first' } },
  { requiredClaims: { tenant: 'second' } },
  { requiredClaims: { tenant: isFirst } },
  { requiredClaims: { tenant: isSecond } },
  { requiredClaims: [claim('tenant', 'first')] },
  { requiredClaims: [claim('tenant', 'second')] },
  { scopeSources: ['permissions'] },
  { scopeSources: ['scope', 'permissions'] },
  { roleSource: 'roles' },
  { roleSource: ['realm', 'roles'] },
  { scopeHierarchy: { read: ['list'] } },
  { provider: { name: 'p', checkKind: refuseKind } },
  { provider: { name: 'p', checkKind: () => {} } },
  { provider: { name: 'p', roleCounts: () => false }, roleSource: 'grants' },
  { provider: { name: 'p', roleCounts: () => true }, roleSource: 'grants' },
]

const TOKENS: readonly (readonly [claims: object, header?: object])[] = [
  [{ tenant: 'first' }],
  [{ tenant: 'second', client_id: 'bank', cid: 'shop' }],
  [{ aud: 'other' }],
  [{ exp: NOW - 100, iat: NOW - 200 }],
  [{ iat: NOW - 50, exp: NOW + 50 }],
  [{ nonce: 'n' }],
  [{}, { typ: undefined }],
  [{}, { typ: 'custom' }],
  [{ scope: 'read', permissions: ['write'], roles: ['a'], realm: { roles: ['b'] }, grants: { c: { org: 'x' } } }],
]

const issuerOf = (index: number): string => `https://issuer.example/${index}`
const policies = RULES.map((rules, index) => ({
  issuer: issuerOf(index),
  audience: AUDIENCE,
  jwks: key.jwks,
  ...rules,
}))

async function answersOf(
  verifierOf: (index: number) => Verifier,
  tokens: readonly (readonly string[])[],
): Promise<unknown> {
  return Promise.all(
    tokens.map(async (own, index) =>
      Promise.all(
        own.map(async (token) => {
          const verification = verifierOf(index).verify(token)
          const code = await answerOf(verification)
          const verified = await verification.catch(() => undefined)
          return [code, verified && [...verified.scopes], verified?.roles && [...verified.roles]]
        }),
      ),
    ),
  )
}

describe('issuers whose rules are equal share them', () => {
  it('and each issuer of a list has exactly the rules that it would have alone', async () => {
    const tokens = await Promise.all(
      RULES.map(async (_, index) =>
        Promise.all(
          TOKENS.map(async ([claims, header]) =>
            key.sign(accessClaims({ iss: issuerOf(index), ...claims }), { typ: 'at+jwt', ...header }),
          ),
        ),
      ),
    )
    const alone = policies.map((policy) => createVerifier({ ...policy, clock, tokenCache: false }))
    const expected = await answersOf((index) => alone[index] as Verifier, tokens)
    for (const issuers of [
      policies,
      policies.toReversed(),
      policies.flatMap((policy) => [policy, { ...policy, issuer: `${policy.issuer}/b` }]),
    ]) {
      const together = createVerifier({ issuers, clock, tokenCache: false })
      expect(await answersOf(() => together, tokens)).toEqual(expected)
    }
  })

  it('and a policy that contradicts itself is rejected, also after one that looks alike', () => {
    const issuers = [{}, { clientClaims: ['client_id', 'azp'] }].map((rules, index) => ({
      issuer: issuerOf(index),
      audience: AUDIENCE,
      jwks: key.jwks,
      ...rules,
    }))
    expect(() => createVerifier({ issuers })).toThrow('"clientClaims" says where the client is named')
  })
})
