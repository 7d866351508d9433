import { allOf, anyOf, createAuthenticator, not, type Requirement, scope, type VerifiedToken } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { assertRequirement } from '../../../packages/core/src/authorization/requirements.ts'
import type { AuthError } from '../../../packages/core/src/errors/auth-error.ts'

/** A requirement like a step-up (RFC 9470): the user must have authenticated within this many seconds. */
const recent = (maxAge: number): Requirement => ({
  description: `an authentication within ${maxAge} s`,
  scopes: [],
  isMet: ({ claims }, { now }) => typeof claims['auth_time'] === 'number' && now - claims['auth_time'] <= maxAge,
  refusal: { status: 401, error: 'insufficient_user_authentication', parameters: { max_age: String(maxAge) } },
})

const strong: Requirement = {
  description: 'a strong authentication',
  scopes: [],
  isMet: ({ claims }) => claims['acr'] === 'mfa',
  refusal: { status: 401, error: 'insufficient_user_authentication', parameters: { acr_values: 'mfa' } },
}

const detailed: Requirement = {
  description: 'a payment',
  scopes: [],
  isMet: () => false,
  refusal: { status: 403, error: 'insufficient_authorization' },
}

const other = (change: object): Requirement => ({
  ...strong,
  isMet: () => false,
  refusal: { status: 401, error: 'insufficient_user_authentication', parameters: { more: '1' }, ...change },
})

const { publicJwk } = await createTestKeys('ES256')
const authenticator = createAuthenticator({ issuer: null, audience: null, jwks: { keys: [publicJwk] } })
const token: VerifiedToken = { claims: { auth_time: 1000 }, token: 'opaque', scopes: new Set(['a']) }

function refusalOf(requirement: Requirement, now = 1301): AuthError | undefined {
  try {
    void assertRequirement(requirement, token, { now })
    return undefined
  } catch (error) {
    return error as AuthError
  }
}

const summary = (requirement: Requirement): string => {
  const error = refusalOf(requirement)
  return error === undefined
    ? 'met'
    : `${error.status} ${error.code} ${error.error} ${JSON.stringify(error.parameters)}`
}

describe('a requirement with a refusal', () => {
  it('receives the time', () => {
    expect(refusalOf(recent(300), 1300)).toBeUndefined()
    expect(refusalOf(recent(300), 1301)).toMatchObject({ status: 401, error: 'insufficient_user_authentication' })
  })

  const stepUp = '401 requirement_not_met insufficient_user_authentication'
  it.each<readonly [string, Requirement, string]>([
    ['alone', recent(300), `${stepUp} {"max_age":"300"}`],
    ['before a scope', allOf(scope('b'), recent(300)), `${stepUp} {"max_age":"300"}`],
    ['before one of status 403', allOf(detailed, strong), `${stepUp} {"acr_values":"mfa"}`],
    ['not if it is met', allOf(scope('b'), recent(301)), '403 insufficient_scope insufficient_scope {}'],
    ['with another of its type', allOf(recent(300), strong), `${stepUp} {"acr_values":"mfa","max_age":"300"}`],
    ['the first of two values', allOf(recent(60), recent(300)), `${stepUp} {"max_age":"60"}`],
    ['as an alternative', anyOf(scope('b'), strong), `${stepUp} {"acr_values":"mfa"}`],
    ['as an unneeded alternative', anyOf(scope('a'), strong), 'met'],
    ['deeper', allOf(scope('a'), anyOf(scope('b'), allOf(scope('a'), strong))), `${stepUp} {"acr_values":"mfa"}`],
    ['of status 403', allOf(scope('a'), detailed), '403 requirement_not_met insufficient_authorization {}'],
    ['without the parameters of another error', allOf(strong, other({ error: 'x' })), `${stepUp} {"acr_values":"mfa"}`],
    ['without those of another status', allOf(strong, other({ status: 403 })), `${stepUp} {"acr_values":"mfa"}`],
    ['not of the negation', not(recent(301)), '403 requirement_not_met insufficient_scope {}'],
  ])('is reported %s', (_case, requirement, expected) => {
    expect(summary(requirement)).toBe(expected)
  })

  it('has a description only if all of its kind have the same', () => {
    const described = (...descriptions: readonly object[]): unknown =>
      refusalOf(allOf(...descriptions.map((one) => other(one))))?.description
    const [a, b] = [{ description: 'a' }, { description: 'b' }]
    expect([described(a), described(a, a), described(a, b), described(a, {}), described({}, a), described({})]).toEqual(
      ['a', 'a', undefined, undefined, undefined, undefined],
    )
  })

  it('does not come from Object.prototype', () => {
    const prototype = Object.prototype as unknown as Record<string, unknown>
    const polluted = { found: () => ({ x: 1 }), unmet: () => [strong], refusal: strong.refusal, needsFresh: true }
    try {
      Object.assign(prototype, polluted)
      const error = refusalOf({ description: 'own', scopes: [], isMet: () => false })
      expect([error?.status, error?.error, error?.actual]).toEqual([403, 'insufficient_scope', undefined])
      const combined = refusalOf(allOf({ description: 'own', scopes: [], isMet: () => false }))
      expect([combined?.status, combined?.actual]).toEqual([403, 'nothing'])
    } finally {
      for (const name of Object.keys(polluted)) delete prototype[name]
    }
  })

  it('appears in the challenge of the scheme, quoted', () => {
    const outcome = authenticator.authorize(token, {
      ...strong,
      refusal: {
        status: 401,
        error: 'insufficient_user_authentication',
        parameters: { acr_values: 'a "b" \\c', max_age: 'x\ny', realm: 'other', 'no name': 'x' },
      },
    })
    expect(outcome).toMatchObject({
      response: {
        status: 401,
        headers: {
          'www-authenticate':
            'Bearer realm="api", error="insufficient_user_authentication", ' +
            'error_description="The user must authenticate in a stronger or more recent way", acr_values="a \\"b\\" \\\\c"',
        },
      },
    })
  })

  it('cannot turn a refusal into an acceptance', () => {
    const refusal = { status: 200, error: 'x' } as never
    expect(() => authenticator.authorize(token, { ...strong, refusal })).toThrow('does not meet the requirement')
  })
})
