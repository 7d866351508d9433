import { describe, expect, it } from 'vitest'
import {
  createIssuer,
  createLambdaHandler,
  jwksHandler,
  localSigner,
  publicJwkSet,
} from '../../packages/issuer/src/index.ts'
import { assertNotMissing, knownOptions } from '../../packages/issuer/src/options.ts'
import { own, ownOptions, printable, quote, refusal } from '../../packages/issuer/src/refusal.ts'

describe('the options of an issuer', () => {
  const known = [
    'algorithm',
    'audience',
    'issuer',
    'keys',
    'kid',
    'overlap',
    'setIat',
    'setJti',
    'subject',
    'ttl',
    'typ',
  ]
  const refused =
    (given: object, noun?: 'option' | 'member'): (() => unknown) =>
    () =>
      knownOptions('issue token', given, known, '', noun)

  it.each([
    ['alg', 'algorithm'],
    ['aud', 'audience'],
    ['iss', 'issuer'],
    ['issuerBaseURL', 'issuer'],
    ['privateKey', 'keys'],
    ['key', 'keys'],
    ['keyId', 'kid'],
    ['clockTolerance', 'overlap.clockTolerance'],
    ['publishAhead', 'overlap.publishAhead'],
    ['iat', 'setIat'],
    ['jwtid', 'setJti'],
    ['sub', 'subject'],
    ['expiresIn', 'ttl'],
    ['exp', 'ttl'],
    ['type', 'typ'],
    ['AUDIENCE', 'audience'],
    ['audiences', 'audience'],
    ['audi_ence', 'audience'],
    ['isuer', 'issuer'],
    ['algorthm', 'algorithm'],
    ['subjekt', 'subject'],
    ['issuerx', 'issuer'],
    ['tkl', 'ttl'],
    ['jey', 'keys'],
    ['SETJTI', 'setJti'],
  ])('called %s are told their name %s', (name, expected) => {
    expect(refused({ [name]: 1 })).toThrow(
      new TypeError(`Cannot issue token: there is no option "${name}"; did you mean "${expected}"?`),
    )
  })

  it.each(['zip', 'x', 'ttttttt', 'subjktxx', 'addressee'])('called %s are told all names', (name) => {
    expect(refused({ [name]: 1 })).toThrow(`there is no option "${name}"; the options are ${known.join(', ')}`)
    expect(refused({ [name]: 1 }, 'member')).toThrow(
      `there is no member "${name}"; the members are ${known.join(', ')}`,
    )
  })

  it('are suggested in the spelling that was meant, before a more common name', () => {
    expect(() => knownOptions('issue token', { KEY: 1 }, ['key', 'keys'])).toThrow('did you mean "key"?')
    expect(() => knownOptions('issue token', { KEY: 1 }, ['keys', 'kid'])).toThrow('did you mean "keys"?')
  })

  it('are compared by their first 40 characters', () => {
    const name = `subject${'_'.repeat(33)}${'z'.repeat(99)}`
    expect(refused({ [name]: 1 })).toThrow('did you mean "subject"?')
    expect(refused({ [name.replace('_', '')]: 1 })).toThrow('did you mean "subject"?')
    expect(refused({ [name.replaceAll('_', '')]: 1 })).toThrow('the options are algorithm')
    expect(refused({ [`a${'_'.repeat(39)}`]: 1 })).toThrow('the options are algorithm')
  })

  it('suggest no name that this function does not have', () => {
    expect(() => knownOptions('rotate', { clockTolerance: 1 }, ['ttl'])).toThrow('the options are ttl')
    expect(() => knownOptions('rotate', { a: 1 }, ['ttl'], 'overlap.')).toThrow('there is no option "overlap.a"')
  })

  it.each<readonly [unknown, string]>([
    [undefined, 'options must be an object, found undefined'],
    [null, 'options must be an object, found null'],
    ['secret', 'options must be an object, found a string of length 6'],
    ['', 'options must be an object, found an empty string'],
    [[], 'options must be an object, found an empty array'],
    [[1, 2], 'options must be an object, found an array of 2'],
    [5, 'options must be an object, found 5'],
    [true, 'options must be an object, found true'],
    [() => {}, 'options must be an object, found a function'],
    [new Map(), 'options must be an object, found a Map'],
    [new Error('x'), 'options must be an object, found an Error'],
    [new Uint8Array(1), 'options must be an object, found a Uint8Array'],
  ])('cannot be %j', (given, message) => {
    expect(() => knownOptions('issue token', given as object, known)).toThrow(
      new TypeError(`Cannot issue token: ${message}`),
    )
  })

  it('of a nested object are named with it', () => {
    expect(() => knownOptions('create issuer', 5 as never, known, 'overlap.')).toThrow(
      '"overlap" must be an object, found 5',
    )
    expect(() => knownOptions('create issuer', 5 as never, known, '', 'member')).toThrow('members must be an object')
  })

  it('are read from the object and its class, but not from every object', () => {
    class Options {
      get ttl() {
        return 5
      }
    }
    expect({ ...knownOptions('issue token', new Options() as object, known) }).toEqual({ ttl: 5 })
    expect(own({}, 'toString')).toBeUndefined()
    expect(own(Object.create({ a: 1 }) as object, 'a')).toBe(1)
    expect(
      own(Object.create(Object.assign(Object.create(null) as object, { isPrototypeOf: 1 })) as object, 'isPrototypeOf'),
    ).toBeUndefined()
    expect(Object.getPrototypeOf(ownOptions({ a: 1 }, []))).toBeNull()
  })

  it('must not be undefined if they protect something', () => {
    const assert = (options: object) => (): void => assertNotMissing('create issuer', options, ['keys', 'signer'])
    expect(assert({ signer: undefined })).toThrow(
      'Cannot create issuer: "signer" must not be undefined: give it a value, or leave it out',
    )
    expect(assert({})).not.toThrow()
    expect(assert({ keys: null, other: undefined })).not.toThrow()
  })
})

describe('text in messages', () => {
  it.each([
    ['a', '"a"'],
    ['a"b\n', String.raw`"a\"b\n"`],
    ['a\u202Eb', String.raw`"a\u202eb"`],
    ['a\u2028b', String.raw`"a\u2028b"`],
    ['\u{E0001}', String.raw`"\udb40\udc01"`],
    ['\u0085', String.raw`"\u0085"`],
    ['x '.repeat(40), `"${'x '.repeat(40)}"`],
    ['x '.repeat(41), `"${'x '.repeat(40)}…"`],
    ['eyJhbGciOiJub25lIn0.e30.', '"[hidden]"'],
    [`${'a'.repeat(16)}.${'b'.repeat(16)}.c`, '"[hidden]"'],
    ['a'.repeat(64), `"${'a'.repeat(64)}"`],
    ['a'.repeat(65), '"[hidden]"'],
    ['+'.repeat(65), '"[hidden]"'],
    [`key ${'~'.repeat(100)}`, '"key [hidden]…"'],
  ])('%j is quoted as %s', (text, expected) => {
    expect(quote(text)).toBe(expected)
  })

  it('is printable without quotation marks, and not longer than 320 characters', () => {
    expect(printable('a\nb"')).toBe(String.raw`a\u000ab"`)
    expect(printable('a '.repeat(200))).toBe('a '.repeat(160))
  })

  it('is in an error that has a cause only if there is one', () => {
    const cause = new Error('why')
    expect(refusal('issue token', 'it must be a', 'b', cause)).toMatchObject({
      message: 'Cannot issue token: it must be a, found "b"',
      cause,
    })
    expect(Object.hasOwn(refusal('issue token', 'it must be a', 'b'), 'cause')).toBe(false)
  })
})

describe('what is no issuer, signer or key', () => {
  it.each<readonly [string, () => unknown, string]>([
    [
      'handler',
      () => jwksHandler(undefined as never),
      'Cannot answer requests for keys: give an issuer, which createIssuer makes, found undefined',
    ],
    ['handler', () => jwksHandler({} as never), 'give an issuer, which createIssuer makes, found an object'],
    [
      'signers',
      () => publicJwkSet({} as never),
      'Cannot make JWK Set: give an array of signers, such as [signer], found an object',
    ],
    ['lambda', () => createLambdaHandler({ issuer: 'https://issuer.example', signer: {} } as never), 'Cannot create'],
  ])('is refused at once: %s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  it.each<readonly [unknown, string]>([
    [
      '-----BEGIN PRIVATE KEY-----',
      'Cannot use key: it must be a JWK or a key pair (for PEM there is pemSigner), found a string of length 27',
    ],
    [null, 'it must be a JWK or a key pair (for PEM there is pemSigner), found null'],
    [
      { kty: 'EC', alg: 'HS256' },
      'Cannot use key: its algorithm must be an asymmetric signature algorithm, found "HS256"',
    ],
    [{ kty: 'EC' }, 'Cannot use key: it must be a private JWK for ES256, found an object'],
  ])('is refused as a key: %j', async (key, message) => {
    await expect(localSigner(key as never)).rejects.toThrow(message)
  })

  it('is refused as the issuer of metadata', async () => {
    const issuer = await createIssuer({ issuer: 'https://issuer.example/' })
    expect(() => issuer.metadata({ issuer: 'https://other.example' })).toThrow(
      'Cannot describe issuer: "issuer" must stay "https://issuer.example/", found "https://other.example"',
    )
    expect(issuer.metadata({ issuer: 'https://issuer.example/', a: 1 })).toEqual({
      issuer: 'https://issuer.example/',
      jwks_uri: 'https://issuer.example/.well-known/jwks.json',
      response_types_supported: [],
      grant_types_supported: [],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      a: 1,
    })
  })
})

describe('the copy of a JWK Set', () => {
  it('is current if an object of a class says so', async () => {
    const issuer = await createIssuer({ issuer: 'https://issuer.example' })
    const { etag = '' } = issuer.jwksResponse().headers
    class Request {
      get ifNoneMatch() {
        return etag
      }
    }
    expect(issuer.jwksResponse(new Request())).toMatchObject({ status: 304 })
  })

  it('has an entity tag with one part for each key', async () => {
    const [one, two] = [await localSigner(), await localSigner()]
    const tagOf = async (...signers: (typeof one)[]): Promise<string> => {
      const issuer = await createIssuer({ issuer: 'https://issuer.example', signers })
      return issuer.jwksResponse().headers['etag']?.replaceAll('"', '') ?? ''
    }
    expect(await tagOf(one, two)).toBe(`${await tagOf(one)}.${await tagOf(two)}`)
  })

  it.each(['*', 'W/TAG', 'TAG', '"x", TAG', 'TAG , "x"'])('is current with If-None-Match: %s', async (given) => {
    const issuer = await createIssuer({ issuer: 'https://issuer.example' })
    const { etag = '' } = issuer.jwksResponse().headers
    expect(issuer.jwksResponse({ ifNoneMatch: given.replace('TAG', etag) })).toMatchObject({ status: 304, body: '' })
    for (const other of [`x${etag}`, etag.replaceAll('"', ''), '"x"', '', `${etag}W/`])
      expect(issuer.jwksResponse({ ifNoneMatch: other })).toMatchObject({ status: 200 })
  })
})
