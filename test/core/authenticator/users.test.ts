import { createAuthenticator, type Requirement, scope } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { propertyOption, setProperty, userOrToken } from '../../../packages/core/src/authenticator/request-property.ts'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'
import { bearer } from '../../support/core/refusal.ts'

const refuses = (code: string) => ({ kind: 'refused', error: { code } })

describe('the user of a token', () => {
  it.each([{ name: 'ada' }, 'ada', 0, '', true])('is what onAuthenticated returns: %j', async (user) => {
    const seen: unknown[] = []
    const onAuthenticated = async (...given: unknown[]) => {
      seen.push(...given)
      return user
    }
    const authenticator = createAuthenticator({ verifier: fakeVerifier(), onAuthenticated })
    const view = bearer('abc')
    expect(authenticator.findsUser).toBe(true)
    const outcome = await authenticator.authenticate(view)
    expect(outcome).toMatchObject({ kind: 'authenticated', user })
    expect(seen).toEqual([(outcome as { token?: unknown }).token, view])
  })

  it.each([undefined, null, false])('refuses the token if it is %j', async (user) => {
    const { authenticate } = createAuthenticator({ verifier: fakeVerifier(), onAuthenticated: async () => user })
    expect(await authenticate(bearer('abc'))).toMatchObject({
      kind: 'refused',
      error: { code: 'token_refused', actual: '"no user"' },
    })
  })

  it('is not asked for without the option, nor for a token that lacks something', async () => {
    const plain = createAuthenticator({ verifier: fakeVerifier() })
    expect(plain.findsUser).toBe(false)
    expect(await plain.authenticate(bearer('abc'))).not.toHaveProperty('user')
    let asked = 0
    const { authenticate } = createAuthenticator({ verifier: fakeVerifier(), onAuthenticated: () => ++asked })
    expect(await authenticate(bearer('abc'), scope('admin'))).toMatchObject(refuses('insufficient_scope'))
    expect(asked).toBe(0)
  })

  it('is a step of explain, which comes last', async () => {
    const explained = async (user: unknown, requirement?: Requirement) => {
      const { explain } = createAuthenticator({ verifier: fakeVerifier(), onAuthenticated: () => user })
      const { accepted, steps } = await explain(bearer('abc'), requirement)
      const { step, result } = steps.at(-1) ?? {}
      return [accepted, step, result]
    }
    expect(await explained('ada')).toEqual([true, 'user', 'passed'])
    expect(await explained(undefined)).toEqual([false, 'user', 'failed'])
    expect(await explained('ada', scope('read'))).toEqual([true, 'user', 'passed'])
    expect(await explained('ada', scope('admin'))).toEqual([false, 'user', 'skipped'])
  })

  it('is not looked for by explain if the token is refused', async () => {
    let asked = 0
    const explain = async () => ({ accepted: false, summary: 'Refused', steps: [] })
    const authenticator = createAuthenticator({ verifier: fakeVerifier({ explain }), onAuthenticated: () => ++asked })
    const { steps } = await authenticator.explain(bearer('abc'))
    expect(steps.at(-1)).toMatchObject({ step: 'user', result: 'skipped' })
    expect(asked).toBe(0)
  })
})

describe('the property of a request', () => {
  it('holds the user, or else the token', () => {
    expect(userOrToken({ token: 't', user: 'ada' })).toBe('ada')
    expect(userOrToken({ token: 't', user: undefined })).toBeUndefined()
    expect(userOrToken({ token: 't' })).toBe('t')
    expect(userOrToken(undefined)).toBeUndefined()
  })

  it('is a member of the request itself, whatever setters its class has', () => {
    class Guarded {
      set user(_: unknown) {
        throw new Error('setter')
      }
    }
    const guarded = new Guarded()
    setProperty(guarded, 'user', 'ada')
    expect(Object.getOwnPropertyDescriptor(guarded, 'user')).toEqual({
      value: 'ada',
      writable: true,
      enumerable: true,
      configurable: true,
    })
  })

  it.each(['user', 'currentUser', 'u2', 'X'])('may be called %s', (name) => {
    expect(propertyOption.fits(name)).toBe(true)
  })

  it.each([
    'auth',
    'headers',
    'body',
    'scheme',
    'aborted',
    'prototype',
    'toString',
    '2u',
    'a-b',
    'a.b',
    '',
    1,
    undefined,
    ['user'],
  ])('may not be called %j', (name) => {
    expect(propertyOption.fits(name)).toBe(false)
  })

  it('must not be undefined, because a name has probably gone missing', () => {
    expect(propertyOption).toMatchObject({ narrows: 'give it a value, or leave it out' })
    expect(propertyOption.be).toContain('a name of letters and digits, such as "user"')
  })
})
