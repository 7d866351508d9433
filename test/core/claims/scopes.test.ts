import type { Claims } from '@claimgate/core'
import { describe, expect, it } from 'vitest'
import { roleReader, scopeReader, scopeTexts, type ScopeRules } from '../../../packages/core/src/claims/scopes.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'

/** The words that are read, or the code, the expected and the actual value of the refusal. */
function result(read: () => ReadonlySet<string>): unknown {
  try {
    return [...read()]
  } catch (error) {
    if (error instanceof AuthError) return [error.code, error.expected, error.actual].join(' ')
    throw error
  }
}

describe('the roles of a token', () => {
  it.each<readonly [string, unknown, unknown]>([
    ['no claim', undefined, []],
    ['null', null, []],
    ['an empty text', '', []],
    ['a text, which is one role', 'billing admin', ['billing admin']],
    ['a list', ['a', 'b', 'c'], ['a', 'b', 'c']],
    ['an empty list', [], []],
    ['the names of an object', { a: {}, b: { org: 'x' } }, ['a', 'b']],
    ['more than the limit', ['a', 'b', 'c', 'd'], 'claim_too_long "at most 3 roles" 4'],
    ['a number', 5, 'claim_malformed "realm.roles: a string" "a value of type number"'],
    ['a number in a list', ['a', 1], 'claim_malformed "realm.roles: a string" "a value of type number"'],
    ['a control character', 'a\nb', String.raw`claim_malformed "realm.roles: text without control characters" "a\nb"`],
    ['an object that says false', { a: {}, b: false }, 'claim_malformed "realm.roles: an object for each role" false'],
    ['an object that says null', { a: null }, 'claim_malformed "realm.roles: an object for each role" null'],
  ])('are read from %s', (_, roles, expected) => {
    expect(result(() => roleReader(['realm', 'roles'], 3)({ realm: { roles } }))).toEqual(expected)
  })

  it('have the limit of scopes, which the refusal names', () => {
    const hint = expect.stringContaining('"limits.scopes"') as string
    expect(() => roleReader('roles', 1)({ roles: ['a', 'b'] })).toThrow(expect.objectContaining({ hint }))
    const read = scopeReader({ sources: ['scope'], hierarchy: new Map(), limit: 1 }, scopeTexts())
    expect(() => read({ scope: 'a b' })).toThrow(expect.objectContaining({ hint }))
  })

  it('are none without a claim to read them from', () => {
    expect(result(() => roleReader(undefined, 3)({ roles: ['a'], undefined: ['a'] }))).toEqual([])
  })

  it.each<readonly [string, unknown, unknown]>([
    ['objects', { a: { org: 1 }, b: {} }, ['a']],
    ['nothing', undefined, []],
    ['a text', 'a', 'claim_malformed "roles: an object for each role" "a"'],
    ['a list', ['a'], 'claim_malformed "roles: an object for each role" ["a"]'],
  ])('of a provider that says where they are granted are read from %s', (_, roles, expected) => {
    const read = roleReader('roles', 3, (granted) => Object.hasOwn(granted, 'org'))
    expect(result(() => read({ roles }))).toEqual(expected)
  })
})

describe('the scopes of a token', () => {
  const rules = (more: Partial<ScopeRules> = {}): ScopeRules => ({
    sources: ['scope', 'scp'],
    hierarchy: new Map(),
    limit: 3,
    ...more,
  })
  const hierarchy = new Map([
    ['admin', ['write', 'audit']],
    ['write', ['read']],
    ['read', ['write']],
  ])

  it.each<readonly [string, object, Partial<ScopeRules>, unknown]>([
    ['no claim', {}, {}, []],
    ['a text', { scope: 'a b' }, {}, ['a', 'b']],
    ['a text with more spaces', { scope: ' a  b ' }, {}, ['a', 'b']],
    ['a list', { scp: ['a', 'b'] }, {}, ['a', 'b']],
    ['two claims', { scope: 'a b', scp: ['b', 'c'] }, { limit: 4 }, ['a', 'b', 'c']],
    ['two texts', { scope: 'a', scp: 'b' }, {}, ['a', 'b']],
    ['an empty text and a list', { scope: '', scp: ['c'] }, {}, ['c']],
    ['scope of null', { scope: null, scp: 'a' }, {}, ['a']],
    ['another claim of null', { scp: null }, {}, 'claim_malformed "scp: a string" "null"'],
    ['a number', { scope: 1 }, {}, 'claim_malformed "scope: a string" "a value of type number"'],
    ['a number in a list', { scp: ['a', 1] }, {}, 'claim_malformed "scp: a string" "a value of type number"'],
    ['as many as allowed', { scope: 'a b c' }, {}, ['a', 'b', 'c']],
    ['more than the limit', { scope: 'a b c d' }, {}, 'claim_too_long "at most 3 scopes" 4'],
    ['more than the limit together', { scope: 'a b', scp: ['c', 'd'] }, {}, 'claim_too_long "at most 3 scopes" 4'],
    ['a hierarchy', { scope: 'admin' }, { hierarchy }, ['admin', 'write', 'audit', 'read']],
    ['a hierarchy with a circle', { scope: 'read x' }, { hierarchy }, ['read', 'x', 'write']],
    ['another claim', { scope: 'a', permissions: ['b'] }, { sources: ['permissions'] }, ['b']],
  ])('are read from %s', (_, claims, more, expected) => {
    expect(result(() => scopeReader(rules(more), scopeTexts())(claims as Claims))).toEqual(expected)
  })

  it('are cached by text, unless it is long', () => {
    const read = scopeReader(rules(), scopeTexts())
    const isCached = (scope: string): boolean => read({ scope }) === read({ scope })
    expect(['a b', 'c'.repeat(512), 'd'.repeat(513)].map(isCached)).toEqual([true, true, false])
    expect([...read({ scope: 'a b', scp: 'c' })]).toEqual(['a', 'b', 'c'])
    expect([...read({ scope: 'a b' })]).toEqual(['a', 'b'])
  })

  it.each([
    ['scopes', () => scopeReader(rules(), scopeTexts())({ scope: 'a' })],
    ['implied scopes', () => scopeReader(rules({ hierarchy }), scopeTexts())({ scope: 'a' })],
    ['roles', () => roleReader('roles', 3)({ roles: ['a'] })],
    ['no roles', () => roleReader(undefined, 3)({})],
  ])('cannot be changed: %s', (_, read) => {
    const set = read() as Set<string>
    const before = [...set]
    for (const change of [() => set.add('b'), () => set.delete('a'), () => set.clear()])
      expect(change).toThrow(new TypeError('The scopes and roles of a verified token cannot be changed'))
    expect([...set]).toEqual(before)
    expect(Object.isFrozen(set)).toBe(true)
  })
})
