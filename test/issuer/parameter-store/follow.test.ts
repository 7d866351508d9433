import type { SSMClient } from '@aws-sdk/client-ssm'
import { parameterStoreKey } from '@claimgate/issuer/parameter-store'
import { describe, expect, it } from 'vitest'
import { p256Pem, rejection } from '../../support/issuer/parameter-store.ts'

const MISFIT = 'Cannot follow parameter: "createSigner" of the issuer must be "reload" of this key'

const start = async () => {
  let answer = async (): Promise<unknown> => ({ Parameter: { Type: 'SecureString', Value: p256Pem() } })
  const client = { send: async () => answer() } as unknown as SSMClient
  const key = parameterStoreKey({ client, name: '/orders/signing-key' })
  const { kid } = await key.signer()
  return {
    key,
    kid,
    /** Reads the parameter while it cannot be read: the key is forgotten. */
    forget: async (): Promise<void> => {
      answer = async () => {
        throw Object.assign(new Error('no'), { name: 'AccessDeniedException', $fault: 'client' })
      }
      await rejection(key.reload())
    },
  }
}

const issuerWith = (kids: readonly string[], rotate: () => Promise<string>) => {
  let rotations = 0
  return {
    jwks: () => ({ keys: kids.map((kid) => ({ kty: 'EC', kid })) }),
    rotate: async () => {
      rotations += 1
      return { kid: await rotate(), signsFrom: 5 }
    },
    rotations: () => rotations,
  }
}

describe('an issuer that follows a parameter', () => {
  it('does not rotate if it publishes the key beside others', async () => {
    const { key, kid } = await start()
    const issuer = issuerWith(['old', kid, 'next'], async () => kid)
    expect(await key.follow(issuer)).toBeUndefined()
    expect(issuer.rotations()).toBe(0)
  })

  it('does not wait for the rotation of another issuer if it publishes the key', async () => {
    const { key, kid } = await start()
    const { promise, resolve } = Promise.withResolvers<string>()
    const slow = issuerWith([], () => promise)
    const following = key.follow(slow)
    expect(await key.follow(issuerWith([kid], async () => kid))).toBeUndefined()
    resolve(kid)
    expect(await following).toEqual({ kid, signsFrom: 5 })
  })

  it('may rotate to a key that it published as the next one before', async () => {
    const { key } = await start()
    const issuer = issuerWith(['old', 'waiting'], async () => 'waiting')
    expect(await key.follow(issuer)).toEqual({ kid: 'waiting', signsFrom: 5 })
    expect(issuer.rotations()).toBe(1)
  })

  it('may rotate to the key that was stored in the meantime', async () => {
    const { key, kid } = await start()
    let second = ''
    const issuer = issuerWith(['old'], async () => (second = (await key.reload()).kid))
    expect(await key.follow(issuer)).toEqual({ kid: second, signsFrom: 5 })
    expect(second).not.toBe(kid)
  })

  it('may rotate to the key even if that was deleted in the meantime', async () => {
    const { key, kid, forget } = await start()
    const issuer = issuerWith(['old'], async () => {
      await forget()
      return kid
    })
    expect(await key.follow(issuer)).toEqual({ kid, signsFrom: 5 })
  })

  it('must not rotate to another key, also if its own was deleted in the meantime', async () => {
    const { key, forget } = await start()
    expect(await rejection(key.follow(issuerWith(['old'], async () => 'other')))).toEqual(new TypeError(MISFIT))
    const issuer = issuerWith(['old'], async () => {
      await forget()
      return 'other'
    })
    expect(await rejection(key.follow(issuer))).toEqual(new TypeError(MISFIT))
  })
})
