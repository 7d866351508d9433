import { type Outcome, scope } from '@claimgate/core'
import { createMemoryReplayStore, type DpopOptions } from '@claimgate/core/dpop'
import { describe, expect, it, vi } from 'vitest'
import { boundToken, createDpopApi, createDpopClient, lineOf } from '../../support/dpop/client.ts'
import { NOW } from '../../support/core/refusal.ts'

const client = await createDpopClient()
// Valid longer than any nonce.
const token = await boundToken(client.jkt, { exp: NOW + 100_000 })
const SECRET = 'a secret of at least thirty-two bytes'
const OTHER = new Uint8Array(32).fill(7)

const apiWith = (nonces: DpopOptions['nonces'], changes: Partial<DpopOptions> = {}, options = {}) =>
  createDpopApi({ ...(nonces && { nonces }), ...changes }, options)

const headersOf = (outcome: Outcome): Readonly<Record<string, string>> =>
  outcome.kind === 'refused' ? outcome.response.headers : outcome.kind === 'authenticated' ? outcome.headers : {}
const nonceOf = (outcome: Outcome): string => headersOf(outcome)['dpop-nonce'] ?? ''

type Api = ReturnType<typeof createDpopApi>
const sendWith = async (api: Api, nonce: unknown, claims = {}): Promise<Outcome> =>
  api.send(token, await client.proof(token, { claims: { nonce, ...claims } }))
const freshNonce = async (api: Api): Promise<string> => nonceOf(await sendWith(api, undefined))

const AGAIN = '401 use_dpop_nonce'

describe('41. With nonces, a proof needs a current one', () => {
  it.each([undefined, null, 1, '', 'nonce', ['n'], `${NOW.toString(36)}.${'A'.repeat(43)}`])(
    'and %j is answered with a nonce, which is then accepted',
    async (nonce) => {
      const api = apiWith({ secret: SECRET })
      const refused = await sendWith(api, nonce)
      expect(lineOf(refused)).toBe(AGAIN)
      expect(nonceOf(refused)).toMatch(/^[\x21\x23-\x5b\x5d-\x7e]+$/)
      const accepted = await sendWith(api, nonceOf(refused))
      expect(lineOf(accepted)).toBe('200')
      expect(headersOf(accepted)).toEqual({})
    },
  )

  it.each([-1_000_000, -66, 66, 1_000_000])('but its iat may be %d s away', async (seconds) => {
    const api = apiWith({ secret: SECRET })
    const nonce = await freshNonce(api)
    expect(lineOf(await sendWith(api, nonce, { iat: NOW + seconds }))).toBe('200')
    expect(lineOf(await sendWith(api, undefined, { iat: NOW + seconds }))).toBe(AGAIN)
    expect(lineOf(await sendWith(api, nonce, { iat: 'now' }))).toBe('401 invalid_dpop_proof')
  })

  it('and neither a list that holds it, nor the time of the proof matters', async () => {
    const api = apiWith({ secret: SECRET })
    const nonce = await freshNonce(api)
    expect(lineOf(await sendWith(api, [nonce]))).toBe(AGAIN)
    expect(lineOf(await sendWith(api, nonce, { iat: 0 }))).toBe('200')
  })

  it('and those of one second are the same, signed once', async () => {
    const api = apiWith({ secret: SECRET })
    await sendWith(api, undefined)
    const sign = vi.spyOn(crypto.subtle, 'sign')
    const proofs = [await client.proof(token), await client.proof(token)]
    sign.mockClear()
    const nonces = await Promise.all(proofs.map(async (proof) => nonceOf(await api.send(token, proof))))
    expect(nonces[0]).toBe(nonces[1])
    expect(sign).not.toHaveBeenCalled()
    sign.mockRestore()
  })

  it('and the keys that sign it cannot be exported', async () => {
    const imports = vi.spyOn(crypto.subtle, 'importKey')
    await freshNonce(apiWith({ secret: SECRET }))
    const raw = imports.mock.calls.filter(([format]) => (format as string) === 'raw')
    imports.mockRestore()
    expect(raw.map(([, , , isExtractable]) => isExtractable)).toEqual([false])
  })

  it('until it has ended, and a changed one never', async () => {
    const api = apiWith({ secret: SECRET, lifetime: 300 })
    const nonce = await freshNonce(api)
    const [second = '', mac] = nonce.split('.')
    for (const changed of [`${(Number.parseInt(second, 36) + 1).toString(36)}.${mac}`, `0${nonce}`, `${nonce}x`])
      expect(lineOf(await sendWith(api, changed))).toBe(AGAIN)
    api.clock.advance(299_000)
    expect(lineOf(await sendWith(api, nonce))).toBe('200')
    api.clock.advance(1000)
    expect(lineOf(await sendWith(api, nonce))).toBe(AGAIN)
  })

  it('and gets the next one on successful answers before it ends', async () => {
    const api = apiWith({ secret: SECRET, lifetime: 300 })
    let nonce = await freshNonce(api)
    const answers = new Set<string>()
    for (let at = 0; at < 60; at += 1) {
      api.clock.advance(29_000)
      const outcome = await sendWith(api, nonce)
      answers.add(lineOf(outcome))
      nonce = nonceOf(outcome) || nonce
    }
    expect([...answers]).toEqual(['200'])
  })

  it('and gets the next one only in the second half of its lifetime', async () => {
    const api = apiWith({ secret: SECRET, lifetime: 300 })
    const nonce = await freshNonce(api)
    api.clock.advance(150_000)
    expect(headersOf(await sendWith(api, nonce))).toEqual({})
    api.clock.advance(1000)
    expect(nonceOf(await sendWith(api, nonce))).not.toBe('')
  })

  it('a bad proof is refused before its nonce', async () => {
    const outcome = await sendWith(apiWith({ secret: SECRET }), undefined, { htm: 'PUT' })
    expect(lineOf(outcome)).toBe('401 invalid_dpop_proof')
    expect(nonceOf(outcome)).toBe('')
  })

  it('and a proof is still accepted once', async () => {
    const api = apiWith({ secret: SECRET })
    const proof = await client.proof(token, { claims: { nonce: await freshNonce(api) } })
    expect(lineOf(await api.send(token, proof))).toBe('200')
    // Longer than the window of a proof without a nonce.
    for (const seconds of [0, 100, 199]) {
      api.clock.advance(seconds * 1000)
      expect(lineOf(await api.send(token, proof))).toBe('401 invalid_dpop_proof')
    }
    api.clock.advance(1000)
    expect(lineOf(await api.send(token, proof))).toBe(AGAIN)
  })

  it('the store keeps a proof until its nonce has ended, never for 0 s', async () => {
    const kept: number[] = []
    const replay = { insertIfAbsent: async (_: string, seconds: number) => kept.push(seconds) > 0 }
    const api = apiWith({ secret: SECRET, lifetime: 300 }, { replay })
    const nonce = await freshNonce(api)
    await sendWith(api, nonce)
    api.clock.advance(299_999)
    await sendWith(api, nonce)
    expect(kept).toEqual([306, 7])
  })
})

describe('41. Processes that share a secret accept the nonces of each other', () => {
  it('also if the clock of one is a little behind', async () => {
    const [one, two] = [apiWith({ secret: SECRET }), apiWith({ secret: SECRET })]
    one.clock.advance(5000)
    expect(lineOf(await sendWith(two, await freshNonce(one)))).toBe('200')
    one.clock.advance(1000)
    expect(lineOf(await sendWith(two, await freshNonce(one)))).toBe(AGAIN)
    const three = apiWith({ secret: SECRET })
    expect(await freshNonce(three)).toBe(await freshNonce(two))
  })

  it('while a secret is rotated, as text or bytes', async () => {
    const [before, during, after] = [
      apiWith({ secret: SECRET }),
      apiWith({ secret: [OTHER, SECRET] }),
      apiWith({ secret: OTHER }),
    ]
    const [old, current] = [await freshNonce(before), await freshNonce(during)]
    expect(lineOf(await sendWith(during, old))).toBe('200')
    expect(lineOf(await sendWith(during, current))).toBe('200')
    expect(lineOf(await sendWith(after, current))).toBe('200')
    expect(lineOf(await sendWith(after, old))).toBe(AGAIN)
    expect(lineOf(await sendWith(before, current))).toBe(AGAIN)
  })

  it('and bytes that the application overwrites later still count', async () => {
    const bytes = new Uint8Array(32).fill(7)
    const api = apiWith({ secret: bytes })
    bytes.fill(0)
    expect(await freshNonce(api)).toBe(await freshNonce(apiWith({ secret: OTHER })))
  })
})

describe('41. Browsers can read the nonce', () => {
  it('of a refusal and of an answer, with exposeChallenge', async () => {
    const api = apiWith({ secret: SECRET }, {}, { exposeChallenge: true })
    const refused = await sendWith(api, undefined)
    expect(headersOf(refused)['access-control-expose-headers']).toBe('WWW-Authenticate, DPoP-Nonce')
    api.clock.advance(200_000)
    const accepted = await sendWith(api, nonceOf(refused))
    expect(headersOf(accepted)).toEqual({
      'dpop-nonce': expect.any(String) as string,
      'access-control-expose-headers': 'dpop-nonce',
    })
  })

  it('and also of a request that lacks a scope', async () => {
    const api = apiWith({ secret: SECRET }, {}, { exposeChallenge: true })
    const nonce = await freshNonce(api)
    api.clock.advance(200_000)
    const proof = await client.proof(token, { claims: { nonce } })
    const header = (name: string): readonly string[] =>
      name === 'authorization' ? [`DPoP ${token}`] : name === 'dpop' ? [proof] : []
    const outcome = await api.authenticator.authenticate({ method: 'GET', target: '/orders', header }, scope('admin'))
    expect(lineOf(outcome)).toBe('403 insufficient_scope')
    expect(nonceOf(outcome)).not.toBe('')
    expect(headersOf(outcome)['access-control-expose-headers']).toBe('WWW-Authenticate, dpop-nonce')
  })
})

describe('41. Without the option clock', () => {
  it('nonces follow the runtime', async () => {
    const api = createDpopApi({ nonces: { secret: SECRET }, clock: undefined, replay: createMemoryReplayStore() })
    const [second = ''] = (await freshNonce(api)).split('.')
    expect(Math.abs(Number.parseInt(second, 36) - Date.now() / 1000)).toBeLessThan(60)
  })
})
