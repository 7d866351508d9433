// Sources of keys as a verifier uses them: when they send requests, which keys they take, and what they say if there are none.
import { AuthError, type KeySourcePlan } from '@claimgate/core'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { certificateMap, type KeyPerKid, keyPerKid } from '../../../packages/core/src/providers/key-forms.ts'
import { manualClock, settle } from '../../support/core/manual-clock.ts'
import { rsaCertificate } from '../../support/providers/world.ts'

type CreateOptions = Parameters<KeySourcePlan['create']>[0]
type Fetch = NonNullable<CreateOptions['fetch']>

const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
const PUBLIC = await exportSPKI(publicKey)
const PRIVATE = await exportPKCS8(privateKey)
const BASE = 'https://keys.example/'
const ES = { alg: 'ES256' } as const

/** A transport that gives the text for each address, and the addresses that were asked for. */
function serving(textFor: (url: string) => string | undefined): { readonly fetch: Fetch; readonly seen: string[] } {
  const seen: string[] = []
  const fetch = async (url: string): Promise<Response> => {
    seen.push(url.replace(BASE, ''))
    const text = textFor(url)
    return text === undefined ? new Response('', { status: 404 }) : new Response(text)
  }
  return { fetch, seen }
}

/** What was resolved: the type of the key, or the code, the wait and the hint of the refusal. */
async function outcomeOf(resolved: Promise<unknown>): Promise<unknown> {
  try {
    return ((await resolved) as CryptoKey).type
  } catch (error) {
    if (!(error instanceof AuthError)) throw error
    return [error.code, error.retryAfter, error.hint]
  }
}

describe('A source of one key for each kid', () => {
  const create = (given: Partial<CreateOptions> & { readonly fetch: Fetch }, more: Partial<KeyPerKid> = {}) =>
    keyPerKid({ base: BASE, kid: /^[a-z]+\d*$/, name: 'test', checkHeader: () => {}, ...more }).create(given)
  const missing = serving(() => undefined).fetch

  it('says how long to wait once too many new key IDs arrive in a minute', async () => {
    const clock = manualClock()
    const { fetch, seen } = serving(() => PUBLIC)
    const source = create({ fetch, clock, fetchesPerMinute: 2 })
    expect(await outcomeOf(source.resolve({ ...ES, kid: 'a' }))).toBe('public')
    await clock.pass(10)
    expect(await outcomeOf(source.resolve({ ...ES, kid: 'b' }))).toBe('public')
    await clock.pass(10)
    const limited = ['keys_unavailable', 40, 'More than 2 new key IDs in a minute']
    expect(await outcomeOf(source.resolve({ ...ES, kid: 'c' }))).toEqual(limited)
    expect(await outcomeOf(source.resolve({ ...ES, kid: 'a' }))).toBe('public')
    await clock.pass(40)
    expect(await outcomeOf(source.resolve({ ...ES, kid: 'c' }))).toBe('public')
    expect(await outcomeOf(source.resolve({ ...ES, kid: 'd' }))).toEqual(['keys_unavailable', 10, limited[2]])
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('asks for ten new key IDs in a minute if nothing else is said, by its own clock', async () => {
    const { fetch, seen } = serving(() => PUBLIC)
    const source = create({ fetch })
    for (let index = 0; index < 10; index += 1)
      expect(await outcomeOf(source.resolve({ ...ES, kid: `k${index}` }))).toBe('public')
    const [code, wait, hint] = (await outcomeOf(source.resolve({ ...ES, kid: 'k10' }))) as readonly unknown[]
    expect([code, hint]).toEqual(['keys_unavailable', 'More than 10 new key IDs in a minute'])
    expect([Number(wait) > 0, Number(wait) <= 60, seen.length]).toEqual([true, true, 10])
  })

  it('says that it is closed', async () => {
    const source = create({ fetch: serving(() => PUBLIC).fetch, clock: manualClock() })
    source.close?.()
    const [code, , hint] = (await outcomeOf(source.resolve({ ...ES, kid: 'a' }))) as readonly unknown[]
    expect([code, hint]).toEqual(['keys_unavailable', 'The verifier is closed'])
  })

  it('counts a key ID once, also while its key cannot be fetched', async () => {
    const clock = manualClock()
    const source = create({ fetch: missing, clock, fetchesPerMinute: 2 })
    for (let run = 0; run < 4; run += 1) {
      const [code, , hint] = (await outcomeOf(source.resolve({ ...ES, kid: 'a' }))) as readonly unknown[]
      expect([code, String(hint).includes('new key IDs')]).toEqual(['keys_unavailable', false])
    }
  })

  it.each([
    ['no kid', undefined],
    ['a kid that may not stand in an address', '../a'],
  ])('refuses a header with %s, and sends no request', async (_, kid) => {
    const { fetch, seen } = serving(() => PUBLIC)
    const source = create({ fetch }, { kid: /^[a-z]+$/ })
    await expect(source.resolve({ ...ES, ...(kid !== undefined && { kid }) })).rejects.toMatchObject({
      code: 'key_not_found',
      expected: '"a UUID as kid"',
      actual: kid === undefined ? 'nothing' : '"../a"',
    })
    expect(seen).toEqual([])
  })

  it('has the keys at once that it has fetched, and no others', async () => {
    const source = create({ fetch: serving(() => PUBLIC).fetch, clock: manualClock() })
    const header = Object.freeze({ ...ES, kid: 'a' })
    expect(source.current?.(header)).toBeUndefined()
    const key = await source.resolve(header)
    expect(source.current?.(header)).toBe(key)
    expect(await source.resolveAgain?.(header, key)).toBeUndefined()
    expect(source.describe?.()).toBe('keys at https://keys.example/, one for each kid')
    expect([source.current?.({ ...ES, kid: 'b' }), source.current?.(ES)]).toEqual([undefined, undefined])
  })

  it('gives up its requests when it is closed, and sends no more', async () => {
    const signals: AbortSignal[] = []
    const fetch = ((_url: string, { signal }: { signal: AbortSignal }) => {
      signals.push(signal)
      return new Promise(() => {})
    }) as unknown as Fetch
    const source = create({ fetch, clock: manualClock() })
    const pending = ['a', 'b'].map(async (kid) => outcomeOf(source.resolve({ ...ES, kid })))
    await settle()
    source.close?.()
    expect((await Promise.all(pending)).map((outcome) => (outcome as readonly unknown[])[0])).toEqual([
      'keys_unavailable',
      'keys_unavailable',
    ])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
    const after = (await outcomeOf(source.resolve({ ...ES, kid: 'c' }))) as readonly unknown[]
    expect([after.slice(0, 2), signals.length]).toEqual([['keys_unavailable', 60], 2])
  })

  it.each<readonly [string, () => string, string]>([
    ['a public key', () => PUBLIC, 'public'],
    ['a certificate', () => rsaCertificate(0, 1), 'public'],
    ['a private key', () => PRIVATE, 'keys_unavailable'],
    [
      'a certificate by another name',
      () => rsaCertificate(0, 1).replaceAll('CERTIFICATE', 'PKCS7'),
      'keys_unavailable',
    ],
    ['a public key by another name', () => PUBLIC.replaceAll('PUBLIC KEY', 'PRIVATE KEY'), 'keys_unavailable'],
    ['a JWK', () => '{"kty":"oct","k":"AAAA"}', 'keys_unavailable'],
    ['nothing', () => '', 'keys_unavailable'],
  ])('takes keys in PEM only: %s', async (_, text, expected) => {
    const source = create({ fetch: serving(text).fetch, clock: manualClock() })
    const alg = text().includes('CERTIFICATE') || text().includes('PKCS7') ? 'RS256' : 'ES256'
    expect([await outcomeOf(source.resolve({ alg, kid: 'a' }))].flat()[0]).toBe(expected)
  })
})

describe('A source of certificates by key ID', () => {
  const resolve = async (text: string): Promise<unknown> => {
    const { fetch } = serving(() => text)
    const clock = manualClock()
    return certificateMap(`${BASE}x509`).create({ fetch, clock }).resolve({ alg: 'RS256', kid: 'a' })
  }
  const NOW = manualClock().now()
  const SECOND = 1000
  const [LATE, DAY] = [300 * SECOND, 86_400 * SECOND]

  it.each([
    ['began five minutes from now', NOW + LATE, NOW + DAY, true],
    ['begins a second later', NOW + LATE + SECOND, NOW + DAY, false],
    ['ended five minutes ago', NOW - DAY, NOW - LATE, true],
    ['ended a second earlier', NOW - DAY, NOW - LATE - SECOND, false],
  ])('allows clocks to differ by five minutes: a certificate that %s', async (_, from, until, isUsed) => {
    const found = await outcomeOf(resolve(JSON.stringify({ a: rsaCertificate(from, until) })))
    expect([found].flat()[0]).toBe(isUsed ? 'public' : 'keys_unavailable')
  })

  it.each(['PKCS7', 'PUBLIC KEY'])('takes no certificate that is called %s', async (label) => {
    const text = rsaCertificate(NOW - DAY, NOW + DAY).replaceAll('CERTIFICATE', label)
    expect([await outcomeOf(resolve(JSON.stringify({ a: text })))].flat()[0]).toBe('keys_unavailable')
  })

  it.each(['null', '5', '"a"', '[]', '[{}]'])('takes no %s in place of the map', async (text) => {
    await expect(resolve(text)).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining('The map of certificates is not a JSON object'),
      cause: { reason: 'malformed' },
    })
  })

  it('says why the map cannot be read', async () => {
    await expect(resolve('{"a":')).rejects.toMatchObject({
      message: expect.stringContaining('The map of certificates is not JSON'),
      cause: { reason: 'malformed', cause: { name: expect.any(String) } },
    })
  })
})
