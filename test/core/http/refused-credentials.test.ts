import { describe, expect, it } from 'vitest'
import type { TokenPlace } from '../../../packages/core/src/http/credential-sources.ts'
import {
  extractCredential,
  flawOfRefused,
  type Schemes,
  unsupportedScheme,
} from '../../../packages/core/src/http/credential.ts'
import type { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { request } from '../../support/core/refusal.ts'

const SCHEMES: Schemes = new Map([
  ['bearer', 'Bearer'],
  ['dpop', 'DPoP'],
])
const WELL_FORMED = '"one space and a token of the b64token characters (RFC 6750 section 2.1)"'

/** The credential, or why it is refused. */
async function found(view: ReturnType<typeof request>, ...places: readonly TokenPlace[]): Promise<unknown> {
  try {
    return await extractCredential(view, places, SCHEMES)
  } catch (error) {
    const { code, expected, actual, hint } = error as AuthError
    return [code, expected, actual, hint].filter((each) => each !== undefined)
  }
}

const header: TokenPlace = { from: 'header', name: 'X-Token' }
const cookie: TokenPlace = { from: 'cookie', name: 'jwt' }
const authorization: TokenPlace = { from: 'authorization' }
const extracting = (...values: readonly unknown[]): TokenPlace => ({ from: 'extractToken', read: async () => values })
const form = (fields: object) => ({
  method: 'POST',
  form: async () => fields as never,
})
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

describe('the credential of a request', () => {
  it('is found without waiting, unless a body must be read', () => {
    const view = request({ 'x-token': 'a', cookie: 'jwt=a' })
    expect(extractCredential(view, [header, cookie, { from: 'query' }, authorization])).toEqual({
      scheme: 'Bearer',
      token: 'a',
    })
    expect(extractCredential(request(), [header, { from: 'form' }])).toBeInstanceOf(Promise)
  })

  it.each<readonly [string, Parameters<typeof request>, readonly TokenPlace[], unknown]>([
    [
      'a token without a scheme',
      [{ authorization: 'abc' }],
      [{ from: 'authorization', bareToken: 'accept' }],
      { scheme: 'Bearer', token: 'abc' },
    ],
    [
      'a header with a scheme',
      [{ 'x-token': 'bearer abc' }],
      [{ from: 'header', name: 'X-Token', scheme: 'Bearer' }],
      { scheme: 'Bearer', token: 'abc' },
    ],
    ['a known scheme', [{ authorization: 'dpop abc' }], [authorization], { scheme: 'DPoP', token: 'abc' }],
    [
      'another scheme',
      [{ authorization: 'basic abc' }],
      [authorization],
      { scheme: undefined, name: 'Basic', mayBeToken: false },
    ],
    [
      'an unknown scheme',
      [{ authorization: 'secret abc' }],
      [authorization],
      { scheme: undefined, name: undefined, mayBeToken: false },
    ],
    [
      'a form, before a query',
      [FORM, { ...form({ a: 'x' }), target: '/?b=x' }],
      [
        { from: 'form', name: 'a' },
        { from: 'query', name: 'b' },
      ],
      { scheme: 'Bearer', token: 'x' },
    ],
    [
      'places after a form',
      [
        { ...FORM, cookie: 'jwt=z' },
        { ...form({}), target: '/?b=z' },
      ],
      [{ from: 'form', name: 'a' }, { from: 'query', name: 'b' }, cookie],
      { scheme: 'Bearer', token: 'z' },
    ],
    ['extractToken', [{}], [extracting('abc')], { scheme: 'Bearer', token: 'abc' }],
    ['extractToken that finds nothing', [{}], [extracting()], undefined],
    ['extractToken that finds an empty text', [{}], [extracting('')], undefined],
  ])('is found: %s', async (_, given, places, expected) => {
    expect(await found(request(...given), ...places)).toEqual(expected)
  })

  it.each<readonly [string, Parameters<typeof request>, readonly TokenPlace[], readonly unknown[]]>([
    ['an empty token', [{ authorization: 'Bearer ' }], [authorization], ['credential_malformed', WELL_FORMED]],
    [
      'the scheme twice',
      [{ authorization: 'Bearer Bearer abc' }],
      [authorization],
      ['credential_malformed', WELL_FORMED, 'The scheme is there twice: "Bearer Bearer"'],
    ],
    [
      'a cookie with a scheme',
      [{ cookie: 'jwt=Bearer abc' }],
      [cookie],
      ['credential_malformed', WELL_FORMED, 'The scheme is there twice: "Bearer Bearer"'],
    ],
    ['three words', [{ authorization: 'Bearer a bearer b' }], [authorization], ['credential_malformed', WELL_FORMED]],
    ['three words in a header', [{ 'x-token': 'a bearer b' }], [header], ['credential_malformed', WELL_FORMED]],
    [
      'a header with a scheme',
      [{ 'x-token': 'bearer abc' }],
      [header],
      [
        'credential_malformed',
        '"a token without a scheme"',
        'For a header with one, write scheme: "Bearer" beside its name',
      ],
    ],
    ['no text', [{}], [extracting(1)], ['credential_malformed', '"one text in the extractToken"']],
    ['several values', [{}], [extracting('a', 'b')], ['credential_repeated', '"one value"', '"2 in the extractToken"']],
    [
      'several values in a form',
      [FORM, form({ access_token: ['a', 'b', 'c'] })],
      [{ from: 'form' }],
      ['credential_repeated', '"one value"', '"3 in the form \\"access_token\\""'],
    ],
    [
      'another token after a form',
      [{ ...FORM, cookie: 'jwt=b' }, form({ access_token: 'a' })],
      [{ from: 'form' }, cookie],
      ['credential_repeated', '"one credential"', '"another in the cookie \\"jwt\\""'],
    ],
    [
      'one token with two schemes',
      [{ authorization: 'DPoP abc', cookie: 'jwt=abc' }],
      [authorization, cookie],
      ['credential_repeated', '"one credential"', '"another in the cookie \\"jwt\\""'],
    ],
    [
      'two that may be tokens',
      [{ authorization: 'abc', 'x-token': 'abc' }],
      [authorization, { ...header, scheme: 'Bearer' }],
      ['credential_repeated', '"one credential"', '"another in the header \\"X-Token\\""'],
    ],
  ])('is refused: %s', async (_, given, places, expected) => {
    expect(await found(request(...given), ...places)).toEqual(expected)
  })

  it('with another scheme is refused with the schemes that are accepted', () => {
    const { code, expected, actual, hint } = unsupportedScheme(
      { scheme: undefined, name: 'Basic', mayBeToken: false },
      SCHEMES,
    )
    expect([code, expected, actual, hint]).toEqual([
      'credential_scheme',
      '"Bearer or DPoP"',
      '"Basic"',
      'Send "Authorization: Bearer <token>"',
    ])
  })
})

describe('a token that was refused', () => {
  it.each([
    ['abc', 'token_malformed', undefined],
    ['a.b.c', 'token_expired', undefined],
    ['é', 'token_malformed', 'credential_malformed'],
    ['a.é.c', 'token_encoding', 'credential_malformed'],
    ['a.b=.c', 'token_expired', undefined],
    ['a==.b=.c==', 'token_expired', undefined],
    ['a===.b.c', 'token_expired', 'credential_malformed'],
    ['a.b=.c', 'token_encoding', 'credential_malformed'],
    ['a.b.c=', 'token_encoding', undefined],
    ['x a.b=.c', 'token_expired', 'credential_malformed'],
    ['a.b=.c.d', 'token_expired', 'credential_malformed'],
    [undefined, 'token_expired', undefined],
  ] as const)(
    '%j, for the reason %s, is no well-formed credential if its characters are wrong',
    (token, code, flaw) => {
      expect(flawOfRefused(token, { code })?.code).toBe(flaw)
    },
  )
})
