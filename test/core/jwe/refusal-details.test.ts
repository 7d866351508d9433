import { AuthError } from '@claimgate/core'
import { createNestedVerifier, decryptionKeys, decryptJwe } from '@claimgate/core/jwe'
import { describe, expect, it } from 'vitest'
import {
  agree,
  jwt,
  keys,
  nestedWith,
  p256,
  refusalOf,
  rsa,
  seal,
  verifier,
  x25519,
  HEADER,
  rsaPublic,
} from '../../support/core/encrypted.ts'
import { sealRsa } from '../../support/core/seal.ts'
import { fakeVerifier } from '../../support/core/fake-verifier.ts'

/** What a refusal tells, without what is absent. */
const told = ({ code, expected, actual, hint }: AuthError): readonly unknown[] =>
  [code, expected, actual, hint].filter((text) => text !== undefined)

const parts = (count: number): string => Array.from({ length: count }, () => 'e30').join('.')
const ANY = 'It was changed, encrypted to another key, or encrypted in another way than its header says'

describe('39. The refusal of an encrypted token says', () => {
  it.each<readonly [string, () => unknown, readonly unknown[]]>([
    ['no text', () => 1, ['token_malformed', '"a string"', '"number"']],
    ['one part', () => parts(1), ['token_malformed', '"five parts separated by dots"', '"one part"']],
    [
      'a signed token',
      () => jwt,
      [
        'token_malformed',
        '"five parts separated by dots"',
        '"three parts"',
        'This is a signed token that is not encrypted',
      ],
    ],
    ['four parts', () => parts(4), ['token_malformed', '"five parts separated by dots"', '"four parts"']],
    ['six parts', () => parts(6), ['token_malformed', '"five parts separated by dots"', '"more than five parts"']],
    ['ten parts', () => parts(10), ['token_malformed', '"five parts separated by dots"', '"more than five parts"']],
    [
      'a private X25519 epk',
      () => agree(() => ({ ...x25519.publicJwk, d: 'A'.repeat(43) })),
      ['header_malformed', '"epk: a public key"', '"a private key"'],
    ],
    [
      'an epk of another type than its curve',
      () => agree(() => ({ ...x25519.publicJwk, kty: 'EC' })),
      ['header_malformed', '"epk: a public key on P-256, P-384, P-521 or X25519"'],
    ],
    [
      'an epk with padding in its second half',
      () => agree((epk) => ({ ...epk, y: `${String(epk['y'])}=` })),
      ['header_malformed', '"epk: a public key on P-256, P-384, P-521 or X25519"'],
    ],
    ['no enc', () => seal({ enc: undefined }), ['header_malformed', '"enc: a string"', '"undefined"']],
    ['zip', () => seal({ zip: 'DEF' }), ['header_critical', String.raw`"no \"zip\""`, '"zip"']],
    [
      'no cty',
      () => seal({ cty: undefined }),
      ['token_type', '"cty: JWT"', 'nothing', 'A JWE that holds a signed JWT must have cty: "JWT" in its header'],
    ],
    [
      'epk without agreement',
      () => seal({ epk: {} }),
      ['header_malformed', String.raw`"no \"epk\" with RSA-OAEP-256"`, '"epk"'],
    ],
    [
      'apu without agreement',
      () => seal({ apu: 'a' }),
      ['header_malformed', String.raw`"no \"apu\" with RSA-OAEP-256"`, '"apu"'],
    ],
    [
      'apv without agreement',
      () => seal({ apv: 'a' }),
      ['header_malformed', String.raw`"no \"apv\" with RSA-OAEP-256"`, '"apv"'],
    ],
    ['no epk', () => seal({ alg: 'ECDH-ES' }), ['header_malformed', '"epk: a public key"', '"undefined"']],
    [
      'an epk of null',
      () => seal({ alg: 'ECDH-ES', epk: null }),
      ['header_malformed', '"epk: a public key"', '"object"'],
    ],
    [
      'an epk that is a list',
      () => seal({ alg: 'ECDH-ES', epk: [] }),
      ['header_malformed', '"epk: a public key"', '"object"'],
    ],
    [
      'a private epk',
      () => agree((epk, d) => ({ ...epk, d })),
      ['header_malformed', '"epk: a public key"', '"a private key"'],
    ],
    [
      'a secret as epk',
      () => agree(() => ({ kty: 'oct', k: 'c2VjcmV0' })),
      ['header_malformed', '"epk: a public key"', '"a private key"'],
    ],
    [
      'an RSA key as epk',
      () => agree(() => ({ kty: 'RSA', n: rsa.publicJwk.n, e: 'AQAB' })),
      ['header_malformed', '"epk: a public key on P-256, P-384, P-521 or X25519"'],
    ],
    [
      'an epk with null',
      () => agree((epk) => ({ ...epk, a: null })),
      ['header_malformed', '"epk: a public key on P-256, P-384, P-521 or X25519"'],
    ],
    [
      'a padded epk',
      () => agree((epk) => ({ ...epk, x: `${String(epk['x'])}=` })),
      ['header_malformed', '"epk: a public key on P-256, P-384, P-521 or X25519"'],
    ],
    [
      'a short X25519 epk',
      () => agree(() => ({ kty: 'OKP', crv: 'X25519', x: 'AA' })),
      ['header_malformed', '"epk: a public key on P-256, P-384, P-521 or X25519"'],
    ],
    ['a point off the curve', () => agree((epk) => ({ ...epk, y: epk['x'] })), ['token_decryption_failed', ANY]],
    [
      'a point of small order',
      () => agree(() => ({ kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) }), { kid: 'x25519' }),
      ['token_decryption_failed', ANY],
    ],
    [
      'apu that is no text',
      () => agree((epk) => epk, { apu: 1 }),
      ['header_malformed', '"apu: base64url"', '"number"'],
    ],
    [
      'a long apv',
      () => agree((epk) => epk, { apv: 'a'.repeat(257) }),
      ['header_malformed', '"apv: at most 256 characters"', '257', expect.any(String)],
    ],
    [
      'an unknown kid',
      () => seal({ kid: 'other' }),
      ['token_decryption_failed', '["rsa","p256","x25519"]', '"other"', 'There is no decryption key with this kid'],
    ],
    [
      'the kid of another key',
      () => seal({ kid: 'p256' }),
      [
        'token_decryption_failed',
        '"one decryption key that fits RSA-OAEP-256"',
        '0',
        'The key of that kid is for another algorithm, or on another curve',
      ],
    ],
    ['a changed tag', () => `${seal().slice(0, -22)}${'A'.repeat(22)}`, ['token_decryption_failed', ANY]],
    ['a short tag', () => seal().replace(/\.[^.]*$/, '.AAAA'), ['token_decryption_failed', ANY]],
    [
      'a short initialization vector',
      () => seal().replace(/^([^.]*\.[^.]*)\.[^.]*/, '$1.AAAA'),
      ['token_decryption_failed', ANY],
    ],
    ['no encrypted key', () => seal().replace(/^([^.]*)\.[^.]*/, '$1.'), ['token_decryption_failed', ANY]],
    ['a short encrypted key', () => seal().replace(/^([^.]*)\.[^.]*/, '$1.AAAA'), ['token_decryption_failed', ANY]],
  ])('%s', async (_, tokenOf, expected) => {
    expect(told(await refusalOf(tokenOf() as string))).toEqual(expected)
  })

  it.each(['header', 'encrypted key', 'initialization vector', 'ciphertext', 'authentication tag'])(
    'which part is not base64url: %s',
    async (name) => {
      const all = ['header', 'encrypted key', 'initialization vector', 'ciphertext', 'authentication tag']
      const token = seal()
        .split('.')
        .map((part, index) => (all[index] === name ? `*${part.slice(1)}` : part))
        .join('.')
      const { code, message } = await refusalOf(token)
      expect(code).toBe('token_encoding')
      expect(message).toContain(name)
    },
  )

  it('that no key ID was named, and how many keys there would be', async () => {
    const { privateJwk } = p256
    const none = await refusalOf(seal({ kid: undefined }), nestedWith(privateJwk))
    expect(told(none)).toEqual([
      'token_decryption_failed',
      '"one decryption key that fits RSA-OAEP-256"',
      '0',
      'The token names no key ID',
    ])
    const five = Array.from({ length: 5 }, (_, index) => ({ ...rsa.privateJwk, kid: `k${index}` }))
    const [, , actual, hint] = told(await refusalOf(seal({ kid: undefined }), nestedWith(five)))
    expect([actual, String(hint).startsWith('The token names no key ID')]).toEqual(['5', true])
    expect(hint).not.toBe('The token names no key ID')
    const resolve = decryptionKeys(five.slice(0, 2)).resolve({ alg: 'RSA-OAEP-256' }, { issuedBefore: undefined })
    await expect(resolve).rejects.toMatchObject({ code: 'token_decryption_failed', actual: '2' })
  })

  it.each([
    ['two dots too many', 'a.b.c.d.e', 'another encrypted token'],
    ['claims', '{"sub":"ada"}', 'something else'],
  ])('what else was inside: %s', async (_, plaintext, actual) => {
    expect(told(await refusalOf(sealRsa(rsaPublic, { header: HEADER, plaintext })))).toEqual([
      'token_malformed',
      '"a signed JWT of three parts inside the encrypted token"',
      `"${actual}"`,
    ])
  })
})

describe('38. An explanation of an encrypted token', () => {
  it('has a step for decryption', async () => {
    const { accepted, steps } = await nestedWith(keys).explain(seal())
    expect([accepted, steps[0]]).toEqual([
      true,
      {
        step: 'decrypt',
        result: 'passed',
        expected: 'a signed JWT, encrypted',
        actual: '{"alg":"RSA-OAEP-256","enc":"A256GCM","kid":"rsa"}',
      },
    ])
    const other = await nestedWith(keys).explain(seal({ jku: 'https://evil.example' }))
    expect(other.steps[0]?.hint).toContain('jku')
  })

  it('skips every step of the verifier if it cannot be decrypted', async () => {
    const explanation = await nestedWith(keys).explain(seal({ kid: 'other' }))
    expect(explanation).toMatchObject({ accepted: false, code: 'token_decryption_failed' })
    expect(explanation.summary).toMatch(
      /^Refused \(token_decryption_failed\): .*There is no decryption key with this kid/,
    )
    expect(explanation.steps.map(({ step, result }) => `${step} ${result}`)).toEqual([
      'decrypt failed',
      ...['parse', 'issuer', 'algorithm', 'key', 'signature', 'claims'].map((step) => `${step} skipped`),
    ])
    const failing = nestedWith({ resolve: () => Promise.reject(new RangeError('bug')) })
    const bug = await failing.explain(seal())
    expect(bug).toMatchObject({ accepted: false, summary: 'Refused: "bug"' })
    expect(bug.steps[0]).toEqual({ step: 'decrypt', result: 'failed', actual: 'an unexpected error', hint: '"bug"' })
    expect(bug).not.toHaveProperty('code')
  })
})

describe('38. A nested verifier', () => {
  it('tells the time, the issuers and the status of the one inside', () => {
    const nested = nestedWith(keys)
    expect(nested.now?.()).toBe(verifier.now?.())
    expect(nested.accepts?.()).toEqual(verifier.accepts?.())
    expect(nested.status?.()).toEqual(verifier.status?.())
    const own = createNestedVerifier({ verifier: fakeVerifier({ now: () => 7 }), decryption: { keys } })
    expect([own.now?.(), own.accepts?.(), own.status]).toEqual([7, [], undefined])
  })

  it('cannot be made of another one', () => {
    expect(() => createNestedVerifier({ verifier: nestedWith(keys), decryption: { keys } })).toThrow(
      'Cannot create nested verifier: "verifier" must verify signed tokens, and this one decrypts tokens itself',
    )
  })
})

describe('39. The options of decryption', () => {
  it.each<readonly [object, string]>([
    [{ keys, algorithms: [] }, '"algorithms" must list at least one of ECDH-ES, '],
    [{ keys, algorithms: ['RSA1_5'] }, '"algorithms" may hold ECDH-ES, ECDH-ES+A128KW, '],
    [{ keys, algorithms: 'RSA-OAEP-256' }, '"algorithms" must be a list of algorithms, such as ["RSA-OAEP-256"]'],
    [{ keys, encryptions: [] }, '"encryptions" must list at least one of A128GCM, '],
    [{ keys, encryptions: ['A256'] }, '"encryptions" may hold A128GCM, '],
    [{ keys, encryptions: undefined }, '"encryptions" must not be undefined'],
    [{ keys, limits: 5 }, '"limits" must be an object, such as { tokenLength: 32_768 }'],
    [{}, '"keys" must be decryptionKeys(…), or a key to decrypt with'],
    [{ keys: null }, '"keys" must be decryptionKeys(…), or a key to decrypt with'],
  ])('cannot be %j', async (options, message) => {
    await expect(decryptJwe(seal(), options as never)).rejects.toThrow(`Cannot decrypt JWE: ${message}`)
  })

  it('limit the algorithms and the encryptions', async () => {
    const refusal = async (options: object): Promise<unknown> =>
      decryptJwe(seal(), { keys, ...options }).then(
        () => 'decrypted',
        (error: unknown) => told(error as AuthError),
      )
    expect(await refusal({ algorithms: ['RSA-OAEP-256'], encryptions: ['A256GCM'] })).toBe('decrypted')
    expect(await refusal({ algorithms: ['ECDH-ES'] })).toEqual([
      'algorithm_not_allowed',
      '["ECDH-ES"]',
      '"RSA-OAEP-256"',
    ])
    expect(await refusal({ encryptions: ['A128GCM'] })).toEqual(['algorithm_not_allowed', '["A128GCM"]', '"A256GCM"'])
    expect(await refusal({ limits: { tokenLength: 10 } })).toContain('token_too_long')
    expect(await refusal({ limits: { headerLength: 10 } })).toHaveLength(4)
  })

  it.each([
    ['a public key', () => p256.publicKey, 'token_decryption_failed'],
    ['nothing', () => undefined, 'token_decryption_failed'],
    ['a key on another curve', () => x25519.privateKey, 'token_decryption_failed'],
  ])('may have an own source of keys, which gives %s: refused', async (_, keyOf, code) => {
    const source = { resolve: async () => keyOf() as CryptoKey }
    await expect(decryptJwe(seal(), { keys: source })).rejects.toMatchObject({ code })
  })

  it('may have an own source of keys, whose outage is one', async () => {
    const down = { resolve: () => Promise.reject(new AuthError('keys_unavailable')) }
    await expect(decryptJwe(seal(), { keys: down })).rejects.toMatchObject({ code: 'keys_unavailable' })
    const refusing = { resolve: () => Promise.reject(new AuthError('key_not_found')) }
    await expect(decryptJwe(seal(), { keys: refusing })).rejects.toMatchObject({
      code: 'token_decryption_failed',
      hint: ANY,
    })
    const failing = { resolve: () => Promise.reject(new RangeError('bug')) }
    await expect(decryptJwe(seal(), { keys: failing })).rejects.toThrow('bug')
  })
})
