import { describe, expect, it } from 'vitest'
import { hintsBy, kindBy, perTenant, type TenantRule } from '../../../packages/core/src/providers/rules.ts'
import * as words from '../../../packages/core/src/providers/words.ts'
import { profile, type Word, wrongWords } from '../../../packages/core/src/providers/profile.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'

const A = '11111111-2222-4333-8444-aaaaaaaaaaaa'
const B = '11111111-2222-4333-8444-bbbbbbbbbbbb'

/** What a check finds wrong, or nothing. */
function refusal(check: () => unknown): unknown {
  try {
    return check()
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return [error.code, error.expected, error.actual, error.hint]
  }
}

describe('a word of a provider', () => {
  const examples: readonly (readonly [string, () => Word, readonly unknown[], readonly unknown[]])[] = [
    [
      'a host',
      () => words.host('a.example'),
      ['a.example', 'localhost', 'a.example:8443', '[::1]'],
      ['https://a.example', 'a.example/', 'A.example', 'a.example:443', ' a.example', 'a b', '', 1, undefined],
    ],
    [
      'a label',
      () => words.label('acme'),
      ['a', '1', 'acme-1', 'a'.repeat(63)],
      ['-a', 'a-', 'A', 'a.b', 'a_b', 'a'.repeat(64), '', 'a ', 1],
    ],
    [
      'a server',
      () => words.server('https://a.example'),
      ['https://a.example', 'http://a:8080/b'],
      [
        'https://a.example/',
        'a.example',
        'ftp://a.example',
        'https://a.example?b',
        'https://a.example#b',
        'https://u@a.example',
        'https://u:p@a.example',
        '',
        1,
      ],
    ],
    [
      'an address',
      () => words.address('https://a.example/'),
      ['https://a.example/', 'https://a.example'],
      ['a.example', 'https://a.example/?b', 'wss://a.example', 'xhttp://a', ' https://a.example', 1],
    ],
    [
      'a GUID',
      () => words.guid(A),
      [A, A.toUpperCase()],
      [A.slice(1), `${A}a`, `x${A}`, A.replace('-', ''), 'a.example', 1],
    ],
    ['a pattern', () => words.like(/^a+$/, 'a', 'aa'), ['a', 'aaa'], ['b', '', ' a', 1]],
    ['a text', () => words.text('a'), ['a', 'a b'], ['', ' ', 'a ', ' a', 1, ['a'], undefined]],
    ['texts', () => words.texts('a'), ['a', ['a'], ['a', 'b']], ['', [], ['a', 1], [''], 1, undefined]],
    [
      'IDs',
      () => words.ids('1'),
      ['1', 1, ['1', 2], '1'.repeat(20)],
      ['a', '1a', 'a1', '', -1, 1.5, [], ['a'], '1'.repeat(21), undefined],
    ],
    ['a choice', () => words.choice('a', 'b'), ['a', 'b'], ['c', '', 'A', undefined]],
    ['a claim', () => words.rolesWord(), ['roles', ['a', 'b']], ['', [], 1, undefined]],
  ]
  it.each(examples)('is %s', (_, make, right, wrong) => {
    const { fits } = make()
    for (const value of right) expect([value, fits(value)]).toEqual([value, true])
    for (const value of wrong) expect([value, fits(value)]).toEqual([value, false])
  })

  it('has an example, a sentence, and a form in the environment', () => {
    const shown = [
      words.host('h'),
      words.label('l'),
      words.server('s'),
      words.address('a'),
      words.guid('g'),
      words.like(/a/, 'be', 'k'),
      words.text('t'),
      words.texts(['x']),
      words.texts('x', false),
      words.ids('1'),
      words.ids('1', false),
      words.choice('a', 'b'),
      words.rolesWord(),
      words.unseen(words.text('t')),
      words.clients('c'),
      words.needed(words.text('t')),
    ].map(({ be, example, variable, required }) => [be, example, variable, required])
    expect(shown).toEqual([
      ['a host such as "h", without https:// and path', 'h', 'text', undefined],
      ['only the name, such as "l", without https:// and domain', 'l', 'text', undefined],
      ['an address such as "s", without a slash at its end', 's', 'text', undefined],
      ['an address such as "a", exactly as the provider shows it', 'a', 'text', undefined],
      ['a GUID, such as "g", not a name or a domain', 'g', 'text', undefined],
      ['be', 'k', 'text', undefined],
      ['a string, such as "t"', 't', 'text', undefined],
      ['a string or a list of strings, such as ["x"]', ['x'], 'list', undefined],
      ['a string or a list of strings, such as "x"', undefined, 'list', undefined],
      ['the number that is the ID, such as "1", or a list of them, and not a name', '1', 'list', undefined],
      ['the number that is the ID, such as "1", or a list of them, and not a name', undefined, 'list', undefined],
      ['"a" or "b"', undefined, 'text', undefined],
      ['the name of a claim, or a list of names for a nested one', undefined, undefined, undefined],
      ['a string, such as "t"', undefined, 'text', undefined],
      ['a string or a list of strings, such as "c"', undefined, 'list', undefined],
      ['a string, such as "t"', 't', 'text', true],
    ])
  })

  it('selects clients only if there is one', () => {
    expect(words.clientRules(undefined, 'azp')).toEqual({})
    expect(words.clientRules('a', 'azp', ['act', 'sub'])).toEqual({
      clientId: 'a',
      clientClaims: ['azp', ['act', 'sub']],
    })
    expect(words.idTexts(5)).toEqual(['5'])
    expect(words.idTexts(['1', 2])).toEqual(['1', '2'])
  })
})

describe('a profile', () => {
  const make = () =>
    profile<{ readonly domain: string; readonly audience: string; readonly clientId?: string }>({
      name: 'test',
      title: 'Test',
      words: {
        domain: words.needed(words.text('d')),
        audience: words.needed(words.text('a')),
        clientId: words.text('c'),
      },
      wrong: { tenant: 'write "domain"' },
      arrives: '',
      traps: [],
      policy: ({ domain, audience, clientId }) => ({
        issuer: domain,
        audience,
        ...({ clientId } as { clientId: string }),
      }),
    })

  it('gives the policy, without members that are undefined', () => {
    const policy = make()({ domain: 'd', audience: 'a' })
    expect(Object.entries(policy)).toEqual([
      ['issuer', 'd'],
      ['audience', 'a'],
    ])
    expect([Object.isFrozen(policy), Object.getPrototypeOf(policy), make().data.name]).toEqual([true, null, 'test'])
  })

  it.each<readonly [unknown, string]>([
    [{ domain: 'd', audience: 'a', tenant: 't' }, 'Cannot use Test: "tenant" is not what it needs: write "domain"'],
    [undefined, 'Cannot use Test: give an object with "domain" and "audience", found nothing'],
    [null, 'Cannot use Test: give an object with "domain" and "audience", found null'],
    [{ audience: 'a' }, 'Cannot use Test: "domain" must be a string, such as "d"'],
  ])('is refused %j', (given, message) => {
    expect(() => make()(given as never)).toThrow(message)
  })

  it('says what is wrong with words together', () => {
    expect(wrongWords('Test', 'give one')).toEqual(new TypeError('Cannot use Test: give one'))
    expect(wrongWords('Test', 'give one', 'x')).toEqual(new TypeError('Cannot use Test: give one, found "x"'))
  })
})

describe('the kind of a token', () => {
  it.each<readonly [string, object, unknown, unknown]>([
    ['an accepted value', { accept: ['a', 'b'] }, 'b', undefined],
    ['another value', { accept: ['a', 'b'] }, 'c', ['token_type', '"use a or b"', '"c"', 'Hint']],
    ['no value', { accept: ['a'] }, undefined, ['token_type', '"use a"', 'nothing', 'Hint']],
    ['a list', { accept: ['a'] }, ['a'], ['token_type', '"use a"', '["a"]', 'Hint']],
    ['a refused value', { refuse: ['a', 'b'] }, 'a', ['token_type', '"another use than a or b"', '"a"', 'Hint']],
    ['no refused value', { refuse: ['a'] }, 'c', undefined],
    ['no value to refuse', { refuse: ['a'] }, undefined, undefined],
    ['a list that is not refused', { refuse: ['a'] }, ['a'], undefined],
  ])('is told by %s', (_, mark, use, expected) => {
    const check = kindBy({ claim: 'use', hint: 'Hint', ...mark })
    expect(refusal(() => check({ use }))).toEqual(expected)
  })

  it('has every mark, also in nested claims', () => {
    const check = kindBy({ claim: 'a', accept: ['1'], hint: 'A' }, { claim: ['b', 'c'], accept: ['2'], hint: 'B' })
    expect(refusal(() => check({ a: '1', b: { c: '2' } }))).toBeUndefined()
    expect(refusal(() => check({ a: '1', b: { c: '3' } }))).toEqual(['token_type', '"b.c 2"', '"3"', 'B'])
    expect(refusal(() => check({ a: '2', b: { c: '2' } }))).toEqual(['token_type', '"a 1"', '"2"', 'A'])
  })

  it('is hinted at by the issuer, and by no inherited name', () => {
    const hintOf = hintsBy({ 'https://a': 'Hint' })
    expect([hintOf({ iss: 'https://a' }), hintOf({ iss: 'toString' }), hintOf({})]).toEqual([
      'Hint',
      undefined,
      undefined,
    ])
  })
})

describe('an issuer for each tenant', () => {
  const rules = (more: Partial<TenantRule> = {}) =>
    perTenant({
      claim: 'tid',
      values: [A],
      issuer: 'https://i/{tenant}/v2',
      keyIssuers: ['https://i/{tenant}/v2'],
      keyWithoutIssuer: 'refuse',
      ...more,
    })

  it.each<readonly [unknown, readonly string[] | 'any', string | undefined]>([
    [A, [A], `https://i/${A}/v2`],
    [B, [A], undefined],
    [B, [A, B], `https://i/${B}/v2`],
    [[A], [A], undefined],
    [undefined, [A], undefined],
    [B, 'any', `https://i/${B}/v2`],
    [B.toUpperCase(), 'any', undefined],
    [`${B}x`, 'any', undefined],
    [`x${B}`, 'any', undefined],
    ['$&', ['$&'], 'https://i/$&/v2'],
  ])('is that of %j if %j are trusted', (tid, values, issuer) => {
    const { issuerOf, hintOf } = rules({ values })
    expect(issuerOf?.({ tid })).toBe(issuer)
    const hint = `"tid" names no trusted tenant: `
    if (issuer === undefined) expect(hintOf?.({ tid })?.startsWith(hint)).toBe(true)
    else expect(hintOf?.({ tid })).toBeUndefined()
  })

  it.each<readonly [string, object | undefined, Partial<TenantRule>, unknown]>([
    ['no JWK', undefined, {}, undefined],
    ['its issuer', { issuer: `https://i/${A}/v2` }, {}, undefined],
    ['the issuer of every tenant', { issuer: 'https://i/{tenantid}/v2' }, {}, undefined],
    [
      'another issuer',
      { kid: 'k', issuer: `https://i/${B}/v2` },
      {},
      [
        'issuer_mismatch',
        `"https://i/${B}/v2"`,
        '"https://iss"',
        'The key "k" may sign only for the issuer that its JWK names',
      ],
    ],
    ['no issuer', {}, { keyWithoutIssuer: 'accept' }, undefined],
    [
      'no issuer, which it needs',
      { kid: 'k' },
      {},
      [
        'issuer_mismatch',
        '"a key that names its issuer"',
        '"https://iss"',
        'The JWK "k" does not say for which issuer it signs',
      ],
    ],
    ['one of two', { issuer: `https://j/${A}` }, { keyIssuers: ['https://x', 'https://j/{t}'] }, undefined],
  ])('has keys with %s', (_, key, more, expected) => {
    expect(refusal(() => rules(more).checkKey?.({ tid: A, iss: 'https://iss' }, key as never))).toEqual(expected)
  })
})
