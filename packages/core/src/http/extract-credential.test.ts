import { describe, expect, it } from 'vitest'
import { AuthError } from '../errors/auth-error.ts'
import type { FormFields, RequestView } from '../model/request-view.ts'
import type { CredentialSource } from './credential-source.ts'
import { b64TokenFlaw, extractCredential } from './extract-credential.ts'

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
    const flaw = credential && b64TokenFlaw(credential)
    if (flaw) throw flaw
    return credential?.token
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
    ['a padding in the middle', authorization('Bearer a=b'), '400 credential_malformed'],
    ['quotes', authorization('Bearer "a.b.c"'), '400 credential_malformed'],
    ['an empty field', authorization(''), '400 credential_malformed'],
    ['two fields', authorization('Bearer a.b.c', 'Bearer a.b.c'), '400 credential_repeated'],
    ['two tokens joined by a comma', authorization('Bearer a.b.c, Bearer d.e.f'), '400 credential_repeated'],
    ['a comma at the end', authorization('Bearer a.b.c,'), '400 credential_repeated'],
    ['another scheme joined with Bearer', authorization('Basic abc, Bearer a.b.c'), '400 credential_repeated'],
    ['Basic', authorization('Basic YTpi'), '401 credential_scheme'],
    ['DPoP', authorization('DPoP a.b.c'), '401 credential_scheme'],
    ['a scheme that starts like Bearer', authorization('BearerX a.b.c'), '401 credential_scheme'],
    ['a token without a scheme', authorization('a.b.c'), '401 credential_scheme'],
  ])('reads an Authorization header with %s', async (_, parts, expected) => {
    expect(await answer(parts)).toBe(expected)
  })

  it('takes a token without a scheme where that is asked for, and the scheme too', async () => {
    const bare = { from: 'authorization', bareToken: 'accept' } as const
    expect(await answer(authorization('a.b.c'), bare)).toBe('a.b.c')
    expect(await answer(authorization('Bearer a.b.c'), bare)).toBe('a.b.c')
    expect(await answer(authorization('Basic YTpi'), bare)).toBe('401 credential_scheme')
    expect(await answer(authorization('a b'), bare)).toBe('401 credential_scheme')
  })

  it('reads a header of its own', async () => {
    const source = { from: 'header', name: 'X-Access-Token' } as const
    expect(await answer({ headers: [['x-access-token', 'a.b.c']] }, source)).toBe('a.b.c')
    expect(await answer({ headers: [['x-access-token', 'Bearer a.b.c']] }, source)).toBe('400 credential_malformed')
    expect(await answer({}, source)).toBeUndefined()
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
    expect(await answer({ target: '/x?access_token=' }, source)).toBe('400 credential_malformed')
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
    expect(await answer(post({ access_token: { a: 'b' } }), source)).toBe('400 credential_malformed')
    expect(await answer(post({ access_token: 'a.b.c' }, 'application/json'), source)).toBeUndefined()
    expect(await answer(post({ access_token: 'a.b.c' }, form['content-type'], 'GET'), source)).toBeUndefined()
    expect(await answer(post({ other: '1' }), source)).toBeUndefined()
    expect(await answer(post(Object.create({ access_token: 'a.b.c' })), source)).toBeUndefined()
  })

  it('refuses a token in two places at once, even the same one', async () => {
    const parts: Parts = { target: '/?access_token=a.b.c', headers: [['authorization', 'Bearer a.b.c']] }
    expect(await answer(parts, { from: 'authorization' }, { from: 'query' })).toBe('400 credential_repeated')
  })

  it('does not look where it was not told to', async () => {
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
    expect(await answer({ headers: [['cookie', 'session=""']] }, source)).toBe('400 credential_malformed')
  })

  it('reads a query from where it begins, and from nowhere else', async () => {
    const source = { from: 'query' } as const
    expect(await answer({ target: '?access_token=a.b.c' }, source)).toBe('a.b.c')
    expect(await answer({ target: 'access_token=a.b.c' }, source)).toBeUndefined()
    expect(await answer({ target: '/#?access_token=a.b.c' }, source)).toBe('a.b.c')
  })

  it('does not ask for a body that there cannot be', async () => {
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

  it('gives the scheme and the token', async () => {
    expect(await extractCredential(view(authorization('Bearer a.b.c')), [{ from: 'authorization' }])).toEqual({
      scheme: 'Bearer',
      token: 'a.b.c',
    })
  })

  it('explains each refusal without repeating the credential', async () => {
    const messages: string[] = []
    for (const parts of [
      authorization('Bearer'),
      authorization(''),
      authorization('Bearer a.b.c', 'Bearer a.b.c', 'x'),
      authorization('Bearer a.b.c, Bearer d.e.f'),
      authorization('Basic abc, Bearer a.b.c'),
      authorization('Basic YTpi'),
      authorization('a.b.c'),
    ])
      try {
        await extractCredential(view(parts), [{ from: 'authorization' }])
      } catch (error) {
        messages.push((error as Error).message)
      }
    expect(messages).toMatchInlineSnapshot(`
      [
        "The credential is not well formed: expected "one space and a token of the b64token characters (RFC 6750 section 2.1)"",
        "The credential is not well formed: expected "an authentication scheme and a token"",
        "The request carries more than one credential: expected "one credential", found "3 credentials"",
        "The request carries more than one credential: expected "one credential", found "several joined by a comma"",
        "The request carries more than one credential: expected "one credential", found "several joined by a comma"",
        "The request uses an authentication scheme that is not supported here: expected "Bearer", found "Basic". Send "Authorization: Bearer <token>"",
        "The request uses an authentication scheme that is not supported here: expected "Bearer", found "a token without a scheme, or a scheme without a token". Send "Authorization: Bearer <token>"",
      ]
    `)
  })
})
