import { describe, expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { FormFields, RequestView } from '../../../packages/core/src/model/token.ts'
import type { CredentialSource } from '../../../packages/core/src/http/credential-sources.ts'
import { b64TokenFlaw, extractCredential, unsupportedScheme } from '../../../packages/core/src/http/credential.ts'

interface Parts {
  readonly method?: string
  readonly target?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly form?: FormFields
}

function view({ method = 'GET', target = '/', headers = [], form }: Parts): RequestView {
  return {
    method,
    target,
    header: (name) => headers.filter(([field]) => field === name).map(([, value]) => value),
    form: async () => form,
  }
}

async function answer(parts: Parts, ...sources: readonly CredentialSource[]): Promise<unknown> {
  try {
    const places: readonly CredentialSource[] = sources.length > 0 ? sources : [{ from: 'authorization' }]
    const credential = await extractCredential(view(parts), places)
    if (credential === undefined) return undefined
    if (credential.scheme === undefined) return credential.mayBeToken ? 'perhaps a token' : 'foreign'
    const flaw = b64TokenFlaw(credential)
    if (flaw) throw flaw
    return credential.token
  } catch (error) {
    if (error instanceof AuthError) return `${error.status} ${error.code}`
    throw error
  }
}

const authorization = (...values: readonly string[]): Parts => ({
  headers: values.map((value) => ['authorization', value] as const),
})
const form = { 'content-type': 'application/x-www-form-urlencoded' }

describe('extracting a credential', () => {
  it.each([
    ['nothing', authorization(), undefined],
    ['Bearer', authorization('Bearer a.b.c'), 'a.b.c'],
    ['bearer in lower case', authorization('bearer a.b.c'), 'a.b.c'],
    ['BEARER in upper case', authorization('BEARER a.b.c'), 'a.b.c'],
    ['every b64token character', authorization('Bearer aZ09-._~+/=='), 'aZ09-._~+/=='],
    ['no token', authorization('Bearer'), '400 credential_malformed'],
    ['only a space', authorization('Bearer '), '400 credential_malformed'],
    ['two spaces', authorization('Bearer  a.b.c'), '400 credential_malformed'],
    ['a tab', authorization('Bearer\ta.b.c'), '400 credential_malformed'],
    ['a trailing space', authorization('Bearer a.b.c '), '400 credential_malformed'],
    ['padding in the middle', authorization('Bearer a=b'), '400 credential_malformed'],
    ['quotes', authorization('Bearer "a.b.c"'), '400 credential_malformed'],
    ['an empty field', authorization(''), undefined],
    ['an untrimmed empty field', authorization(' \t'), undefined],
    ['two empty fields', authorization('', ''), '400 credential_repeated'],
    ['two joined empty fields', authorization(', '), '400 credential_malformed'],
    ['an empty field joined with Bearer', authorization(', Bearer a.b.c'), '400 credential_repeated'],
    ['Bearer joined with an empty field', authorization('Bearer a.b.c, '), '400 credential_repeated'],
    ['a no-break space', authorization('\u00a0'), '400 credential_malformed'],
    ['two fields', authorization('Bearer a.b.c', 'Bearer a.b.c'), '400 credential_repeated'],
    ['two tokens joined by a comma', authorization('Bearer a.b.c, Bearer d.e.f'), '400 credential_repeated'],
    ['a trailing comma', authorization('Bearer a.b.c,'), '400 credential_repeated'],
    ['another scheme joined with Bearer', authorization('Basic abc, Bearer a.b.c'), '400 credential_repeated'],
    ['Basic', authorization('Basic YTpi'), 'foreign'],
    ['Basic and padding', authorization('bASIC YWI6Yw=='), 'foreign'],
    ['Basic and two spaces', authorization('Basic  YTpi'), 'foreign'],
    ['another scheme and a parameter', authorization('ApiKey key=abc'), 'foreign'],
    ['another scheme and a quoted parameter', authorization('Token token = "a \\" b"'), 'foreign'],
    ['an unknown scheme', authorization('X-Own abc'), 'foreign'],
    ['DPoP', authorization('DPoP a.b.c'), 'perhaps a token'],
    ['DPoP and an opaque token', authorization('dpop abc'), 'perhaps a token'],
    ['a scheme that starts like Bearer', authorization('BearerX a.b.c'), 'perhaps a token'],
    ['a JWT under another scheme', authorization('Token eyJ.e30.x'), 'perhaps a token'],
    ['a prefix of a JWT under another scheme', authorization('Token eyJhbGciOi'), 'perhaps a token'],
    ['a JWT in a parameter', authorization('Token token="eyJhbGciOi"'), 'perhaps a token'],
    ['an encrypted token under another scheme', authorization('JWT a..b.c.d'), 'perhaps a token'],
    ['a token without a scheme', authorization('a.b.c'), 'perhaps a token'],
    ['an opaque token without a scheme', authorization('abcdef'), 'perhaps a token'],
    ['a JWT before its scheme', authorization('a.b.c Bearer'), 'perhaps a token'],
    ['an opaque token before its scheme', authorization('abcdef Bearer'), 'perhaps a token'],
    ['an opaque token before DPoP', authorization('abcdef dpop'), 'perhaps a token'],
    ['another scheme and a space', authorization('Basic '), 'perhaps a token'],
    ['another scheme and two words', authorization('Basic a b'), 'perhaps a token'],
    ['several parameters', authorization('Digest username="a", realm="b"'), 'perhaps a token'],
    ['a comma in a parameter', authorization('Token token="a,b"'), 'perhaps a token'],
    ['another scheme twice', authorization('Basic YTpi, Basic YTpi'), '400 credential_repeated'],
  ])('reads an Authorization header with %s', async (_, parts, expected) => {
    expect(await answer(parts)).toBe(expected)
  })

  it('accepts a token without a scheme if configured, and also with the scheme', async () => {
    const bare = { from: 'authorization', bareToken: 'accept' } as const
    expect(await answer(authorization('a.b.c'), bare)).toBe('a.b.c')
    expect(await answer(authorization('Bearer a.b.c'), bare)).toBe('a.b.c')
    expect(await answer(authorization('Basic YTpi'), bare)).toBe('foreign')
    expect(await answer(authorization('a b c'), bare)).toBe('perhaps a token')
    expect(await answer(authorization(''), bare)).toBeUndefined()
  })

  it('reads a custom header', async () => {
    const source = { from: 'header', name: 'X-Access-Token' } as const
    expect(await answer({ headers: [['x-access-token', 'a.b.c']] }, source)).toBe('a.b.c')
    expect(await answer({ headers: [['x-access-token', 'Bearer a.b.c']] }, source)).toBe('400 credential_malformed')
    expect(await answer({}, source)).toBeUndefined()
    expect(await answer({ headers: [['x-access-token', '']] }, source)).toBeUndefined()
    expect(await answer({ headers: [['x-access-token', ' ']] }, source)).toBeUndefined()
    expect(await answer({ headers: [['x-access-token', ', ']] }, source)).toBe('400 credential_repeated')
  })

  it('reads a header with a scheme, in which gateways forward the Authorization header', async () => {
    const source = { from: 'header', name: 'X-Forwarded-Authorization', scheme: 'Bearer' } as const
    const forwarded = (value: string): Parts => ({ headers: [['x-forwarded-authorization', value]] })
    expect(await answer(forwarded('Bearer a.b.c'), source)).toBe('a.b.c')
    expect(await answer(forwarded('bearer a.b.c'), source)).toBe('a.b.c')
    expect(await answer(forwarded('a.b.c'), source)).toBe('perhaps a token')
    expect(await answer(forwarded('Basic YTpi'), source)).toBe('foreign')
    expect(await answer(forwarded('Bearer'), source)).toBe('400 credential_malformed')
    expect(await answer(forwarded(''), source)).toBeUndefined()
    const both: Parts = { headers: [...(forwarded('bearer a.b.c').headers ?? []), ['authorization', 'Bearer a.b.c']] }
    expect(await answer(both, { from: 'authorization' }, source)).toBe('a.b.c')
  })

  it.each([null, 1, {}, ['a']])('treats the header %j as malformed, and does not throw', async (value) => {
    const headers = ['authorization', 'cookie', 'x-token', 'content-type'].map(
      (name) => [name, value as string] as const,
    )
    const parts = { method: 'POST', headers, form: { access_token: 'a.b.c' } }
    expect(await answer(parts)).toBe('400 credential_malformed')
    expect(await answer(parts, { from: 'cookie', name: 'jwt' })).toBe('400 credential_malformed')
    expect(await answer(parts, { from: 'header', name: 'X-Token' })).toBe('400 credential_malformed')
    expect(await answer(parts, { from: 'form' })).toBeUndefined()
  })

  it('reads a cookie by its exact name, across fields', async () => {
    const source = { from: 'cookie', name: 'session' } as const
    const cookies = (...values: readonly string[]): Parts => ({
      headers: values.map((value) => ['cookie', value] as const),
    })
    expect(await answer(cookies('a=1; session=a.b.c; b=2'), source)).toBe('a.b.c')
    expect(await answer(cookies('session="a.b.c"'), source)).toBe('a.b.c')
    expect(await answer(cookies('a=1', 'session=a.b.c'), source)).toBe('a.b.c')
    expect(await answer(cookies('xsession=a.b.c; sessionx=d'), source)).toBeUndefined()
    expect(await answer(cookies('session=a.b.c; session=d.e.f'), source)).toBe('400 credential_repeated')
  })

  it('reads a query parameter', async () => {
    const source = { from: 'query' } as const
    expect(await answer({ target: '/x?access_token=a.b.c&y=1' }, source)).toBe('a.b.c')
    expect(await answer({ target: 'https://api.example/x?access_token=a.b.c#y' }, source)).toBe('a.b.c')
    expect(await answer({ target: '/x?access_token=a.b.c&access_token=d' }, source)).toBe('400 credential_repeated')
    expect(await answer({ target: '/x?access_token=' }, source)).toBeUndefined()
    expect(await answer({ target: '/x?access_token=&access_token=' }, source)).toBe('400 credential_repeated')
    expect(await answer({ target: '/x??access_token=a.b.c' }, source)).toBeUndefined()
    expect(await answer({ target: '/access_token=a' }, source)).toBeUndefined()
    expect(await answer({ target: '/x?jwt=a.b.c' }, { from: 'query', name: 'jwt' })).toBe('a.b.c')
  })

  it('reads a form field of a request that may have a body', async () => {
    const source = { from: 'form' } as const
    const post = (fields: FormFields, type = form['content-type'], method = 'POST'): Parts => ({
      method,
      headers: [['content-type', type]],
      form: fields,
    })
    expect(await answer(post({ access_token: 'a.b.c' }), source)).toBe('a.b.c')
    expect(await answer(post({ access_token: 'a.b.c' }, `${form['content-type']}; charset=utf-8`), source)).toBe(
      'a.b.c',
    )
    expect(await answer(post({ access_token: ['a.b.c', 'd'] }), source)).toBe('400 credential_repeated')
    expect(await answer(post({ access_token: ['', ''] }), source)).toBe('400 credential_repeated')
    expect(await answer(post({ access_token: ['a.b.c'] }), source)).toBe('a.b.c')
    expect(await answer(post({ access_token: '' }), source)).toBeUndefined()
    expect(await answer(post({ access_token: [] }), source)).toBeUndefined()
    for (const value of [{ a: 'b' }, [['a.b.c']], [{}], null, 1, true, undefined, new String('a.b.c')])
      expect(await answer(post({ access_token: value }), source)).toBe('400 credential_malformed')
    expect(await answer(post(new URLSearchParams('access_token=a.b.c') as never), source)).toBe('a.b.c')
    expect(await answer(post(new URLSearchParams('access_token=a&access_token=b') as never), source)).toBe(
      '400 credential_repeated',
    )
    for (const type of ['application/x-www-form-urlencoded\u00a0', '\u00a0application/x-www-form-urlencoded'])
      expect(await answer(post({ access_token: 'a.b.c' }, type), source)).toBeUndefined()
    expect(await answer(post({ access_token: 'a.b.c' }, 'application/json'), source)).toBeUndefined()
    expect(await answer(post({ access_token: 'a.b.c' }, form['content-type'], 'GET'), source)).toBeUndefined()
    expect(await answer(post({ other: '1' }), source)).toBeUndefined()
    expect(await answer(post(Object.create({ access_token: 'a.b.c' })), source)).toBeUndefined()
  })

  describe('from several places', () => {
    const places = [
      { from: 'authorization' },
      { from: 'header', name: 'X-Token' },
      { from: 'cookie', name: 'jwt' },
      { from: 'query' },
    ] as const
    const sent = (parts: {
      readonly authorization?: string
      readonly header?: string
      readonly cookie?: string
      readonly query?: string
    }): Parts => ({
      target: parts.query === undefined ? '/' : `/?access_token=${parts.query}`,
      headers: Object.entries({
        authorization: parts.authorization,
        'x-token': parts.header,
        cookie: parts.cookie,
      }).filter((entry): entry is [string, string] => entry[1] !== undefined),
    })

    it.each([
      ['the same token in two places', sent({ authorization: 'Bearer a.b.c', cookie: 'jwt=a.b.c' }), 'a.b.c'],
      [
        'the same token in every place',
        sent({ authorization: 'bearer a.b.c', header: 'a.b.c', cookie: 'jwt="a.b.c"', query: 'a.b.c' }),
        'a.b.c',
      ],
      ['an emptied cookie and a header', sent({ authorization: 'Bearer a.b.c', cookie: 'jwt=' }), 'a.b.c'],
      ['an emptied cookie in quotes and a header', sent({ header: 'a.b.c', cookie: 'jwt=""' }), 'a.b.c'],
      ['an empty header and a cookie', sent({ authorization: '', cookie: 'jwt=a.b.c' }), 'a.b.c'],
      ['only empty values', sent({ authorization: '', header: '', cookie: 'jwt=', query: '' }), undefined],
      ['two tokens', sent({ authorization: 'Bearer a.b.c', cookie: 'jwt=d.e.f' }), '400 credential_repeated'],
      ['a token and a longer one', sent({ header: 'a.b.c', query: 'a.b.cc' }), '400 credential_repeated'],
      [
        'two equal tokens and another',
        sent({ authorization: 'Bearer a.b.c', header: 'a.b.c', query: 'd.e.f' }),
        '400 credential_repeated',
      ],
      [
        'equal tokens, one of them twice in its place',
        sent({ authorization: 'Bearer a.b.c', cookie: 'jwt=a.b.c; jwt=a.b.c' }),
        '400 credential_repeated',
      ],
      [
        'a good header and a cookie that was emptied twice',
        sent({ authorization: 'Bearer a.b.c', cookie: 'jwt=; jwt=' }),
        '400 credential_repeated',
      ],
      ['only Bearer and a cookie', sent({ authorization: 'Bearer', cookie: 'jwt=a.b.c' }), '400 credential_malformed'],
      ['Basic and a cookie', sent({ authorization: 'Basic YTpi', cookie: 'jwt=a.b.c' }), 'a.b.c'],
      [
        'Basic and two tokens',
        sent({ authorization: 'Basic YTpi', header: 'a', query: 'b' }),
        '400 credential_repeated',
      ],
      ['DPoP and a cookie', sent({ authorization: 'DPoP a.b.c', cookie: 'jwt=a.b.c' }), '400 credential_repeated'],
      [
        'a token without its scheme and a cookie',
        sent({ authorization: 'a.b.c', cookie: 'jwt=a.b.c' }),
        '400 credential_repeated',
      ],
      [
        'Digest and a cookie',
        sent({ authorization: 'Digest a="b", c="d"', cookie: 'jwt=a' }),
        '400 credential_repeated',
      ],
      ['only Basic', sent({ authorization: 'Basic YTpi', cookie: 'jwt=' }), 'foreign'],
    ])('handles %s', async (_name, parts, expected) => {
      expect(await answer(parts, ...places)).toBe(expected)
      expect(await answer(parts, ...places.toReversed())).toBe(expected)
    })

    it('treats the same token in a form and elsewhere as one', async () => {
      const post = (token: string): Parts => ({
        method: 'POST',
        headers: [
          ['authorization', 'Bearer a.b.c'],
          ['content-type', form['content-type']],
        ],
        form: { access_token: token },
      })
      for (const sources of [
        [places[0], { from: 'form' }],
        [{ from: 'form' }, places[0]],
      ] as const) {
        expect(await answer(post('a.b.c'), ...sources)).toBe('a.b.c')
        expect(await answer(post('d.e.f'), ...sources)).toBe('400 credential_repeated')
        expect(await answer(post(''), ...sources)).toBe('a.b.c')
      }
    })
  })

  it('strips only spaces and tabs from a cookie', async () => {
    const source = { from: 'cookie', name: '__Host-token' } as const
    const cookie = (value: string): Parts => ({ headers: [['cookie', value]] })
    expect(await answer(cookie('a=1; \t__Host-token=a.b.c \t; b=2'), source)).toBe('a.b.c')
    for (const character of ['\u00a0', '\ufeff', '\u2028', '\u3000', '\v', '\f', '\u0085', '\u1680', '\n'])
      expect(await answer(cookie(`a=1; ${character}__Host-token=a.b.c`), source), character).toBeUndefined()
  })

  it('takes time proportional to its input', async () => {
    const cookie = { from: 'cookie', name: 'jwt' } as const
    const began = performance.now()
    for (const value of [`a${' '.repeat(400_000)}b`, ';'.repeat(400_000), ' ;'.repeat(200_000)])
      await answer({ headers: [['cookie', value]] }, cookie)
    for (const value of [
      `x ${' '.repeat(400_000)}`,
      `x a="${'\\a'.repeat(200_000)}`,
      `x ${'a='.repeat(200_000)}`,
      `x .${'a'.repeat(400_000)}`,
    ])
      await answer(authorization(value))
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it('reads only from configured places', async () => {
    expect(
      await answer({ target: '/?access_token=a.b.c', headers: [['cookie', 'access_token=a.b.c']] }),
    ).toBeUndefined()
  })

  it('strips quotes from a cookie only in pairs', async () => {
    const source = { from: 'cookie', name: 'session' } as const
    for (const value of ['"a.b.c', 'a.b.c"', '"', 'x"a"'])
      expect(await answer({ headers: [['cookie', `session=${value}`]] }, source), value).toBe(
        '400 credential_malformed',
      )
    expect(await answer({ headers: [['cookie', 'session=""']] }, source)).toBeUndefined()
  })

  it('reads a query only from its start', async () => {
    const source = { from: 'query' } as const
    expect(await answer({ target: '?access_token=a.b.c' }, source)).toBe('a.b.c')
    expect(await answer({ target: 'access_token=a.b.c' }, source)).toBeUndefined()
    expect(await answer({ target: '/#?access_token=a.b.c' }, source)).toBe('a.b.c')
  })

  it('does not read a body if there can be none', async () => {
    const type: readonly [string, string] = ['content-type', 'application/x-www-form-urlencoded']
    const source = { from: 'form' } as const
    const post = { method: 'POST', target: '/', header: (name: string) => (name === 'content-type' ? [type[1]] : []) }
    expect(await answer({ method: 'HEAD', headers: [type], form: { access_token: 'a.b.c' } }, source)).toBeUndefined()
    expect(await answer({ method: 'POST', headers: [type] }, source)).toBeUndefined()
    expect(await answer({ method: 'POST', form: { access_token: 'a.b.c' } }, source)).toBeUndefined()
    expect(await extractCredential(post, [source])).toBeUndefined()
    const spaced: Parts = {
      method: 'PUT',
      headers: [['content-type', ' Application/X-WWW-Form-URLencoded ; charset=utf-8']],
      form: { access_token: 'a.b.c' },
    }
    expect(await answer(spaced, source)).toBe('a.b.c')
  })

  it('returns the scheme and the token', async () => {
    expect(await extractCredential(view(authorization('Bearer a.b.c')), [{ from: 'authorization' }])).toEqual({
      scheme: 'Bearer',
      token: 'a.b.c',
    })
  })

  it('explains each refusal without repeating the credential', async () => {
    const messages: string[] = []
    for (const parts of [
      authorization('Bearer'),
      authorization('"'),
      authorization('Bearer a.b.c', 'Bearer a.b.c', 'x'),
      authorization('Bearer a.b.c, Bearer d.e.f'),
      authorization('Basic abc, Bearer a.b.c'),
      authorization('basic YTpi'),
      authorization('a.b.c'),
      authorization('a.b.c Bearer'),
      authorization('opaque-token Bearer'),
      { headers: [['x-token', 'Bearer a.b.c']] },
      { headers: [['x-token', 'a.b.c']], target: '/?access_token=d.e.f' },
      { target: '/?access_token=&access_token=' },
    ] satisfies readonly Parts[])
      try {
        const credential = await extractCredential(view(parts), [
          { from: 'authorization' },
          { from: 'header', name: 'X-Token' },
          { from: 'query' },
        ])
        if (credential !== undefined && credential.scheme === undefined)
          throw unsupportedScheme(credential, new Map([['bearer', 'Bearer']]))
      } catch (error) {
        messages.push((error as Error).message)
      }
    expect(messages).toMatchInlineSnapshot(`
      [
        "The credential is not well formed: expected "one space and a token of the b64token characters (RFC 6750 section 2.1)"",
        "The credential is not well formed: expected "an authentication scheme and a token"",
        "The request carries more than one credential: expected "one value", found "3 in the Authorization header"",
        "The request carries more than one credential: expected "one credential", found "several joined by a comma"",
        "The request carries more than one credential: expected "one credential", found "several joined by a comma"",
        "The request uses an authentication scheme that is not supported here: expected "Bearer", found "Basic". Send "Authorization: Bearer <token>"",
        "The request uses an authentication scheme that is not supported here: expected "Bearer", found "an unknown scheme, a token without a scheme, or a scheme without a token". Send "Authorization: Bearer <token>"",
        "The request uses an authentication scheme that is not supported here: expected "Bearer", found "an unknown scheme, a token without a scheme, or a scheme without a token". Send "Authorization: Bearer <token>"",
        "The request uses an authentication scheme that is not supported here: expected "Bearer", found "an unknown scheme, a token without a scheme, or a scheme without a token". Send "Authorization: Bearer <token>"",
        "The credential is not well formed: expected "a token without a scheme". For a header with one, write scheme: "Bearer" beside its name",
        "The request carries more than one credential: expected "one credential", found "another in the query \\"access_token\\""",
        "The request carries more than one credential: expected "one value", found "2 in the query \\"access_token\\""",
      ]
    `)
  })
})
