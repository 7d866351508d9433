// oxlint-disable unicorn/no-thenable -- hostile values on purpose
import { describe, expect, it } from 'vitest'
import { keepSigned, knownSigned, signedClaims, verifiedToken } from '../../../packages/core/src/model/token.ts'
import { assertBoolean, chained, isThenable, valueAt } from '../../../packages/core/src/model/values.ts'

describe('a verified token', () => {
  const parts = {
    claims: { sub: 'ada' },
    header: { alg: 'ES256' },
    scopes: new Set(['a']),
    roles: new Set(['b']),
    key: undefined,
  }

  it('is frozen, and keeps the token out of what shows its members', () => {
    const token = verifiedToken('a.b.c', { ...parts, key: { kid: 'k' } as never })
    expect([token.token, token.key, token.roles, Object.isFrozen(token)]).toEqual([
      'a.b.c',
      { kid: 'k' },
      parts.roles,
      true,
    ])
    expect(Object.keys(token)).toEqual(['claims', 'header', 'scopes', 'roles'])
    expect(verifiedToken('a', { claims: {}, header: undefined, scopes: new Set() } as never).roles).toBeUndefined()
  })
})

describe('the signed claims behind merged ones', () => {
  it.each([
    ['nothing that names the token', { sub: 'b' }, false],
    ['its issuer', { iss: 'other' }, true],
    ['its ID', { jti: '2' }, true],
    ['its expiry', { exp: 2 }, true],
  ])('are known, also by themselves if a schema changed %s', (_, change, isKnown) => {
    const signed = { iss: 'i', jti: '1', exp: 1, sub: 'a' }
    const merged = { ...signed, ...change }
    keepSigned(merged, signed)
    expect(knownSigned(merged)).toBe(signed)
    expect(knownSigned(signed)).toBe(isKnown ? signed : undefined)
    expect(knownSigned({ ...merged })).toBeUndefined()
    expect(signedClaims({ claims: merged })).toBe(signed)
    const copy = { ...merged }
    expect(signedClaims({ claims: copy })).toBe(copy)
  })
})

describe('a value', () => {
  it('continues at once, or with that of a promise later', async () => {
    expect(chained(1, (value) => value + 1)).toBe(2)
    expect(await chained(Promise.resolve(1), (value) => value + 1)).toBe(2)
  })

  it('is a promise if it has a function then', () => {
    const promises = [Promise.resolve(), { then: () => {} }, Object.assign(() => {}, { then: () => {} })]
    expect(promises.filter((value) => !isThenable<unknown>(value))).toEqual([])
    expect([undefined, null, 1, 'a', {}, { then: true }, () => {}].filter((value) => isThenable(value))).toEqual([])
  })

  it('must be a boolean, and a promise in its place ends no process', async () => {
    expect(() => assertBoolean(false, 'A hook')).not.toThrow()
    for (const answer of [undefined, 0, 'true', Promise.reject(new Error('no'))])
      expect(() => assertBoolean(answer, 'A hook')).toThrow(
        new TypeError('A hook must return true or false, not a promise'),
      )
    await new Promise(setImmediate)
  })

  it.each<readonly [string | readonly string[], unknown]>([
    ['a', { b: [1] }],
    [['a', 'b'], [1]],
    [['a', 'b', '0'], undefined],
    [['a', 'c'], undefined],
    [['text', 'length'], undefined],
    ['toString', undefined],
    [['nothing', 'x'], undefined],
  ])('at %j is %j', (path, expected) => {
    expect(valueAt({ a: { b: [1] }, text: 'x', nothing: null }, path)).toEqual(expected)
  })
})
