import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import { createIssuer, type IssuerOptions, localSigner, type Signer } from '../../packages/issuer/src/index.ts'

const START = 1_800_000_000_000

const issuerAtTime = async (options: Partial<IssuerOptions> = {}) => {
  let now = START
  const issuer = await createIssuer({ issuer: 'https://issuer.example', ...options, clock: { now: () => now } })
  return {
    issuer,
    to: (seconds: number): void => {
      now = START + seconds * 1000
    },
    published: () => issuer.jwks().keys.map(({ kid }) => kid),
    signs: async (ttl = 600) => decodeProtectedHeader(await issuer.issue({}, { ttl })).kid,
  }
}

describe('rotation', () => {
  it('publishes the new key immediately and signs with it only after verifiers had time to fetch it', async () => {
    const { issuer, to, published, signs } = await issuerAtTime({ jwksMaxAge: 120 })
    const old = await signs()
    const { kid, signsFrom } = await issuer.rotate()

    expect(signsFrom).toBe(START + 120_000)
    expect(published()).toEqual([old, kid])
    to(119)
    expect(await signs()).toBe(old)
    to(120)
    expect(await signs()).toBe(kid)
  })

  it('keeps the old key until its last token has expired, plus the clock tolerance of verifiers', async () => {
    const { issuer, to, published, signs } = await issuerAtTime({ overlap: { publishAhead: 60, clockTolerance: 10 } })
    await signs(86_400)
    const { kid } = await issuer.rotate()
    to(59)
    const old = await signs(100)
    to(60)
    expect(await signs()).toBe(kid)
    to(86_409)
    expect(published()).toEqual([kid, old])
    to(86_410)
    expect(published()).toEqual([kid])
  })

  it('drops an old key that signed nothing as soon as the new one signs', async () => {
    const { issuer, to, published } = await issuerAtTime()
    const { kid } = await issuer.rotate()
    expect(published()).toHaveLength(2)
    to(300)
    expect(published()).toEqual([kid])
  })

  it('needs no call in between, because the state depends only on the clock', async () => {
    const { issuer, to, signs } = await issuerAtTime()
    const old = await signs()
    const { kid } = await issuer.rotate()
    to(605)
    const body: unknown = JSON.parse(issuer.jwksResponse().body)
    expect(body).toEqual({ keys: [expect.objectContaining({ kid })] })
    expect(JSON.stringify(body)).not.toContain(old)
  })

  it('takes effect immediately with publishAhead 0, and earlier tokens still verify', async () => {
    const { issuer, signs } = await issuerAtTime()
    const token = await issuer.issue({ sub: 'ada' })
    const { kid, signsFrom } = await issuer.rotate({ publishAhead: 0 })

    expect(signsFrom).toBe(START)
    expect(await signs()).toBe(kid)
    const { payload } = await jwtVerify(token, createLocalJWKSet(issuer.jwks()), { currentDate: new Date(START) })
    expect(payload.sub).toBe('ada')
  })

  it('creates no second key while one waits, but brings that one forward', async () => {
    const { issuer, to, published, signs } = await issuerAtTime()
    const planned = await issuer.rotate()
    to(100)
    expect(await issuer.rotate()).toEqual(planned)
    expect(await issuer.rotate({ publishAhead: 86_400 })).toEqual(planned)
    expect(await issuer.rotate({ publishAhead: 50 })).toEqual({ kid: planned.kid, signsFrom: START + 150_000 })
    expect(published()).toHaveLength(2)
    expect(await issuer.rotate({ publishAhead: 0 })).toEqual({ kid: planned.kid, signsFrom: START + 100_000 })
    expect(await signs()).toBe(planned.kid)
  })

  it('creates one key for concurrent calls', async () => {
    const { issuer, published } = await issuerAtTime()
    const rotations = await Promise.all([issuer.rotate(), issuer.rotate(), issuer.rotate()])
    expect(new Set(rotations.map(({ kid }) => kid)).size).toBe(1)
    expect(published()).toHaveLength(2)
  })

  it('never returns to an old key when the clock steps back', async () => {
    const { issuer, to, signs } = await issuerAtTime()
    await signs()
    const { kid } = await issuer.rotate()
    to(300)
    expect(await signs()).toBe(kid)
    to(-86_400)
    expect(await signs()).toBe(kid)
  })

  it('counts publishAhead from the publication, however long creating the key took', async () => {
    let now = START
    const createSigner = async (): Promise<Signer> => {
      now += 5000
      return localSigner()
    }
    const issuer = await createIssuer({ issuer: 'https://issuer.example', createSigner, clock: { now: () => now } })
    const { signsFrom } = await issuer.rotate({ publishAhead: 10 })
    expect(signsFrom).toBe(now + 10_000)
  })

  it('stops at 64 published keys', async () => {
    const { issuer, published, signs } = await issuerAtTime()
    for (let count = 1; count < 64; count += 1) {
      await signs()
      await issuer.rotate({ publishAhead: 0 })
    }
    expect(published()).toHaveLength(64)
    await expect(issuer.rotate({ publishAhead: 0 })).rejects.toThrow('Cannot rotate: at most 64 keys may be published')
  })

  it.each([-1, 86_401, 0.5, '10'])('rejects publishAhead %j', async (publishAhead) => {
    const { issuer } = await issuerAtTime()
    await expect(issuer.rotate({ publishAhead: publishAhead as number })).rejects.toThrow(
      new TypeError(
        `Cannot rotate: "publishAhead" must be a whole number of seconds from 0 to 86400, found ${JSON.stringify(publishAhead)}`,
      ),
    )
  })

  it('survives a key service that fails once', async () => {
    let calls = 0
    const createSigner = async (): Promise<Signer> => {
      calls += 1
      if (calls === 2) throw new Error('key service down')
      return localSigner()
    }
    const { issuer, published } = await issuerAtTime({ createSigner })
    await expect(issuer.rotate()).rejects.toThrow('key service down')
    expect(published()).toHaveLength(1)
    const { kid } = await issuer.rotate()
    expect(published()[1]).toBe(kid)
  })

  it('does not delay tokens while the next key is created', async () => {
    const { promise, resolve } = Promise.withResolvers<Signer>()
    const [first, next] = [await localSigner(), await localSigner()]
    let calls = 0
    const createSigner = async (): Promise<Signer> => {
      calls += 1
      return calls === 1 ? first : promise
    }
    const { issuer, signs } = await issuerAtTime({ createSigner })
    const rotated = issuer.rotate()
    expect(await signs()).toBe(first.kid)
    resolve(next)
    expect((await rotated).kid).toBe(next.kid)
  })

  it('rejects a key that is not new', async () => {
    const signer = await localSigner()
    const { issuer } = await issuerAtTime({ createSigner: async () => signer })
    await expect(issuer.rotate()).rejects.toThrow(
      `Cannot add key: "createSigner" must return a new key, found the known key "${signer.kid}"`,
    )
  })
})

describe('rotation through a list of signers', () => {
  const three = async (): Promise<[Signer, Signer, Signer]> => [
    await localSigner(),
    await localSigner(undefined, { algorithm: 'Ed25519' }),
    await localSigner(),
  ]

  it('publishes all of them from the start, and signs with the first', async () => {
    const [first, second, third] = await three()
    const { published, signs } = await issuerAtTime({ signers: [first, second, third] })
    expect(published()).toEqual([first.kid, second.kid, third.kid])
    expect(await signs()).toBe(first.kid)
  })

  it('signs with the next one once verifiers had time to fetch it', async () => {
    const [first, second, third] = await three()
    const { issuer, to, published, signs } = await issuerAtTime({ signers: [first, second, third], jwksMaxAge: 120 })
    to(20)
    expect(await issuer.rotate()).toEqual({ kid: second.kid, signsFrom: START + 120_000 })
    expect(await issuer.rotate()).toEqual({ kid: second.kid, signsFrom: START + 120_000 })
    to(119)
    expect(await signs()).toBe(first.kid)
    expect(published()).toEqual([first.kid, second.kid, third.kid])
    to(120)
    expect(await signs()).toBe(second.kid)
  })

  it('signs with the next one immediately if it has been published long enough', async () => {
    const [first, second, third] = await three()
    const { issuer, to, signs } = await issuerAtTime({ signers: [first, second, third] })
    to(300)
    expect(await issuer.rotate()).toEqual({ kid: second.kid, signsFrom: START + 300_000 })
    expect(await signs()).toBe(second.kid)
    expect(await issuer.rotate()).toEqual({ kid: third.kid, signsFrom: START + 300_000 })
    expect(await signs()).toBe(third.kid)
  })

  it('keeps the old one until its last token has expired, and earlier tokens verify throughout', async () => {
    const [first, second, third] = await three()
    const { issuer, to, published } = await issuerAtTime({ signers: [first, second, third] })
    to(300)
    const token = await issuer.issue({ sub: 'ada' }, { ttl: 100 })
    await issuer.rotate()
    to(399)
    const jwks = createLocalJWKSet(issuer.jwks())
    const { payload } = await jwtVerify(token, jwks, { currentDate: new Date(START + 399_000) })
    expect(payload.sub).toBe('ada')
    to(404)
    expect(published()).toEqual([second.kid, third.kid, first.kid])
    to(405)
    expect(published()).toEqual([second.kid, third.kid])
  })

  it('ends with the last one, which keeps signing', async () => {
    const [only] = await three()
    const { issuer, published, signs } = await issuerAtTime({ signer: only })
    await expect(issuer.rotate()).rejects.toThrow(
      new Error('Cannot add key: no signer is left in line: list more of them in "signers", or give "createSigner"'),
    )
    expect(published()).toEqual([only.kid])
    expect(await signs()).toBe(only.kid)
  })

  it('continues with createSigner after the last one', async () => {
    const [first, second, made] = await three()
    const { issuer, to, published } = await issuerAtTime({ signers: [first, second], createSigner: async () => made })
    to(300)
    expect((await issuer.rotate()).kid).toBe(second.kid)
    expect(await issuer.rotate()).toEqual({ kid: made.kid, signsFrom: START + 600_000 })
    expect(published()).toEqual([second.kid, made.kid])
  })

  it('continues immediately if the signing key is revoked, and skips a revoked one', async () => {
    const [first, second, third] = await three()
    const { issuer, published, signs } = await issuerAtTime({ signers: [first, second, third] })
    await issuer.revoke(second.kid)
    expect(published()).toEqual([first.kid, third.kid])
    await issuer.revoke(first.kid)
    expect(published()).toEqual([third.kid])
    expect(await signs()).toBe(third.kid)
    await expect(issuer.revoke(third.kid)).rejects.toThrow('no signer is left in line')
    expect(published()).toEqual([])
    await expect(signs()).rejects.toThrow('no signer is left in line')
  })
})

describe('revocation', () => {
  it('of the signing key replaces it immediately', async () => {
    const { issuer, published, signs } = await issuerAtTime()
    const leaked = await signs()
    await issuer.revoke(String(leaked))
    const replacement = await signs()
    expect(published()).toEqual([replacement])
    expect(published()).not.toContain(leaked)
  })

  it('of the signing key makes the waiting one sign', async () => {
    const { issuer, published, signs } = await issuerAtTime()
    const leaked = await signs()
    const { kid } = await issuer.rotate()
    await issuer.revoke(String(leaked))
    expect(published()).toEqual([kid])
    expect(await signs()).toBe(kid)
  })

  it('of a waiting key does not change the signing one', async () => {
    const { issuer, to, published, signs } = await issuerAtTime()
    const current = await signs()
    await issuer.revoke((await issuer.rotate()).kid)
    to(300)
    expect(published()).toEqual([current])
    expect(await signs()).toBe(current)
  })

  it('of an old key withdraws it before its tokens expire', async () => {
    const { issuer, published, signs } = await issuerAtTime()
    const old = await signs()
    const { kid } = await issuer.rotate({ publishAhead: 0 })
    await issuer.revoke(String(old))
    expect(published()).toEqual([kid])
  })

  it('takes effect before the replacement is ready, and issuing waits for the replacement', async () => {
    const { issuer, published, signs } = await issuerAtTime()
    const leaked = await signs()
    const revoked = issuer.revoke(String(leaked))
    const issued = signs()
    expect(published()).toEqual([])
    expect(await issued).not.toBe(leaked)
    await revoked
  })

  it('of the replacement, before it has signed, rejects the token that created it', async () => {
    const [first, second, third] = [await localSigner(), await localSigner(), await localSigner()]
    const made = [first, undefined, second, third]
    const createSigner = async (): Promise<Signer> => {
      const signer = made.shift()
      if (signer === undefined) throw new Error('key service down')
      return signer
    }
    let revoked: Promise<void> | undefined
    const now = (): number => {
      // Called while the second key is added: revokes it as soon as it is published.
      if (made.length === 1) queueMicrotask(() => void (revoked ??= issuer.revoke(second.kid)))
      return START
    }
    const issuer = await createIssuer({ issuer: 'https://issuer.example', clock: { now }, createSigner })
    await expect(issuer.revoke(first.kid)).rejects.toThrow('key service down')
    await expect(issuer.issue({})).rejects.toThrow(
      new Error('Cannot issue token: the signing key was withdrawn and has no replacement yet'),
    )
    await revoked
    expect(issuer.jwks().keys.map(({ kid }) => kid)).toEqual([third.kid])
  })

  it('remains in effect if the replacement fails, and the next token tries again', async () => {
    let calls = 0
    const createSigner = async (): Promise<Signer> => {
      calls += 1
      if (calls === 2) throw new Error('key service down')
      return localSigner()
    }
    const { issuer, published, signs } = await issuerAtTime({ createSigner })
    const leaked = await signs()
    await expect(issuer.revoke(String(leaked))).rejects.toThrow('key service down')
    expect(published()).toEqual([])
    const replacement = await signs()
    expect(replacement).not.toBe(leaked)
    expect(published()).toEqual([replacement])
  })

  it('is permanent: the key cannot come back', async () => {
    const signers = [await localSigner(), await localSigner()]
    const [leaked] = signers
    let calls = 0
    const { issuer } = await issuerAtTime({
      createSigner: async () => signers[calls++ % 2] ?? localSigner(),
    })
    await issuer.revoke(leaked?.kid ?? '')
    await expect(issuer.rotate()).rejects.toThrow('must return a new key')
  })

  it('rejects a key ID that is not published', async () => {
    const { issuer } = await issuerAtTime()
    await expect(issuer.revoke('nothing')).rejects.toThrow(
      new TypeError('Cannot revoke key: "kid" must be that of a published key, found "nothing"'),
    )
  })
})
