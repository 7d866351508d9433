import {
  allOf,
  anyOf,
  type Claims,
  createAuthenticator,
  not,
  type Requirement,
  scope,
  stepUp,
  type StepUpOptions,
} from '@claimgate/core'
import { createTestClock, createTestKeys } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'
import { toyDpop } from '../../support/adapters/toy-dpop.ts'

const NOW = 1_646_340_198
const clock = createTestClock({ wall: NOW * 1000 })
const { publicJwk } = await createTestKeys('ES256')
const { authorize } = createAuthenticator({
  issuer: null,
  audience: null,
  jwks: { keys: [publicJwk] },
  bindings: [toyDpop],
  clock,
})

/** The status and the challenges of a token with these claims, or `met`. */
function answer(requirement: Requirement, claims: object, scheme = 'Bearer'): string {
  const outcome = authorize(
    { claims: claims as Claims, token: 'x', scopes: new Set(['purchase']) },
    requirement,
    scheme,
  )
  if (outcome instanceof Promise) throw new Error('A step-up answers at once')
  return outcome.kind === 'refused'
    ? `${outcome.response.status} ${outcome.response.headers['www-authenticate']}`.replaceAll('realm="api", ', '')
    : 'met'
}

const bearer = (text: string): string => text.split(', DPoP ')[0] ?? ''

describe('50. the examples of RFC 9470', () => {
  // The token of section 6.1, and the introspection answer of section 6.2.
  const claims = { sub: 'someone@example.net', scope: 'purchase', auth_time: NOW, acr: 'myACR' }

  it('section 3: another authentication level', () => {
    expect(bearer(answer(stepUp({ acr: ['myACR'] }), { ...claims, acr: 'other' }))).toBe(
      '401 Bearer error="insufficient_user_authentication", ' +
        'error_description="A different authentication level is required", acr_values="myACR"',
    )
  })

  it('section 3: a more recent authentication', () => {
    expect(bearer(answer(stepUp({ maxAge: 5 }), { ...claims, auth_time: NOW - 6 }))).toBe(
      '401 Bearer error="insufficient_user_authentication", ' +
        'error_description="More recent authentication is required", max_age="5"',
    )
  })

  it('section 6: the claims of the token', () => {
    expect(answer(stepUp({ acr: ['myACR'], maxAge: 5 }), claims)).toBe('met')
  })
})

describe('50. a step-up', () => {
  it.each<readonly [string, StepUpOptions, object, 'met' | 'refused']>([
    ['the acr', { acr: ['a'] }, { acr: 'a' }, 'met'],
    ['one of several acr', { acr: ['a', 'b'] }, { acr: 'b' }, 'met'],
    ['another acr', { acr: ['a'] }, { acr: 'b' }, 'refused'],
    ['an acr in another case', { acr: ['a'] }, { acr: 'A' }, 'refused'],
    ['a part of an acr', { acr: ['ab'] }, { acr: 'a' }, 'refused'],
    ['no acr', { acr: ['a'] }, {}, 'refused'],
    ['an acr of null', { acr: ['a'] }, { acr: null }, 'refused'],
    ['a list of acr', { acr: ['a'] }, { acr: ['a'] }, 'refused'],
    ['several acr in one text', { acr: ['a', 'b'] }, { acr: 'a b' }, 'refused'],
    ['an inherited acr', { acr: ['a'] }, Object.create({ acr: 'a' }) as object, 'refused'],
    ['all amr', { amr: ['otp', 'pwd'] }, { amr: ['pwd', 'otp', 'mfa'] }, 'met'],
    ['one of two amr', { amr: ['otp', 'pwd'] }, { amr: ['pwd'] }, 'refused'],
    ['an amr that is text', { amr: ['otp'] }, { amr: 'otp' }, 'refused'],
    ['no amr', { amr: ['otp'] }, {}, 'refused'],
    ['a recent time', { maxAge: 300 }, { auth_time: NOW - 300 }, 'met'],
    ['a fraction', { maxAge: 300 }, { auth_time: NOW - 299.5 }, 'met'],
    ['a time too long ago', { maxAge: 300 }, { auth_time: NOW - 301 }, 'refused'],
    ['a clock that is ahead', { maxAge: 300 }, { auth_time: NOW + 60 }, 'met'],
    ['a time in the future', { maxAge: 300 }, { auth_time: NOW + 61 }, 'refused'],
    ['the end of time', { maxAge: 300 }, { auth_time: Number.MAX_VALUE }, 'refused'],
    ['no time', { maxAge: 300 }, {}, 'refused'],
    ['a time of text', { maxAge: 300 }, { auth_time: String(NOW) }, 'refused'],
    ['a time of null', { maxAge: 300 }, { auth_time: null }, 'refused'],
    ['a time that is no number', { maxAge: 300 }, { auth_time: Number.NaN }, 'refused'],
    ['a list of times', { maxAge: 300 }, { auth_time: [NOW] }, 'refused'],
    ['a new token for an old authentication', { maxAge: 300 }, { iat: NOW, auth_time: 0 }, 'refused'],
    ['everything', { acr: ['a'], amr: ['otp'], maxAge: 9 }, { acr: 'a', amr: ['otp'], auth_time: NOW }, 'met'],
    ['all but the acr', { acr: ['a'], amr: ['otp'], maxAge: 9 }, { amr: ['otp'], auth_time: NOW }, 'refused'],
    ['all but the amr', { acr: ['a'], amr: ['otp'], maxAge: 9 }, { acr: 'a', auth_time: NOW }, 'refused'],
    ['all but the time', { acr: ['a'], amr: ['otp'], maxAge: 9 }, { acr: 'a', amr: ['otp'] }, 'refused'],
  ])('with %s', (_, options, claims, expected) => {
    const seen = answer(stepUp(options), claims)
    expect(seen === 'met' ? 'met' : seen.slice(0, 3)).toBe(expected === 'met' ? 'met' : '401')
  })

  const DEFAULT = 'error_description="The user must authenticate in a stronger or more recent way"'

  it('names everything that it demands, in the scheme that was used', () => {
    const requirement = stepUp({ acr: ['urn:mfa', 'urn:pwd'], maxAge: 300 })
    const error = `error="insufficient_user_authentication", ${DEFAULT}`
    const parameters = 'acr_values="urn:mfa urn:pwd", max_age="300"'
    expect(answer(requirement, {})).toBe(`401 Bearer ${error}, ${parameters}, DPoP algs="ES256"`)
    expect(answer(requirement, {}, 'DPoP')).toBe(
      `401 Bearer realm="api", DPoP ${error}, algs="ES256", ${parameters}`.replace('realm="api", ', ''),
    )
  })

  it.each<readonly [string, Requirement, object, string]>([
    ['a missing scope', allOf(scope('admin'), stepUp({ maxAge: 5 })), {}, `401 insufficient_user_authentication`],
    [
      'a missing scope, once it is met',
      allOf(scope('admin'), stepUp({ maxAge: 5 })),
      { auth_time: NOW },
      `403 insufficient_scope`,
    ],
    ['an alternative', anyOf(scope('admin'), stepUp({ maxAge: 5 })), {}, `401 insufficient_user_authentication`],
    ['an alternative that is met', anyOf(scope('purchase'), stepUp({ maxAge: 5 })), {}, `met`],
    ['its negation', not(stepUp({ maxAge: 5 })), { auth_time: NOW }, `403 insufficient_scope`],
  ])('is composed with %s', (_, requirement, claims, expected) => {
    const [status, , error = ''] = answer(requirement, claims).split(' ')
    expect(status === 'met' ? 'met' : `${status} ${error.replace(/error="(\w+)",/, '$1')}`).toBe(expected)
  })

  it('shares a challenge with another one, without the description of either', () => {
    expect(bearer(answer(allOf(stepUp({ acr: ['a'] }), stepUp({ maxAge: 5 })), {}))).toBe(
      `401 Bearer error="insufficient_user_authentication", ${DEFAULT}, acr_values="a", max_age="5"`.replace(
        'acr_values="a", max_age="5"',
        'max_age="5", acr_values="a"',
      ),
    )
  })

  it('says in the log what it found', () => {
    const outcome = authorize(
      { claims: { acr: 'b' }, token: 'x', scopes: new Set() },
      stepUp({ acr: ['a'], maxAge: 5 }),
    )
    expect(outcome).toMatchObject({
      error: {
        message: expect.stringContaining('an authentication with acr a in the last 5 s", found {"acr":"b"}') as string,
      },
    })
  })

  it.each<readonly [StepUpOptions, string, readonly string[]]>([
    [{ acr: ['a', 'b'] }, ' with acr a or b', ['acr']],
    [{ amr: ['a', 'b'] }, ' with amr a and b', ['amr']],
    [{ maxAge: 5 }, ' in the last 5 s', ['auth_time']],
    [{ acr: ['a'], amr: ['b'], maxAge: 5 }, ' with acr a with amr b in the last 5 s', ['acr', 'amr', 'auth_time']],
  ])('of %j is described, and names what it found', (options, text, names) => {
    const { description, documentation, scopes, found } = stepUp(options)
    expect([description, documentation, scopes]).toEqual([`an authentication${text}`, `an authentication${text}`, []])
    expect(Object.keys(found?.({ claims: {}, token: 'x', scopes: new Set() }) ?? {})).toEqual(names)
  })

  it.each<readonly [string, object, RegExp]>([
    ['nothing', {}, /give "acr", "maxAge" or "amr"/],
    ['no options', undefined as unknown as object, /give an object, such as \{ maxAge: 300 \}/],
    ['an empty list', { acr: [] }, /must not be empty/],
    ['no methods', { amr: [] }, /must not be empty/],
    ['a text', { acr: 'a' }, /"acr" must be a list/],
    ['two in one', { acr: ['a b'] }, /each of "acr" must be text without spaces/],
    ['a quote', { acr: ['a"'] }, /each of "acr" must be text without spaces/],
    ['a maxAge of 0', { maxAge: 0 }, /"maxAge" must be a whole number from 1/],
    ['a fraction', { maxAge: 1.5 }, /"maxAge"/],
    ['an undefined list', { acr: undefined, maxAge: 1 }, /"acr" must not be undefined/],
    ['milliseconds', { max_age: 5 }, /there is no option "max_age"; did you mean "maxAge"/],
  ])('stops the start with %s', (_, options, message) => {
    expect(() => stepUp(options)).toThrow(TypeError)
    expect(() => stepUp(options)).toThrow(message)
  })

  it('is read once and frozen', () => {
    const acr = ['a']
    const requirement = stepUp({ acr })
    acr[0] = 'b'
    expect(answer(requirement, { acr: 'a' })).toBe('met')
    expect(
      [requirement, requirement.refusal, requirement.refusal?.parameters].every((one) => Object.isFrozen(one)),
    ).toBe(true)
  })
})
