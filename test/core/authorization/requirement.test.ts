import { describe, expect, it } from 'vitest'
import type { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { VerifiedToken } from '../../../packages/core/src/model/token.ts'
import {
  allOf,
  anyOf,
  anyRole,
  anyScope,
  assertRequirement,
  claim,
  isClaimRequirement,
  isRequirement,
  needsFresh,
  not,
  type Requirement,
  role,
  scope,
} from '../../../packages/core/src/authorization/requirements.ts'

const token: VerifiedToken = {
  claims: {
    sub: 'ada',
    role: 'writer',
    groups: ['a', 'b'],
    level: 3,
    nothing: null,
    realm: { roles: ['admin'] },
    'realm.roles': 'dotted',
  },
  header: { alg: 'ES256' },
  token: 'a.b.c',
  scopes: new Set(['orders:read', 'profile']),
  roles: new Set(['editor', 'author']),
}

const escaped = (text: string): string => text.replaceAll(/[()[\]{}.\\]/g, String.raw`\$&`)

function answer(requirement: Requirement): string {
  try {
    void assertRequirement(requirement, token, { now: 0 })
    return 'met'
  } catch (error) {
    const { status, code, scopes } = error as { status: number; code: string; scopes: readonly string[] }
    return `${status} ${code} ${scopes.join(' ')}`.trim()
  }
}

it('48. no requirement beyond the last one is asked', () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>
  const granting: Requirement = { description: 'x', scopes: [], isMet: () => true }
  try {
    for (const index of ['1', '2', '3']) prototype[index] = granting
    expect(answer(anyOf(scope('x'), scope('y')))).toBe('403 insufficient_scope x y')
    for (const index of ['1', '2', '3']) prototype[index] = { ...granting, isMet: () => false }
    expect(answer(allOf(scope('profile'), scope('orders:read')))).toBe('met')
  } finally {
    for (const index of ['1', '2', '3']) delete prototype[index]
  }
})

function refusalOf(requirement: Requirement): AuthError {
  try {
    void assertRequirement(requirement, token, { now: 0 })
  } catch (error) {
    return error as AuthError
  }
  throw new Error('The requirement is met')
}

describe('requirements', () => {
  it.each<readonly [string, () => Requirement, string]>([
    ['one scope', () => scope('orders:read'), 'met'],
    ['two scopes', () => scope('orders:read', 'profile'), 'met'],
    ['a missing scope', () => scope('orders:read', 'orders:write'), '403 insufficient_scope orders:read orders:write'],
    ['a part of a scope', () => scope('orders'), '403 insufficient_scope orders'],
    ['any of two', () => anyScope('orders:write', 'profile'), 'met'],
    ['any of two missing scopes', () => anyScope('x', 'y'), '403 insufficient_scope x y'],
    ['a role', () => role('editor'), 'met'],
    ['two roles', () => role('editor', 'author'), 'met'],
    ['a missing role', () => role('editor', 'admin'), '403 requirement_not_met'],
    ['a part of a role', () => role('edit'), '403 requirement_not_met'],
    ['any of two roles', () => anyRole('admin', 'author'), 'met'],
    ['any of two missing roles', () => anyRole('admin', 'root'), '403 requirement_not_met'],
    ['a claim', () => claim('role', 'writer'), 'met'],
    ['a claim of another value', () => claim('role', 'reader'), '403 requirement_not_met'],
    ['a claim of another type', () => claim('level', '3'), '403 requirement_not_met'],
    ['an array claim that contains the value', () => claim('groups', 'b'), 'met'],
    ['one of several values', () => claim('role', ['reader', 'writer']), 'met'],
    ['a predicate', () => claim('level', (value) => typeof value === 'number' && value > 2), 'met'],
    ['a predicate that returns false', () => claim('level', () => false), '403 requirement_not_met'],
    ['an absent claim', () => claim('tenant', () => true), '403 requirement_not_met'],
    ['an inherited member', () => claim('toString', () => true), '403 requirement_not_met'],
    ['a claim of null', () => claim('nothing', () => true), '403 requirement_not_met'],
    ['a nested claim', () => claim(['realm', 'roles'], 'admin'), 'met'],
    ['a nested claim of another value', () => claim(['realm', 'roles'], 'root'), '403 requirement_not_met'],
    ['a name with a dot', () => claim('realm.roles', 'dotted'), 'met'],
    ['a list of one name', () => claim(['role'], 'writer'), 'met'],
    ['an inherited nested member', () => claim(['realm', 'toString', 'name'], () => true), '403 requirement_not_met'],
    ['the length of a text', () => claim(['role', 'length'], 6), '403 requirement_not_met'],
    ['an element of an array', () => claim(['groups', '0'], 'a'), '403 requirement_not_met'],
    ['all of', () => allOf(scope('profile'), claim('role', 'writer')), 'met'],
    ['all of, one missing', () => allOf(scope('x'), claim('role', 'writer')), '403 insufficient_scope x'],
    ['any of', () => anyOf(scope('x'), claim('role', 'writer')), 'met'],
    ['any of, none', () => anyOf(scope('x'), scope('y', 'x')), '403 insufficient_scope x y'],
    ['not', () => not(scope('x')), 'met'],
    ['not, of a met requirement', () => not(scope('profile')), '403 requirement_not_met'],
  ])('judges %s', (_, requirement, expected) => {
    expect(answer(requirement())).toBe(expected)
  })

  it('grant no role to a token without roles', () => {
    const { roles: _, ...without } = token
    for (const requirement of [role('editor'), anyRole('editor')])
      expect(() => assertRequirement(requirement, without, { now: 0 })).toThrow(/: expected "role editor", found \[\]$/)
  })

  it('are distinguished from objects that only look like requirements', () => {
    expect([scope('a'), { description: 'own', scopes: [], isMet: () => true }].map(isRequirement)).toEqual([true, true])
    const lookalikes = ['a', null, undefined, true, {}, { isMet: () => true }, { isMet: true, scopes: [] }]
    expect(lookalikes.filter(isRequirement)).toEqual([])
    expect(isRequirement({ isMet: () => true, scopes: 'a' })).toBe(false)
  })

  it.each<readonly [string, () => Requirement, string]>([
    ['a claim', () => claim('role', 'admin'), 'expected "claim role \\"admin\\"", found "writer"'],
    ['a number', () => claim('level', 4), 'expected "claim level 4", found 3'],
    ['an array', () => claim('groups', 'c'), 'expected "claim groups \\"c\\"", found ["a","b"]'],
    [
      'a nested claim',
      () => claim(['realm', 'roles'], 'root'),
      'expected "claim realm.roles \\"root\\"", found ["admin"]',
    ],
    ['an absent claim', () => claim('tenant', 'acme'), 'expected "claim tenant \\"acme\\"", found nothing'],
    ['a claim of null', () => claim('nothing', 'x'), 'expected "claim nothing \\"x\\"", found nothing'],
    ['scopes', () => scope('x'), 'expected "scope x", found ["orders:read","profile"]'],
    [
      'any of two claims',
      () => anyOf(claim('role', 'admin'), claim('level', 9)),
      'expected "any of (claim role \\"admin\\", claim level 9)", found {"role":"writer","level":3}',
    ],
    [
      'any of two claims, one absent',
      () => anyOf(claim('role', 'admin'), claim('tenant', 'acme')),
      'expected "any of (claim role \\"admin\\", claim tenant \\"acme\\")", found {"role":"writer"}',
    ],
    [
      'any of two absent claims',
      () => anyOf(claim('a', 1), claim('b', 2)),
      'expected "any of (claim a 1, claim b 2)", found nothing',
    ],
    [
      'a claim and a scope',
      () => allOf(claim('role', 'admin'), scope('profile')),
      'expected "all of (claim role \\"admin\\", scope profile)", found {"role":"writer","scope":["orders:read","profile"]}',
    ],
    ['a role', () => role('admin'), 'expected "role admin", found ["editor","author"]'],
    ['two roles', () => role('editor', 'admin'), 'expected "role editor and admin", found ["editor","author"]'],
    ['any of two roles', () => anyRole('a', 'b'), 'expected "role a or b", found ["editor","author"]'],
    ['scopes together', () => scope('x', 'y'), 'expected "scope x and y", found ["orders:read","profile"]'],
    ['any of two scopes', () => anyScope('x', 'y'), 'expected "scope x or y", found ["orders:read","profile"]'],
    ['a predicate', () => claim('level', () => false), 'expected "claim level", found 3'],
    ['not', () => not(claim('role', 'writer')), 'expected "not (claim role \\"writer\\")", found "writer"'],
    [
      'a custom requirement with a scope',
      () => ({ description: 'own', scopes: ['x'], isMet: () => false }),
      'expected "own", found ["orders:read","profile"]',
    ],
    ['a custom requirement', () => ({ description: 'own', scopes: [], isMet: () => false }), 'expected "own"'],
  ])('reports what was found instead: %s', (_, requirement, message) => {
    expect(() => assertRequirement(requirement(), token, { now: 0 })).toThrow(new RegExp(`: ${escaped(message)}$`))
  })

  it('shortens and escapes the found value', () => {
    const odd = { ...token, claims: { role: `\u202e${'x '.repeat(5000)}` } }
    const wrong = (): unknown => assertRequirement(claim('role', 'admin'), odd, { now: 0 })
    expect(wrong).toThrow(/found "\\u202e(?:x ){50,60}x?…/)
    expect(wrong).not.toThrow(/\u202e|(?:x ){70}/)
  })

  it('cannot be changed', () => {
    const path = ['realm', 'roles']
    const values = ['admin']
    const requirement = claim(path, values)
    path[1] = 'none'
    values[0] = 'root'
    expect(answer(requirement)).toBe('met')
  })

  it('are frozen with their scopes, also in the error of a refusal', () => {
    const made = [
      scope('a'),
      anyScope('a', 'b'),
      claim('role', 'writer'),
      allOf(scope('a')),
      anyOf(scope('a')),
      not(scope('a')),
    ]
    expect(made.filter((requirement) => !Object.isFrozen(requirement) || !Object.isFrozen(requirement.scopes))).toEqual(
      [],
    )
    const named = ['a']
    const own: Requirement = { description: 'own', scopes: named, isMet: () => false }
    for (const requirement of [scope('a'), own]) {
      const error = refusalOf(requirement)
      expect(() => (error.scopes as string[]).splice(0)).toThrow(TypeError)
      expect(error.scopes).toEqual(['a'])
    }
    expect(Object.isFrozen(named)).toBe(false)
  })

  it('are copied from the given list', () => {
    const list = ['orders:write']
    const requirement = scope(...list)
    list.splice(0)
    expect(answer(requirement)).toBe('403 insufficient_scope orders:write')
  })

  it('describes its needs for logs', () => {
    expect(anyOf(scope('a', 'b'), not(claim('role', 'guest'))).description).toBe(
      'any of (scope a and b, not (claim role "guest"))',
    )
  })

  it('are described for API documents by those that have words', () => {
    const [a, b] = ['a', 'b'].map((text): Requirement => ({ ...scope(text), documentation: `${text} in words` }))
    if (a === undefined || b === undefined) throw new Error('unreachable')
    expect(
      [allOf(a, b), anyOf(a, b), allOf(a, scope('x')), anyOf(a, scope('x')), allOf(scope('x'))].map(
        ({ documentation }) => documentation,
      ),
    ).toEqual(['a in words and b in words', 'a in words or b in words', 'a in words', undefined, undefined])
  })

  it('need a fresh answer if one of them does', () => {
    const fresh = { ...scope('a'), needsFresh: true }
    expect([allOf(scope('x'), fresh), anyOf(fresh, scope('x')), allOf(scope('x')), fresh].map(needsFresh)).toEqual([
      true,
      true,
      false,
      true,
    ])
    expect('needsFresh' in allOf(scope('x'))).toBe(false)
  })

  it.each([
    [claim('role', 'x'), true],
    [{ claim: ['a'], condition: 1 }, true],
    [{ claim: [], condition: 1 }, false],
    [{ claim: 'a', condition: {} }, false],
    [scope('a'), false],
    [null, false],
    ['a', false],
    [undefined, false],
  ])('%j is one of a claim: %j', (value, expected) => {
    expect(isClaimRequirement(value)).toBe(expected)
  })

  it.each<readonly [string, () => unknown, RegExp]>([
    ['no scope', () => scope(), /require scope: name at least one scope/],
    [
      'two scopes in one text',
      () => scope('a b'),
      /require scope: give each scope as one string without spaces.* "a b"/,
    ],
    ['a quote', () => anyScope('a"'), /require anyScope: give each scope as one string without spaces/],
    ['an array of scopes', () => scope(['a'] as unknown as string), /one string without spaces/],
    ['no role', () => role(), /require role: give each role as a string, such as "admin"/],
    ['an empty role', () => anyRole('a', ''), /require anyRole: give each role as a string.* \["a",""\]/],
    ['a number as role', () => role(1 as unknown as string), /require role: give each role as a string/],
    ['no requirement', () => allOf(), /require allOf: give at least one requirement/],
    ['no requirement in anyOf', () => anyOf(), /require anyOf: give at least one requirement/],
    [
      'text as requirement',
      () => not('a' as unknown as Requirement),
      /require not: give requirements such as .*"string"/,
    ],
    ['text among requirements', () => anyOf(scope('a'), 'b' as unknown as Requirement), /give requirements such as/],
    ['fresh() in not', () => not({ ...scope('a'), needsFresh: true }), /require not: leave fresh\(\) out of it/],
    [
      'a regular expression',
      () => claim('role', /x/ as unknown as string),
      /require claim: give "role" a .* predicate/,
    ],
    ['an empty list', () => claim('role', []), /predicate/],
    ['a claim without a name', () => claim('', 'x'), /require claim: name a claim/],
    ['a claim with an empty path', () => claim([], 'x'), /name a claim/],
    ['a claim with an empty name in its path', () => claim(['a', ''], 'x'), /name a claim/],
    ['a path in place of a name', () => claim([['a']] as unknown as string, 'x'), /name a claim/],
  ])('fails at start-up for %s', (_, make, message) => {
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })

  it('waits for answers in order, and asks for no more than it needs', async () => {
    const asked: string[] = []
    const later = (name: string, met: boolean, refusal?: Requirement['refusal']): Requirement => ({
      description: name,
      scopes: [],
      isMet: async () => {
        asked.push(name)
        return met
      },
      ...(refusal && { refusal }),
    })
    const [yes, no, other] = [later('yes', true), later('no', false), later('other', true)]
    const check = async (requirement: Requirement): Promise<unknown> => {
      asked.length = 0
      const checking = assertRequirement(requirement, token, { now: 0 })
      const error = await checking?.catch((thrown: unknown) => thrown)
      return [error === undefined ? 'met' : (error as AuthError).status, ...asked]
    }
    expect(await check(yes)).toEqual(['met', 'yes'])
    expect(await check(not(yes))).toEqual([403, 'yes'])
    expect(await check(not(no))).toEqual(['met', 'no'])
    expect(await check(allOf(yes, scope('profile'), other))).toEqual(['met', 'yes', 'other'])
    expect(await check(anyOf(no, scope('profile'), other))).toEqual(['met', 'no'])
    expect(await check(anyOf(no, yes, other))).toEqual(['met', 'no', 'yes'])
    // Only the tail of a refused list is asked again, for the challenge.
    expect(await check(anyOf(no, not(yes)))).toEqual([403, 'no', 'yes', 'no', 'yes'])
    const stepUp = later('step-up', false, { status: 401, error: 'insufficient_user_authentication' })
    expect(await check(allOf(scope('x'), allOf(yes, stepUp)))).toEqual([401, 'yes', 'step-up', 'yes', 'step-up'])
    expect(assertRequirement(anyOf(scope('profile'), yes), token, { now: 0 })).toBeUndefined()
  })

  it('treats a non-boolean result as a bug, so that a promise lets no request through', () => {
    const later = (async () => false) as unknown as () => boolean
    expect(() => assertRequirement(claim('role', later), token, { now: 0 })).toThrow(TypeError)
    expect(() => assertRequirement(not(claim('role', later)), token, { now: 0 })).toThrow(TypeError)
    const odd: Requirement = { description: 'odd', scopes: [], isMet: (() => 'yes') as unknown as () => boolean }
    expect(() => assertRequirement(odd, token, { now: 0 })).toThrow(/true or false/)
    expect(() => assertRequirement(anyOf(scope('x'), odd), token, { now: 0 })).toThrow(/true or false/)
  })
})
