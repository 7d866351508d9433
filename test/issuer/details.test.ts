import { describe, expect, it } from 'vitest'
import { createIssuer, createLambdaHandler, localSigner, type Signer } from '../../packages/issuer/src/index.ts'
import * as rule from '../../packages/issuer/src/rules.ts'
import { assertSigner, pickMembers, publicPartOf, signJwt } from '../../packages/issuer/src/signer/signer.ts'
import { plainJson } from '../../packages/issuer/src/token.ts'

const ISSUER = 'https://issuer.example'

describe('the claims of a token', () => {
  class Claim {
    readonly a = 1
  }
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)])
  const circle: Record<string, unknown> = {}
  circle['a'] = circle

  it('are copied as JSON, without members that are undefined', () => {
    const given = { a: null, b: 'b', c: true, d: 1.5, e: [1, { f: undefined, g: [] }], h: undefined }
    const copy = plainJson('issue token', '"claims"', given)
    expect(copy).toEqual({ a: null, b: 'b', c: true, d: 1.5, e: [1, { g: [] }] })
    expect(Object.keys(copy)).not.toContain('h')
    expect([Object.getPrototypeOf(copy), copy['e'] === given.e]).toEqual([null, false])
    expect(plainJson('issue token', '"claims"', Object.assign(Object.create(null) as object, { a: 1 }))).toEqual({
      a: 1,
    })
  })

  it.each<readonly [string, unknown, string]>([
    ['nothing', undefined, 'be an object, found undefined'],
    ['null', null, 'be an object, found null'],
    ['a list', [], 'be an object, found an empty array'],
    ['a text', 'a', 'be an object, found "a"'],
    ['NaN', { a: Number.NaN }, 'contain only JSON values, found NaN'],
    ['Infinity', { a: [Infinity] }, 'contain only JSON values, found Infinity'],
    ['a function', { a: () => {} }, 'contain only JSON values, found a function'],
    ['a hole', { a: [undefined] }, 'contain only JSON values, found undefined'],
    ['a bigint', { a: 1n }, 'contain only JSON values, found a bigint'],
    ['a date', { a: new Date(0) }, 'contain only plain objects, found "an instance of a class"'],
    ['an instance', { a: new Claim() }, 'contain only plain objects, found "an instance of a class"'],
    ['a circle', circle, 'not be nested deeper than 64, found "more, or a circle"'],
    ['a member __proto__', JSON.parse('{"a":{"__proto__":1}}'), 'not have a member "__proto__", found "one"'],
  ])('cannot be or have %s', (_, value, message) => {
    expect(() => plainJson('issue token', '"claims"', value)).toThrow(/^Cannot issue token: "claims" must /)
    expect(() => plainJson('issue token', '"claims"', value)).toThrow(message)
  })

  it('may be nested 64 levels deep', () => {
    expect(plainJson('issue token', '"claims"', { a: nested(63) })).toHaveProperty('a')
    expect(() => plainJson('issue token', '"claims"', { a: nested(64) })).toThrow('not be nested deeper than 64')
  })
})

describe('a signer', () => {
  const sign = async () => new Uint8Array(64)
  const good = { alg: 'ES256', kid: 'a', publicJwk: { kty: 'EC' }, sign }

  it.each<readonly [string, unknown, string]>([
    ['nothing', undefined, 'it must be a signer, such as localSigner makes, found undefined'],
    ['null', null, 'it must be a signer, such as localSigner makes, found object'],
    ['a promise', Promise.resolve(good), 'such as localSigner makes, found a promise: await it'],
    ['an object', { ...good, sign: undefined }, 'such as localSigner makes, found an object without "sign"'],
    ['one for secrets', { ...good, alg: 'HS256' }, '"alg" must be an asymmetric signature algorithm, found "HS256"'],
    ['one without kid', { ...good, kid: '' }, '"kid" must have 1 to 256 characters, found ""'],
    ['one with a long kid', { ...good, kid: 'a'.repeat(257) }, '"kid" must have 1 to 256 characters'],
    ['one without a key', { ...good, publicJwk: 'MII' }, '"publicJwk" must be a JWK, found a string of length 3'],
  ])('cannot be %s', (_, signer, message) => {
    expect(() => assertSigner(signer)).toThrow(TypeError)
    expect(() => assertSigner(signer)).toThrow(message)
  })

  it('may be an instance of a class', () => {
    class Own {
      readonly sign = sign
      get alg() {
        return 'ES256'
      }
      get kid() {
        return 'a'.repeat(256)
      }
      get publicJwk() {
        return { kty: 'EC' }
      }
    }
    expect(() => assertSigner(new Own())).not.toThrow()
  })

  it('signs the header and the claims, with its algorithm and key ID first', async () => {
    const inputs: string[] = []
    const logging = {
      ...good,
      sign: async (input: Uint8Array) => (inputs.push(new TextDecoder().decode(input)), Uint8Array.of(1, 2, 3)),
    }
    const token = await signJwt(logging as never, { typ: 'JWT', cty: 'x' }, { sub: 'ada' })
    const [header = '', claims = '', signature = ''] = token.split('.')
    expect(Buffer.from(header, 'base64url').toString()).toBe('{"alg":"ES256","typ":"JWT","kid":"a","cty":"x"}')
    expect(Buffer.from(claims, 'base64url').toString()).toBe('{"sub":"ada"}')
    expect([inputs, signature]).toEqual([[`${header}.${claims}`], 'AQID'])
  })

  it('of this process signs only what it can serialize again', async () => {
    const signer = await localSigner()
    const encoded = (text: string): string => Buffer.from(text).toString('base64url')
    const input = (header: string): Uint8Array => new TextEncoder().encode(`${encoded(header)}.${encoded('{}')}`)
    expect(await signer.sign(input('{"alg":"ES256"}'))).toHaveLength(64)
    await expect(signer.sign(input('{ "alg":"ES256"}'))).rejects.toThrow(
      'Cannot sign: the header must be compact JSON, found "another spelling"',
    )
  })

  it('whose signature does not fit its key issues nothing', async () => {
    const [one, two] = [await localSigner(), await localSigner()]
    const mixed: Signer = { ...one, sign: (input) => two.sign(input) }
    await expect(createIssuer({ issuer: ISSUER, signer: mixed })).rejects.toThrow(
      'Cannot create issuer: "signer" is unfit: its public part must verify what it signs, found "a signature that does not fit"',
    )
  })

  it.each([
    [
      { kty: 'EC', crv: 'P-256', x: 'x', y: 'y', d: 'd', kid: 'k', use: 'sig' },
      { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' },
    ],
    [
      { kty: 'RSA', n: 'n', e: 'e', d: 'd', p: 'p' },
      { kty: 'RSA', n: 'n', e: 'e' },
    ],
    [
      { kty: 'OKP', crv: 'Ed25519', x: 'x', d: 'd' },
      { kty: 'OKP', crv: 'Ed25519', x: 'x' },
    ],
    [
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'p', priv: 's' },
      { kty: 'AKP', alg: 'ML-DSA-44', pub: 'p' },
    ],
    [{ kty: 'oct', k: 'k' }, undefined],
    [{ kty: 'toString' }, undefined],
    [{ kty: 1 }, undefined],
    [{}, undefined],
  ])('publishes of %j only %j', (jwk, expected) => {
    expect(publicPartOf(jwk as never)).toEqual(expected)
    expect(Object.getPrototypeOf(pickMembers(jwk as never, ['kty']))).toBeNull()
  })
})

describe('a rule', () => {
  it.each<readonly [string, () => rule.Rule, readonly unknown[], readonly unknown[]]>([
    ['be a non-empty string', () => rule.text, ['a', ' '], ['', 1, undefined]],
    [
      'be a non-empty string or an array of them',
      () => rule.audiences,
      ['a', ['a', 'b']],
      ['', [], ['a', ''], 1, undefined],
    ],
    ['have 1 to 3 characters', () => rule.textUpTo(3), ['a', 'abc'], ['', 'abcd', 1]],
    ['be one of a, b', () => rule.oneOf(['a', 'b']), ['a', 'b'], ['c', '', undefined]],
    ['be a whole number of seconds from 1 to 5', () => rule.seconds(1, 5), [1, 5], [0, 6, 1.5, '1', Number.NaN]],
    ['be a function', () => rule.callback, [() => {}], ['a', {}, undefined]],
    ['be a key', () => rule.object('be a key'), [{}, []], [null, 'a', undefined]],
    [
      'be an object with a function "now"',
      () => rule.objectWith('now'),
      [{ now: () => 1 }],
      [{}, { now: 1 }, null, () => {}],
    ],
    ['be a signer', () => rule.objectWith('sign', 'be a signer'), [{ sign: () => 1 }], [{}]],
    ['be given', () => rule.anything, [undefined, null, 1], []],
    ['be a non-empty string', () => rule.optional(rule.text), [undefined, 'a'], ['', null]],
  ])('must %s', (must, make, right, wrong) => {
    const made = make()
    expect(made.must).toBe(must)
    for (const value of right) expect([value, made.accepts(value)]).toEqual([value, true])
    for (const value of wrong) expect([value, made.accepts(value)]).toEqual([value, false])
  })

  it('may hide its value', () => {
    const hidden = [
      rule.secret(rule.text),
      rule.callback,
      rule.object('x'),
      rule.objectWith('x'),
      rule.optional(rule.secret(rule.text)),
    ]
    expect(hidden.map(({ secret }) => secret)).toEqual([true, true, true, true, true])
    expect([rule.text, rule.audiences, rule.seconds(1, 2)].map(({ secret }) => secret)).toEqual([false, false, false])
  })
})

describe('the sources of keys', () => {
  it.each<readonly [object, string]>([
    [
      { signer: {}, keys: [] },
      '"signer" and "keys" must not both be given: list all in "signers", in the order of their use',
    ],
    [{ signers: [{}], keys: [{}] }, '"signers" and "keys" must not both be given'],
    [{ signer: {}, algorithm: 'ES256' }, '"algorithm" must be left out beside "signer": each signer has its own'],
    [{ signers: [{}], algorithm: 'ES256' }, '"algorithm" must be left out beside "signers"'],
    [{ signer: undefined }, '"signer" must not be undefined: give it a value, or leave it out'],
    [{ keys: undefined }, '"keys" must not be undefined'],
    [{ signers: undefined }, '"signers" must not be undefined'],
  ])('cannot be %j', async (options, message) => {
    await expect(createIssuer({ issuer: ISSUER, ...options })).rejects.toThrow(`Cannot create issuer: ${message}`)
  })

  it.each<readonly [unknown, string]>([
    ['https://u:p@issuer.example/a', 'https://***@issuer.example'],
    ['https://u@issuer.example/a', 'https://***@issuer.example'],
    ['https://issuer.example?a', '"https://issuer.example?a"'],
    ['https://issuer.example#a', '"https://issuer.example#a"'],
    ['ftp://issuer.example', '"ftp://issuer.example"'],
    [' https://issuer.example', '" https://issuer.example"'],
    ['issuer', '"issuer"'],
    [5, '5'],
  ])('and their issuer cannot be %j', async (issuer, found) => {
    const made = createIssuer({ issuer: issuer as string })
    await expect(made).rejects.toThrow(
      '"issuer" must be an http or https URL without query, fragment or credentials, found ',
    )
    await expect(made).rejects.toThrow(found)
  })

  it.each<readonly [unknown, string]>([
    [undefined, '"signer" must be a signer, a source of signers, or a function that gives one, found undefined'],
    ['a', 'or a function that gives one, found a string of length 1'],
    [Promise.resolve(), 'or a function that gives one, found a promise: give the function that makes it'],
    [{}, 'or a function that gives one, found an object'],
    [{ sign: 1 }, 'Cannot use key: it must be a signer'],
  ])('of a Lambda function cannot be %j', (signer, message) => {
    expect(() => createLambdaHandler({ signer } as never)).toThrow(message)
  })
})
