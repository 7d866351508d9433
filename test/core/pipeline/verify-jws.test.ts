import { generateKeyPair } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import type { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { createSigningKey, type SigningKey } from '../../support/core/jose-tokens.ts'
import type { KeySource } from '../../../packages/core/src/keys/key-source.ts'
import { verifyJws } from '../../../packages/core/src/pipeline/verify-jws.ts'

let key: SigningKey
let token: string
beforeAll(async () => {
  key = await createSigningKey('ES256', 'key-1')
  token = await key.sign('any bytes', { typ: 'x' })
})

const keys = (): KeySource => ({ resolve: async () => key.publicKey })

describe('a JWS without JWT claims', () => {
  it('returns header and payload once its signature is verified', async () => {
    const { header, payload } = await verifyJws(token, { keys: keys(), algorithms: ['ES256'] })
    expect(header).toEqual({ alg: 'ES256', kid: 'key-1', typ: 'x' })
    expect(new TextDecoder().decode(payload)).toBe('any bytes')
  })

  it('makes every check up to the signature', async () => {
    const answer = async (text: string, options: object = {}): Promise<unknown> =>
      verifyJws(text, { keys: keys(), algorithms: ['ES256'], ...options }).catch(({ code }: AuthError) => code)
    expect(await answer(token, { algorithms: ['ES384'] })).toBe('algorithm_not_allowed')
    expect(await answer(`${token}AA`)).toBe('signature_malformed')
    expect(await answer(token.slice(0, -8).concat('AAAAAAAA'))).toBe('signature_invalid')
    expect(await answer(token, { limits: { tokenLength: 10 } })).toBe('token_too_long')
    await expect(verifyJws(token, { keys: keys(), algorithms: ['ES256'], limits: { depth: 0 } })).rejects.toThrow(
      'Cannot verify JWS: "limits.depth" must be a whole number from 1 to 64, found 0',
    )
  })

  it('may be as long as maxLength says', async () => {
    const answer = async (maxLength: number): Promise<unknown> =>
      verifyJws(token, { keys: keys(), algorithms: ['ES256'], limits: { tokenLength: 10 }, maxLength }).then(
        () => 'verified',
        ({ code }: AuthError) => code,
      )
    expect(await answer(token.length)).toBe('verified')
    expect(await answer(token.length - 1)).toBe('token_too_long')
  })

  it('is refused with padding', async () => {
    const padded = token
      .split('.')
      .map((part) => `${part}${'='.repeat((4 - (part.length % 4)) % 4)}`)
      .join('.')
    expect(padded).not.toBe(token)
    await expect(verifyJws(padded, { keys: keys(), algorithms: ['ES256'] })).rejects.toMatchObject({
      code: 'token_encoding',
    })
  })

  it.each([undefined, [], 'ES256', ['ES256', 'none'], { length: 1 }])(
    'needs a list of algorithms, not %j',
    async (algorithms) => {
      await expect(verifyJws(token, { keys: keys(), algorithms: algorithms as never })).rejects.toThrow(
        'Cannot verify JWS: "algorithms" must be a list of algorithms, such as ["RS256"]',
      )
    },
  )

  it('is verified with the key that its source has now, or else resolves again', async () => {
    const { publicKey: stranger } = await generateKeyPair('ES256')
    const asked: string[] = []
    const source = (current: CryptoKey | undefined, again: CryptoKey): KeySource => ({
      current: () => current,
      resolve: async () => {
        asked.push('resolve')
        return stranger
      },
      resolveAgain: async (header, failed, context) => {
        expect([header.kid, failed, context]).toEqual(['key-1', stranger, { issuedBefore: undefined }])
        asked.push('again')
        return again
      },
    })
    const verified = async (given: KeySource): Promise<unknown> =>
      verifyJws(token, { keys: given, algorithms: ['ES256'] }).then(
        () => 'verified',
        ({ code }: AuthError) => code,
      )
    expect(await verified(source(key.publicKey, stranger))).toBe('verified')
    expect(asked).toEqual([])
    expect(await verified(source(stranger, key.publicKey))).toBe('verified')
    expect(asked).toEqual(['again'])
    expect(await verified(source(undefined, key.publicKey))).toBe('verified')
    expect(asked).toEqual(['again', 'resolve', 'again'])
  })

  it('checks the form of a signature before it resolves a key', async () => {
    const untouched: KeySource = { resolve: () => Promise.reject(new Error('asked')) }
    await expect(verifyJws(`${token}AA`, { keys: untouched, algorithms: ['ES256'] })).rejects.toMatchObject({
      code: 'signature_malformed',
    })
  })

  it('resolves a key again only after a signature that does not verify', async () => {
    let again = 0
    const { publicKey: otherKey } = await generateKeyPair('RS256')
    const wrongKind: KeySource = {
      resolve: async () => otherKey,
      resolveAgain: async () => {
        again += 1
        return key.publicKey
      },
    }
    await expect(verifyJws(token, { keys: wrongKind, algorithms: ['ES256'] })).rejects.toMatchObject({
      code: 'algorithm_key_mismatch',
    })
    expect(again).toBe(0)
  })

  it('says which type of key it needs', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const secret = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])
    for (const [given, found] of [
      [privateKey, '"private"'],
      [secret, '"secret"'],
      [undefined, 'nothing'],
    ] as const)
      await expect(
        verifyJws(token, { keys: { resolve: async () => given as CryptoKey }, algorithms: ['ES256'] }),
      ).rejects.toMatchObject({ code: 'algorithm_key_mismatch', expected: '"a public key for ES256"', actual: found })
  })
})
