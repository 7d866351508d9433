import { generateKeyPairSync } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { exportPKCS8, exportSPKI, generateKeyPair, SignJWT } from 'jose'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { claim } from '../../../packages/core/src/authorization/requirements.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import {
  accessClaims,
  answerOf,
  AUDIENCE,
  clock,
  createSigningKey,
  ISSUER,
  NOW,
  type SigningKey,
  verifierOptions,
} from '../../support/core/jose-tokens.ts'
import type { Algorithm } from '../../../packages/core/src/model/algorithm.ts'
import type { VerifierEvent } from '../../../packages/core/src/model/events.ts'
import type { VerifierOptions } from '../../../packages/core/src/pipeline/options.ts'
import { createVerifier, verify } from '../../../packages/core/src/pipeline/verifier.ts'

let key: SigningKey
let other: SigningKey

beforeAll(async () => {
  key = await createSigningKey('ES256', 'key-1')
  other = await createSigningKey('ES256', 'key-1')
})

const base = (changes: object = {}): VerifierOptions => verifierOptions(key, changes)
const answer = (token: string, changes: object = {}): Promise<string> =>
  answerOf(createVerifier(base(changes)).verify(token))
const answerTo = async (claims: object, changes: object = {}, header: object = {}): Promise<string> =>
  answer(await key.sign(claims, header), changes)

describe('a verifier', () => {
  it('returns claims, header, token and scopes of an access token, all of them frozen', async () => {
    const token = await key.sign(accessClaims({ cfg: { deep: [{ a: 1 }] } }))
    const verified = await createVerifier(base()).verify(token)
    expect(verified.claims).toEqual(accessClaims({ cfg: { deep: [{ a: 1 }] } }))
    expect(verified.header).toEqual({ alg: 'ES256', kid: 'key-1', typ: 'at+jwt' })
    expect(verified.token).toBe(token)
    expect([...verified.scopes]).toEqual(['orders:read', 'profile'])
    const deep = verified.claims['cfg'] as { deep: { a: number }[] }
    expect(Object.isFrozen(verified) && Object.isFrozen(verified.claims) && Object.isFrozen(verified.header)).toBe(true)
    expect(Object.isFrozen(deep.deep[0])).toBe(true)
    expect(() => (verified.scopes as Set<string>).add('admin')).toThrow(TypeError)
    expect(() => (verified.scopes as Set<string>).delete('profile')).toThrow(TypeError)
    expect(() => (verified.scopes as Set<string>).clear()).toThrow(TypeError)
  })

  it.each<Algorithm>([
    ...(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const),
    ...(['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const),
  ])('verifies %s and refuses the same token with a changed claim', async (algorithm) => {
    const signer = await createSigningKey(algorithm)
    const token = await signer.sign(accessClaims())
    const options = { jwks: signer.jwks, algorithms: [algorithm] }
    expect(await answer(token, options)).toBe('verified')
    const [header, , signature] = token.split('.')
    const changed = Buffer.from(JSON.stringify(accessClaims({ sub: 'eve' }))).toString('base64url')
    expect(await answer(`${header}.${changed}.${signature}`, options)).toBe('signature_invalid')
  })

  it('refuses a signature by another key with the same kid', async () => {
    expect(await answer(await other.sign(accessClaims()))).toBe('signature_invalid')
  })

  it.each([
    ['an algorithm outside the list', { algorithms: ['RS256'] }, 'algorithm_not_allowed'],
    ['another algorithm for the same key', { algorithms: ['ES256', 'ES384'] }, 'verified'],
  ])('compares the algorithm with the list: %s', async (_, changes, expected) => {
    expect(await answerTo(accessClaims(), changes)).toBe(expected)
  })

  it.each([
    ['exp missing', { exp: undefined }, 'claim_missing'],
    ['exp as text', { exp: '1' }, 'claim_malformed'],
    ['exp negative', { exp: -1 }, 'claim_malformed'],
    ['exp in milliseconds', { exp: (NOW + 600) * 1000 }, 'claim_malformed'],
    ['exp just past the tolerance', { exp: NOW - 5 }, 'token_expired'],
    ['exp just within the tolerance', { exp: NOW - 4 }, 'verified'],
    ['nbf just within the tolerance', { nbf: NOW + 5 }, 'verified'],
    ['nbf past the tolerance', { nbf: NOW + 6 }, 'token_not_yet_valid'],
    ['nbf as text', { nbf: 'soon' }, 'claim_malformed'],
    ['iat just within the tolerance', { iat: NOW + 60 }, 'verified'],
    ['iat past the tolerance', { iat: NOW + 61 }, 'token_issued_in_future'],
    ['iat as null', { iat: null }, 'claim_malformed'],
    ['iat missing', { iat: undefined }, 'verified'],
    ['iss missing', { iss: undefined }, 'issuer_missing'],
    ['iss with an extra slash', { iss: `${ISSUER}/` }, 'issuer_mismatch'],
    ['iss in an array', { iss: [ISSUER] }, 'issuer_mismatch'],
    ['aud missing', { aud: undefined }, 'audience_missing'],
    ['aud of another API', { aud: 'https://other.example' }, 'audience_mismatch'],
    ['aud that only contains the name', { aud: `${AUDIENCE}.evil.example` }, 'audience_mismatch'],
    ['aud as an object', { aud: { [AUDIENCE]: true } }, 'claim_malformed'],
    ['aud with a number in it', { aud: [AUDIENCE, 1] }, 'claim_malformed'],
    ['aud with 128 names', { aud: [...Array.from({ length: 127 }, String), AUDIENCE] }, 'verified'],
    ['aud with 129 names', { aud: [...Array.from({ length: 128 }, String), AUDIENCE] }, 'claim_too_long'],
    ['aud empty', { aud: [] }, 'audience_mismatch'],
    ['sub as a number', { sub: 7 }, 'claim_malformed'],
    ['sub with a line break', { sub: 'ada\nadmin' }, 'claim_malformed'],
    ['client_id with a control character', { client_id: 'a\u0007' }, 'claim_malformed'],
    ['azp as an array', { azp: ['a'] }, 'claim_malformed'],
    ['jti as an object', { jti: {} }, 'claim_malformed'],
    ['scope with a line break', { scope: 'a\nb' }, 'claim_malformed'],
    ['scope as an object', { scope: {} }, 'claim_malformed'],
    ['1,024 scopes', { scope: Array.from({ length: 1024 }, (__, index) => `s${index}`).join(' ') }, 'verified'],
    ['1,025 scopes', { scope: Array.from({ length: 1025 }, (__, index) => `s${index}`).join(' ') }, 'claim_too_long'],
    ['the same scope 1,025 times', { scope: Array.from({ length: 1025 }, () => 's').join(' ') }, 'claim_too_long'],
    ['events', { events: {} }, 'token_type'],
    ['cnf', { cnf: { jkt: 'x' } }, 'binding_unsupported'],
    ['an empty cnf', { cnf: {} }, 'binding_unsupported'],
    ['cnf as text', { cnf: 'x' }, 'binding_unsupported'],
    ['cnf as null', { cnf: null }, 'binding_unsupported'],
  ])('judges %s', async (_, changes, expected) => {
    expect(await answerTo(accessClaims(changes))).toBe(expected)
  })

  it('refuses exp that is infinite once parsed', async () => {
    const text = JSON.stringify(accessClaims()).replace(String(NOW + 600), '1e999')
    expect(await answer(await key.sign(text))).toBe('claim_malformed')
  })

  it.each([
    ['no typ', undefined, 'verified'],
    ['JWT', 'JWT', 'verified'],
    ['application/at+jwt in any case', 'Application/AT+JWT', 'verified'],
    ['a DPoP proof', 'dpop+jwt', 'token_type'],
    ['a logout token', 'logout+jwt', 'token_type'],
    ['a security event token', 'secevent+jwt', 'token_type'],
    ['anything else', 'made-up', 'token_type'],
  ])('checks typ: %s', async (_, typ, expected) => {
    expect(await answerTo(accessClaims(), {}, { typ })).toBe(expected)
  })

  it.each(['nonce', 'at_hash', 'c_hash'])('refuses ID token claims unless configured: %s', async (mark) => {
    const claims = accessClaims({ [mark]: 'x' })
    for (const typ of ['JWT', 'at+jwt', undefined]) {
      expect(await answerTo(claims, {}, { typ }), typ).toBe('token_type')
      expect(await answerTo(claims, { idTokens: 'accept' }, { typ }), typ).toBe('verified')
    }
  })

  it('accepts other types by name, and only those', async () => {
    const options = { tokenTypes: ['access+jwt'] }
    expect(await answerTo(accessClaims(), options, { typ: 'access+jwt' })).toBe('verified')
    expect(await answerTo(accessClaims(), options, { typ: 'JWT' })).toBe('token_type')
    expect(await answerTo(accessClaims(), options, { typ: undefined })).toBe('token_type')
  })

  it('requires typ and every claim of RFC 9068 with the profile', async () => {
    const profile = { profile: 'rfc9068' }
    expect(await answerTo(accessClaims(), profile)).toBe('verified')
    expect(await answerTo(accessClaims(), profile, { typ: 'JWT' })).toBe('token_type')
    expect(await answerTo(accessClaims(), profile, { typ: undefined })).toBe('token_type')
    for (const name of ['exp', 'sub', 'client_id', 'iat', 'jti'])
      expect(await answerTo(accessClaims({ [name]: undefined }), profile), name).toBe('claim_missing')
    expect(await answerTo(accessClaims({ aud: undefined }), { ...profile, audience: null })).toBe('claim_missing')
  })

  it('limits age and lifetime, and then requires iat', async () => {
    expect(await answerTo(accessClaims({ iat: NOW - 65 }), { maxAge: 60 })).toBe('verified')
    expect(await answerTo(accessClaims({ iat: NOW - 66 }), { maxAge: 60 })).toBe('token_too_old')
    expect(await answerTo(accessClaims({ iat: undefined }), { maxAge: 60 })).toBe('claim_missing')
    expect(await answerTo(accessClaims(), { maxLifetime: 660 })).toBe('verified')
    expect(await answerTo(accessClaims(), { maxLifetime: 659 })).toBe('token_lifetime_too_long')
    expect(await answerTo(accessClaims({ iat: undefined }), { maxLifetime: 659 })).toBe('claim_missing')
  })

  it('compares the client: client_id, or else azp', async () => {
    expect(await answerTo(accessClaims(), { clientId: 'shop' })).toBe('verified')
    expect(await answerTo(accessClaims({ client_id: undefined, azp: 'shop' }), { clientId: ['x', 'shop'] })).toBe(
      'verified',
    )
    expect(await answerTo(accessClaims({ client_id: 'y', azp: 'shop' }), { clientId: 'shop' })).toBe('claim_mismatch')
    expect(await answerTo(accessClaims({ client_id: undefined }), { clientId: 'shop' })).toBe('claim_missing')
  })

  it('requires claims by name, value and predicate', async () => {
    expect(await answerTo(accessClaims(), { requiredClaims: ['sub', 'jti'] })).toBe('verified')
    expect(await answerTo(accessClaims(), { requiredClaims: ['tenant'] })).toBe('claim_missing')
    expect(await answerTo(accessClaims({ tenant: null }), { requiredClaims: ['tenant'] })).toBe('claim_missing')
    expect(await answerTo(accessClaims(), { requiredClaims: { sub: 'ada' } })).toBe('verified')
    expect(await answerTo(accessClaims(), { requiredClaims: { sub: ['eve', 'ada'] } })).toBe('verified')
    expect(await answerTo(accessClaims(), { requiredClaims: { sub: 'eve' } })).toBe('claim_mismatch')
    expect(await answerTo(accessClaims(), { requiredClaims: { sub: (value: unknown) => value === 'ada' } })).toBe(
      'verified',
    )
    expect(await answerTo(accessClaims(), { requiredClaims: { sub: () => false } })).toBe('claim_mismatch')
    await expect(answerTo(accessClaims(), { requiredClaims: { sub: async () => true } })).rejects.toThrow(TypeError)
  })

  it('accepts any issuer and audience only with an explicit null', async () => {
    expect(await answerTo(accessClaims({ iss: undefined }), { issuer: null })).toBe('verified')
    expect(await answerTo(accessClaims({ iss: 'https://anyone.example' }), { issuer: null })).toBe('verified')
    expect(await answerTo(accessClaims({ aud: undefined }), { audience: null })).toBe('verified')
    expect(await answerTo(accessClaims({ aud: 'b' }), { audience: ['a', 'b'] })).toBe('verified')
  })

  it('tolerates as many seconds as configured', async () => {
    expect(await answerTo(accessClaims({ exp: NOW }), { clockTolerance: 0 })).toBe('token_expired')
    expect(await answerTo(accessClaims({ exp: NOW - 299 }), { clockTolerance: 300 })).toBe('verified')
  })

  it('grants no scope that only Object.prototype has', async () => {
    const verifier = createVerifier(base({ scopeSources: ['scope', 'roles'] }))
    const token = await key.sign(accessClaims({ scope: undefined }))
    Reflect.defineProperty(Object.prototype, 'scope', { value: 'admin', configurable: true })
    Reflect.defineProperty(Object.prototype, 'roles', { value: ['admin'], configurable: true })
    try {
      expect([...(await verifier.verify(token)).scopes]).toEqual([])
    } finally {
      Reflect.deleteProperty(Object.prototype, 'scope')
      Reflect.deleteProperty(Object.prototype, 'roles')
    }
  })

  it('reads scopes as configured, as whole words, with the scopes they imply', async () => {
    const scopesOf = async (claims: object, changes: object = {}): Promise<string[]> => {
      const { scopes } = await createVerifier(base(changes)).verify(
        await key.sign(accessClaims({ scope: undefined, ...claims })),
      )
      return [...scopes]
    }
    expect(await scopesOf({ scope: 'a  b a' })).toEqual(['a', 'b'])
    expect(await scopesOf({ scp: ['a', 'b'] })).toEqual(['a', 'b'])
    expect(await scopesOf({ scp: 'a b' })).toEqual(['a', 'b'])
    expect(await scopesOf({ permissions: ['a'], roles: ['b'] })).toEqual([])
    expect(await scopesOf({ permissions: ['a'], roles: ['b'] }, { scopeSources: ['permissions', 'roles'] })).toEqual([
      'a',
      'b',
    ])
    const scopeHierarchy = { admin: ['write'], write: ['read'], loop: ['loop'] }
    expect(await scopesOf({ scope: 'admin loop' }, { scopeHierarchy })).toEqual(['admin', 'loop', 'write', 'read'])
    expect(await scopesOf({ scope: 'read' }, { scopeHierarchy })).toEqual(['read'])
  })

  it('runs token checks, and treats other errors than refusals as undecided', async () => {
    const check = (run: () => Promise<void>): object => ({ checks: [{ name: 'denylist', check: run }] })
    expect(
      await answerTo(
        accessClaims(),
        check(async () => {}),
      ),
    ).toBe('verified')
    expect(
      await answerTo(
        accessClaims(),
        check(() => Promise.reject(new AuthError('token_refused'))),
      ),
    ).toBe('token_refused')
    expect(
      await answerTo(
        accessClaims(),
        check(() => Promise.reject(new Error('down'))),
      ),
    ).toBe('check_unavailable')
    expect(
      await answerTo(
        accessClaims(),
        check(() => {
          throw new Error('down')
        }),
      ),
    ).toBe('check_unavailable')
  })

  it('verifies as of an earlier time within the lag, and not as of the future', async () => {
    const verifier = createVerifier(base())
    const token = await key.sign(accessClaims({ iat: NOW - 300, exp: NOW - 100 }))
    const at = (time: number, maxLag: number) => verifier.verify(token, { asOf: { time, maxLag } })
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'token_expired' })
    await expect(at(NOW - 200, 600)).resolves.toMatchObject({ claims: { sub: 'ada' } })
    await expect(at(NOW - 200, 199)).rejects.toMatchObject({ code: 'verification_time' })
    await expect(at(NOW + 6, 600)).rejects.toMatchObject({ code: 'verification_time' })
    for (const time of [Number.NaN, NOW * 1000, new Date(NOW * 1000), '1', undefined])
      await expect(at(time as number, 600), String(time)).rejects.toThrow(/"asOf.time" must be seconds since the epoch/)
    await expect(at(NOW + 4, 600)).rejects.toMatchObject({ code: 'token_expired' })
    await expect(at(NOW - 50, 600)).rejects.toMatchObject({ code: 'token_expired' })
    await expect(at(NOW, Number.NaN)).rejects.toThrow(TypeError)
  })

  it('lets a caller confirm a binding itself', async () => {
    const token = await key.sign(accessClaims({ cnf: { jkt: 'x' } }))
    await expect(createVerifier(base()).verify(token, { confirmations: ['jkt'] })).resolves.toBeDefined()
    await expect(createVerifier(base()).verify(token, { confirmations: ['x5t#S256'] })).rejects.toMatchObject({
      code: 'binding_unsupported',
    })
  })

  it('passes codes and no tokens to its listener, and ignores its errors', async () => {
    const events: VerifierEvent[] = []
    const verifier = createVerifier(
      base({
        onEvent: (event: VerifierEvent) => {
          events.push(event)
          throw new Error('listener')
        },
      }),
    )
    const token = await key.sign(accessClaims())
    await verifier.verify(token)
    await expect(verifier.verify(`${token}x`)).rejects.toBeInstanceOf(AuthError)
    expect(events).toEqual([
      { type: 'token.verified', duration: expect.any(Number), cached: false },
      { type: 'token.rejected', code: expect.any(String), duration: expect.any(Number) },
    ])
  })

  it('reads its listener at start-up, so that a getter that throws later does not prevent an answer', async () => {
    let made = false
    const options = Object.defineProperty(base(), 'onEvent', {
      get: () => {
        if (made) throw new Error('getter')
        return undefined
      },
    })
    const verifier = createVerifier(options)
    made = true
    const token = await key.sign(accessClaims())
    await expect(verifier.verify(token)).resolves.toMatchObject({ token })
    await expect(verifier.verify(await other.sign(accessClaims()))).rejects.toMatchObject({ code: 'signature_invalid' })
  })

  describe('verify() with a new options object for each call', () => {
    const calls = async (count: number, options: () => VerifierOptions): Promise<void> => {
      const token = await key.sign(accessClaims())
      for (let call = 0; call < count; call += 1) await verify(token, options())
    }
    const setUp = (issuer: string) => {
      const events: VerifierEvent[] = []
      let fetches = 0
      const options = (): VerifierOptions =>
        base({
          issuer: ISSUER,
          jwks: undefined,
          jwksUri: `${issuer}/jwks`,
          fetch: async () => {
            fetches += 1
            return Response.json(key.jwks)
          },
          onEvent: (event: VerifierEvent) => events.push(event),
        })
      const recreated = (): readonly VerifierEvent[] => events.filter(({ type }) => type === 'verifier.recreated')
      return { options, recreated, fetches: () => fetches }
    }

    it('fetches keys 200 times for 200 calls, and emits one event about it', async () => {
      const { options, recreated, fetches } = setUp('https://recreated.example')
      await calls(200, options)
      expect(fetches()).toBe(200)
      expect(recreated()).toEqual([{ type: 'verifier.recreated', issuer: ISSUER, count: 10 }])
    })

    it('fetches once, without such an event, if the object is kept', async () => {
      const { options, recreated, fetches } = setUp('https://kept.example')
      const kept = options()
      await calls(200, () => kept)
      expect([fetches(), recreated()]).toEqual([1, []])
    })

    it('emits no such event for nine, nor for several issuers, nor for createVerifier', async () => {
      const { options, recreated } = setUp('https://nine.example')
      await calls(9, options)
      let tenant = 0
      await calls(50, () => {
        tenant += 1
        return { ...options(), jwksUri: `https://tenant-${tenant}.example/jwks` } as VerifierOptions
      })
      for (let made = 0; made < 50; made += 1) createVerifier(options())
      expect(recreated()).toEqual([])
    })
  })

  it('keeps a verifier per options object for verify()', async () => {
    let resolved = 0
    const options: VerifierOptions = {
      issuer: ISSUER,
      audience: AUDIENCE,
      clock,
      keys: {
        resolve: async () => {
          resolved += 1
          return key.publicKey
        },
      },
    }
    const token = await key.sign(accessClaims())
    await verify(token, options)
    await verify(token, options)
    expect(resolved).toBe(2)
    await expect(verify('nonsense', options)).rejects.toBeInstanceOf(AuthError)
  })
})

describe('keys in the configuration', () => {
  it('accepts SPKI PEM, also with escaped line breaks, and in base64', async () => {
    const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
    const pem = await exportSPKI(publicKey)
    const token = await new SignJWT(accessClaims())
      .setProtectedHeader({ alg: 'RS256', kid: 'whatever' })
      .sign(privateKey)
    for (const text of [pem, pem.replaceAll('\n', '\\n'), Buffer.from(pem).toString('base64'), ` ${pem} `])
      expect(await answer(token, { jwks: undefined, publicKey: text })).toBe('verified')
    const psToken = await key.sign(accessClaims())
    expect(await answer(psToken, { jwks: undefined, publicKey: pem })).toBe('algorithm_key_mismatch')
    const secretText = await exportPKCS8(privateKey)
    expect(() => createVerifier(base({ jwks: undefined, publicKey: secretText }))).toThrow(/holds a private key/)
  })

  it('rejects a PEM that is weak, damaged, or fits no algorithm at start-up', async () => {
    const ready = async (text: string, algorithms?: readonly Algorithm[]): Promise<void> =>
      createVerifier(base({ jwks: undefined, publicKey: text, ...(algorithms && { algorithms }) })).ready()
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const pem = await exportSPKI(publicKey)
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' })
    await expect(ready(pem)).resolves.toBeUndefined()
    await expect(ready(pem, ['ES256'])).resolves.toBeUndefined()
    await expect(ready(pem, ['RS256'])).rejects.toThrow(
      /is an EC key on P-256: name an algorithm of it in "algorithms"/,
    )
    await expect(ready(String(weak))).rejects.toThrow(/not fit for use: weak/)
    await expect(ready(pem.replace('MFkw', 'AAAA'))).rejects.toThrow(TypeError)
  })

  it('never uses the public key as an HMAC secret', async () => {
    const { publicKey } = await generateKeyPair('RS256', { extractable: true })
    const pem = await exportSPKI(publicKey)
    const token = await new SignJWT(accessClaims())
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(pem))
    expect(await answer(token, { jwks: undefined, publicKey: pem })).toBe('algorithm_not_allowed')
  })

  it('accepts an HMAC secret of the hash length or longer', async () => {
    const secret = 's'.repeat(64)
    for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
      const token = await new SignJWT(accessClaims())
        .setProtectedHeader({ alg: algorithm })
        .sign(new TextEncoder().encode(secret))
      expect(await answer(token, { jwks: undefined, secret, algorithms: [algorithm] })).toBe('verified')
      expect(await answer(token, { jwks: undefined, secret: 't'.repeat(64), algorithms: [algorithm] })).toBe(
        'signature_invalid',
      )
    }
  })

  it('accepts a key source, and refuses a key of another type from it', async () => {
    const token = await key.sign(accessClaims())
    const from = (found: unknown): object => ({ jwks: undefined, keys: { resolve: async () => found } })
    const { privateKey } = await generateKeyPair('ES256')
    const { publicKey: rsaKey } = await generateKeyPair('RS256')
    expect(await answer(token, from(key.publicKey))).toBe('verified')
    expect(await answer(token, from(privateKey))).toBe('algorithm_key_mismatch')
    expect(await answer(token, from(rsaKey))).toBe('algorithm_key_mismatch')
    expect(await answer(token, from(undefined))).toBe('algorithm_key_mismatch')
    await expect(
      answer(token, { jwks: undefined, keys: { resolve: () => Promise.reject(new Error('bug')) } }),
    ).rejects.toThrow('bug')
  })

  it('asks a key source once more after a signature that does not verify', async () => {
    const token = await key.sign(accessClaims())
    const asked: string[] = []
    const keys = {
      resolve: async () => other.publicKey,
      resolveAgain: async (header: { kid?: string }) => {
        asked.push(String(header.kid))
        return key.publicKey
      },
    }
    expect(await answer(token, { jwks: undefined, keys })).toBe('verified')
    expect(await answer(token, { jwks: undefined, keys: { ...keys, resolveAgain: async () => undefined } })).toBe(
      'signature_invalid',
    )
    expect(await answer(token, { jwks: undefined, keys: { ...keys, resolveAgain: async () => other.publicKey } })).toBe(
      'signature_invalid',
    )
    expect(asked).toEqual(['key-1'])
  })
})

describe('several issuers', () => {
  const policy = (issuer: string, signer: SigningKey, changes: object = {}): object => ({
    issuer,
    audience: AUDIENCE,
    jwks: signer.jwks,
    ...changes,
  })
  const both = (): object => ({
    issuer: undefined,
    audience: undefined,
    jwks: undefined,
    issuers: [policy('https://a.example', key), policy('https://b.example', other, { audience: 'b' })],
  })

  it('uses separate keys for each issuer even with the same kid', async () => {
    expect(await answer(await key.sign(accessClaims({ iss: 'https://a.example' })), both())).toBe('verified')
    expect(await answer(await other.sign(accessClaims({ iss: 'https://b.example', aud: 'b' })), both())).toBe(
      'verified',
    )
    expect(await answer(await other.sign(accessClaims({ iss: 'https://a.example' })), both())).toBe('signature_invalid')
    expect(await answer(await other.sign(accessClaims({ iss: 'https://b.example' })), both())).toBe('audience_mismatch')
    expect(await answer(await key.sign(accessClaims({ iss: 'https://c.example' })), both())).toBe('issuer_unknown')
    expect(await answer(await key.sign(accessClaims({ iss: undefined })), both())).toBe('issuer_missing')
    expect(await answer(await key.sign(accessClaims({ iss: ['https://a.example'] })), both())).toBe('issuer_unknown')
  })

  it('keeps the result of a function as long as it is the same, also if claim() creates it again', async () => {
    const requiredClaims = () => ['sub', claim(['client_id'], ['shop'])]
    const keys = { resolve: async () => key.publicKey, current: () => key.publicKey }
    const verifier = createVerifier({
      clock,
      issuers: async (iss) => ({ issuer: iss, audience: AUDIENCE, keys, requiredClaims: requiredClaims() }),
    })
    const first = await verifier.verify(await key.sign(accessClaims()))
    expect(await verifier.verify(first.token)).toBe(first)
  })

  it('looks issuers up with a function, keeps their keys, and cannot decide if it throws', async () => {
    const asked: string[] = []
    let fetched = 0
    const fetch = async (): Promise<Response> => {
      fetched += 1
      return Response.json(key.jwks)
    }
    const verifier = createVerifier({
      clock,
      fetch,
      issuers: async (iss) => {
        asked.push(iss)
        if (iss === 'https://down.example') throw new Error('database')
        if (iss === 'https://bug.example') return { issuer: 'https://another.example', audience: null }
        // A new object each time, like from a function that reads a database.
        return iss === 'https://a.example'
          ? { issuer: iss, audience: AUDIENCE, jwksUri: 'https://a.example/jwks', requiredClaims: { sub: () => true } }
          : undefined
      },
    })
    const tokenOf = (iss: string) => key.sign(accessClaims({ iss }))
    await verifier.verify(await tokenOf('https://a.example'))
    await verifier.verify(await tokenOf('https://a.example'))
    expect(fetched).toBe(1)
    await expect(verifier.verify(await tokenOf('https://x.example'))).rejects.toMatchObject({ code: 'issuer_unknown' })
    await expect(verifier.verify(await tokenOf('https://down.example'))).rejects.toMatchObject({
      code: 'issuer_unavailable',
      status: 503,
    })
    await expect(verifier.verify(await tokenOf('https://bug.example'))).rejects.toMatchObject({
      code: 'issuer_unavailable',
      cause: expect.any(TypeError),
    })
    expect(fetched).toBe(1)
    verifier.close()
  })
})

describe('mistakes of an application open nothing', () => {
  it('separates issuers under a flood of tokens for a thousand others', async () => {
    let release: (() => void) | undefined
    const fetches = new Map<string, number>()
    const verifier = createVerifier({
      clock,
      keySet: { timeout: 30 },
      fetch: async (input: string | URL | Request) => {
        const url = input instanceof Request ? input.url : String(input)
        fetches.set(url, (fetches.get(url) ?? 0) + 1)
        if (url.includes('honest')) await new Promise<void>((resolve) => (release = resolve))
        return Response.json(key.jwks)
      },
      issuers: async (iss) => ({ issuer: iss, audience: AUDIENCE, jwksUri: `${iss}/jwks` }),
    })
    const honest = verifier.verify(await key.sign(accessClaims({ iss: 'https://honest.example' })))
    const junk = Buffer.alloc(64).toString('base64url')
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const flood = async (alg: string, issuers: number): Promise<void> => {
      for (let index = 0; index < issuers; index += 1) {
        const forged = `${encode({ alg, kid: 'key-1' })}.${encode(accessClaims({ iss: `https://t${index}.example` }))}.${junk}`
        await expect(verifier.verify(forged)).rejects.toBeInstanceOf(AuthError)
      }
    }
    await flood('ES256', 300)
    await flood('none', 1100)
    await flood('ES256', 300)
    release?.()
    await expect(honest).resolves.toMatchObject({ claims: { sub: 'ada' } })
    // One to fetch the keys, one more after a signature that does not verify; none in the second round.
    expect(Math.max(...fetches.values())).toBeLessThanOrEqual(2)
    verifier.close()
  })

  it('fetches the keys of several issuers at one URL once', async () => {
    let fetched = 0
    const fetch = async (): Promise<Response> => {
      fetched += 1
      return Response.json(key.jwks)
    }
    const jwksUri = 'https://keys.example/jwks'
    const issuers = ['https://a.example', 'https://b.example'].map((issuer) => ({
      issuer,
      audience: AUDIENCE,
      jwksUri,
    }))
    const verifier = createVerifier({ clock, fetch, issuers })
    for (const { issuer } of issuers) await verifier.verify(await key.sign(accessClaims({ iss: issuer })))
    expect(fetched).toBe(1)
    verifier.close()
  })

  it('detects changes in the policy that a function of issuers returns', async () => {
    const token = await key.sign(accessClaims())
    const policy = {
      issuer: ISSUER,
      audience: [AUDIENCE],
      jwks: { keys: [...key.jwks.keys] },
      requiredClaims: { scope: 'orders:read profile' },
    }
    const verifier = createVerifier({ clock, issuers: async () => policy })
    await expect(verifier.verify(token)).resolves.toBeDefined()
    policy.requiredClaims.scope = 'admin'
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'claim_mismatch' })
    policy.requiredClaims.scope = 'orders:read profile'
    await expect(verifier.verify(token)).resolves.toBeDefined()
    policy.jwks.keys = other.jwks.keys
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'signature_invalid' })
    policy.jwks.keys = key.jwks.keys
    policy.audience[0] = 'another'
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'audience_mismatch' })
  })

  it('detects changes behind the getters of a policy that a function of issuers returns', async () => {
    let audience = AUDIENCE
    class Tenant {
      readonly issuer = ISSUER
      readonly jwks = key.jwks
      get audience(): string {
        return audience
      }
    }
    const verifier = createVerifier({ clock, issuers: async () => new Tenant() })
    const token = await key.sign(accessClaims())
    await expect(verifier.verify(token)).resolves.toBeDefined()
    audience = 'another'
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'audience_mismatch' })
  })

  it('emits correct events if a key source returns foreign promises', async () => {
    // Like in a test runner that gives each file its own realm: its promises are not instances of this one's.
    const OtherPromise = runInNewContext('Promise') as PromiseConstructor
    const events: VerifierEvent[] = []
    const keys = { resolve: (): Promise<SigningKey['publicKey']> => OtherPromise.resolve(key.publicKey) }
    const verifier = createVerifier(
      base({ jwks: undefined, keys, onEvent: (event: VerifierEvent) => events.push(event) }),
    )
    await expect(verifier.verify(await key.sign(accessClaims({ aud: 'another' })))).rejects.toBeInstanceOf(AuthError)
    await expect(verifier.verify(await key.sign(accessClaims()))).resolves.toBeDefined()
    expect(events).toMatchObject([{ type: 'token.rejected', code: 'audience_mismatch' }, { type: 'token.verified' }])
  })

  it('distinguishes key sources, however similar they are', async () => {
    const resolve = async function (this: { readonly kid: string }): Promise<SigningKey['publicKey']> {
      return sources.get(this) ?? other.publicKey
    }
    const first = { kid: 'key-1', resolve }
    const sources = new WeakMap<object, SigningKey['publicKey']>([[first, key.publicKey]])
    let keys = first
    const verifier = createVerifier({ clock, issuers: async () => ({ issuer: ISSUER, audience: AUDIENCE, keys }) })
    const token = await key.sign(accessClaims())
    await expect(verifier.verify(token)).resolves.toBeDefined()
    keys = { kid: 'key-1', resolve }
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'signature_invalid' })
  })

  it('does not close given key sources, and opens none after close', async () => {
    let closed = 0
    let fetched = 0
    const keys = { resolve: async () => key.publicKey, close: () => (closed += 1) }
    const verifier = createVerifier({
      clock,
      fetch: async () => {
        fetched += 1
        return Response.json(key.jwks)
      },
      issuers: async (iss) =>
        iss === 'https://own.example'
          ? { issuer: iss, audience: AUDIENCE, keys }
          : { issuer: iss, audience: AUDIENCE, jwksUri: 'https://k.example/' },
    })
    await verifier.verify(await key.sign(accessClaims({ iss: 'https://own.example' })))
    verifier.close()
    await expect(verifier.verify(await key.sign(accessClaims({ iss: 'https://x.example' })))).rejects.toMatchObject({
      code: 'keys_unavailable',
    })
    expect([closed, fetched]).toEqual([0, 0])
  })

  it.each<readonly [string, unknown]>([
    ['false', false],
    ['text', 'https://a.example'],
    ['a policy without audience', { issuer: 'https://a.example' }],
    [
      'a policy with an issuer that is not a URL for discovery',
      { issuer: 'https://a.example', audience: null, jwksUri: 'nonsense' },
    ],
  ])('cannot decide if the function of issuers returns %s', async (_, given) => {
    const verifier = createVerifier({ clock, issuers: async () => given as never })
    await expect(verifier.verify(await key.sign(accessClaims({ iss: 'https://a.example' })))).rejects.toMatchObject({
      code: 'issuer_unavailable',
      status: 503,
    })
  })

  it('does not compare a long issuer with every known issuer', async () => {
    let compared = 0
    const issuers = Array.from({ length: 1000 }, (__, index) => ({
      issuer: `https://issuer-${index}.example`,
      audience: null,
      jwks: key.jwks,
    }))
    const verifier = createVerifier({ clock, issuers })
    const token = await key.sign(accessClaims({ iss: '\u0130'.repeat(4000) }))
    const lowered = vi.spyOn(String.prototype, 'toLowerCase')
    try {
      await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'issuer_unknown' })
    } finally {
      compared = lowered.mock.calls.length
      lowered.mockRestore()
    }
    expect(compared).toBeLessThan(10)
    const near = await key.sign(accessClaims({ iss: 'https://issuer-7.example/' }))
    await expect(verifier.verify(near)).rejects.toMatchObject({ hint: 'They differ only by a trailing slash' })
  })

  it('treats a check that returns a value as undecided', async () => {
    for (const result of [false, true, 'no', null])
      expect(
        await answerTo(accessClaims(), { checks: [{ name: 'x', check: async () => result }] }),
        String(result),
      ).toBe('check_unavailable')
  })

  it('rejects invalid results of a schema', async () => {
    const schema = (result: unknown): object => ({
      claims: { '~standard': { version: 1, vendor: 'x', validate: () => result } },
    })
    for (const result of [{}, true, 5, { value: 'abc' }, { value: [1] }, { value: null }, { value: new Date() }])
      await expect(answerTo(accessClaims(), schema(result)), JSON.stringify(result)).rejects.toThrow(TypeError)
    expect(await answerTo(accessClaims(), schema({ issues: '' }))).toBe('claims_schema')
    expect(await answerTo(accessClaims(), schema({ issues: [], value: {} }))).toBe('claims_schema')
    expect(await answerTo(accessClaims(), schema({ value: {} }))).toBe('verified')
  })

  it('keeps the signed cnf, whatever a schema returns', async () => {
    const verifier = (value: object) =>
      createVerifier(base({ claims: { '~standard': { version: 1, vendor: 'x', validate: () => ({ value }) } } }))
    const bound = await key.sign(accessClaims({ cnf: { jkt: 'a', 'x5t#S256': 'b' } }))
    const verified = await verifier({ cnf: { jkt: 'a' } }).verify(bound, { confirmations: ['jkt', 'x5t#S256'] })
    expect(verified.claims.cnf).toEqual({ jkt: 'a', 'x5t#S256': 'b' })
    const free = await verifier({ cnf: { jkt: 'made up' } }).verify(await key.sign(accessClaims()))
    expect(free.claims.cnf).toBeUndefined()
  })

  it('does not freeze objects that a schema shares with the application', async () => {
    const shared = { list: [1] }
    const schema = { '~standard': { version: 1, vendor: 'x', validate: () => ({ value: { shared } }) } }
    const { claims } = await createVerifier(base({ claims: schema })).verify(await key.sign(accessClaims()))
    expect(Object.isFrozen(claims['shared'])).toBe(true)
    expect(Object.isFrozen(shared) || Object.isFrozen(shared.list)).toBe(false)
  })

  it('copies lists at start-up', async () => {
    const accepted = ['shop']
    const verifier = createVerifier(base({ requiredClaims: { client_id: accepted } }))
    accepted.push('other')
    await expect(verifier.verify(await key.sign(accessClaims({ client_id: 'other' })))).rejects.toMatchObject({
      code: 'claim_mismatch',
    })
  })

  it('reads options that are getters of a class', async () => {
    class Options {
      issuer = ISSUER
      audience = AUDIENCE
      jwks = key.jwks
      clock = clock
      get requiredClaims(): readonly string[] {
        return ['tenant']
      }
    }
    await expect(createVerifier(new Options()).verify(await key.sign(accessClaims()))).rejects.toMatchObject({
      code: 'claim_missing',
    })
  })

  it('keeps the token out of JSON', async () => {
    const verified = await createVerifier(base()).verify(await key.sign(accessClaims()))
    expect(JSON.stringify(verified)).not.toContain(verified.token)
    expect(Object.keys(verified)).toEqual(['claims', 'header', 'scopes', 'roles'])
  })

  it('explains tokens with unusual values in header and claims', async () => {
    for (const typ of ['constructor', '__proto__', 'toString']) {
      const explanation = await createVerifier(base()).explain(await key.sign(accessClaims(), { typ }))
      expect(explanation).toMatchObject({ accepted: false, code: 'token_type' })
      expect(structuredClone(explanation)).toEqual(explanation)
      expect(explanation.summary).toContain('add it to "tokenTypes"')
    }
    const odd = await createVerifier(base()).explain(
      await key.sign(accessClaims({ exp: { valueOf: 1 }, iat: [], nbf: 'x' })),
    )
    expect(odd.steps.filter(({ result }) => result === 'failed').map(({ code }) => code)).toEqual(
      Array.from({ length: 4 }, () => 'claim_malformed'),
    )
  })

  it('fetches nothing to explain a token of another issuer', async () => {
    let fetched = 0
    const verifier = createVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      clock,
      jwksUri: 'https://keys.example/',
      fetch: async () => {
        fetched += 1
        return Response.json(key.jwks)
      },
    })
    const explanation = await verifier.explain(await key.sign(accessClaims({ iss: 'https://x.example' })))
    expect(explanation.code).toBe('issuer_mismatch')
    expect(fetched).toBe(0)
    verifier.close()
  })

  it('says what to do about "Bearer " and a line break in a token', async () => {
    const token = await key.sign(accessClaims())
    for (const text of [`Bearer ${token}`, `${token}\n`])
      await expect(createVerifier(base()).verify(text)).rejects.toMatchObject({
        code: 'token_encoding',
        hint: 'It holds white space: give the token alone, without "Bearer " and without a line break',
      })
  })

  it('rejects if an error of a hook throws when it is read, also with a listener', async () => {
    const error = new Proxy(new AuthError('issuer_unknown'), {
      get: (target, name) => {
        if (name === 'code') throw new Error('not to be read')
        return Reflect.get(target, name) as unknown
      },
    })
    const verifier = createVerifier({ issuers: async () => Promise.reject(error), clock, onEvent: () => {} })
    await expect(verifier.verify(await key.sign(accessClaims()))).rejects.toThrow('not to be read')
  })
})
