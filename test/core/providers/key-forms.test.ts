// Keys in other forms than a JWK Set at a public address: limits, failures, and what may cause a request.
import { createVerifier, type IssuerPolicy, type Verifier } from '@claimgate/core'
import { awsAlb, firebase, kubernetes, sapIas, supabase } from '@claimgate/core/providers'
import { SignJWT } from 'jose'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { fixtures, network, NOW, outcomeOf, rsaCertificate, tokenOf } from '../../support/providers/world.ts'

const SIGNER = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef'
const alb = awsAlb({
  region: 'eu-west-1',
  loadBalancerArn: SIGNER,
  issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example',
  clientId: 'xxxxxxxxxxxxexample',
})
const KEYS = 'https://public-keys.auth.elb.eu-west-1.amazonaws.com/'
const uuid = (index: number): string => `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`

/** A verifier whose monotonic clock can be moved. */
function timed(policy: IssuerPolicy, fetch: unknown): { verifier: Verifier; move: (seconds: number) => void } {
  let ahead = 0
  const clock = { now: () => NOW + ahead, monotonic: () => ahead }
  const move = (seconds: number): void => {
    ahead += seconds * 1000
  }
  return { verifier: createVerifier({ ...policy, fetch: fetch as never, clock }), move }
}

describe('one key for each kid (AWS ALB)', () => {
  it('fetches a key once, and only from the address of its region', async () => {
    const { fetch, seen } = network('aws-alb')
    const { verifier } = timed(alb, fetch)
    for (let run = 0; run < 3; run += 1)
      expect(await outcomeOf(verifier, await tokenOf('aws-alb'))).toHaveProperty('claims')
    expect(seen.map(({ url }) => url)).toEqual([`${KEYS}6d1f2c3e-0000-4000-8000-000000000001`])
  })

  it.each<[string, object]>([
    ['of another load balancer', { signer: SIGNER.replace('my-alb', 'other') }],
    ['without signer', { signer: undefined }],
    ['with a list as signer', { signer: [SIGNER] }],
    ['of another client', { client: 'other' }],
    ['with a path as kid', { kid: `../${uuid(1)}` }],
    ['with a query as kid', { kid: `${uuid(1)}?x` }],
    ['with an upper-case kid', { kid: uuid(1).replace('8000', 'ABCD') }],
    ['without kid', { kid: undefined }],
  ])('sends no request for a token %s', async (_name, header) => {
    const { fetch, seen } = network('aws-alb')
    const token = await tokenOf('aws-alb', { header: { ...header } })
    expect(await outcomeOf(timed(alb, fetch).verifier, token)).toMatch(/^401 /)
    expect(seen).toEqual([])
  })

  it('asks for at most ten new key IDs in a minute, and keeps known keys meanwhile', async () => {
    const { fetch, seen } = network('aws-alb')
    const { verifier, move } = timed(alb, fetch)
    await outcomeOf(verifier, await tokenOf('aws-alb'))
    for (let index = 0; index < 15; index += 1)
      expect(await outcomeOf(verifier, await tokenOf('aws-alb', { header: { kid: uuid(index) } }))).toMatch(
        /^503 keys_unavailable/,
      )
    expect(seen).toHaveLength(10)
    expect(await outcomeOf(verifier, await tokenOf('aws-alb'))).toHaveProperty('claims')
    move(61)
    await outcomeOf(verifier, await tokenOf('aws-alb', { header: { kid: uuid(20) } }))
    expect(seen.at(-1)?.url).toBe(`${KEYS}${uuid(20)}`)
  })

  it('keeps a key that was used, whatever key IDs are made up meanwhile', async () => {
    const { fetch } = network('aws-alb')
    const { verifier, move } = timed(alb, fetch)
    const good = await tokenOf('aws-alb', { claims: { exp: NOW / 1000 + 900 } })
    await outcomeOf(verifier, good)
    for (let index = 0; index < 70; index += 1) {
      if (index % 10 === 0) move(61)
      await outcomeOf(
        verifier,
        await tokenOf('aws-alb', { header: { kid: uuid(index) }, claims: { exp: NOW / 1000 + 900 } }),
      )
    }
    expect(await outcomeOf(verifier, good)).toHaveProperty('claims')
  })

  it('sends no request once the verifier is closed', async () => {
    const { fetch, seen } = network('aws-alb')
    const { verifier } = timed(alb, fetch)
    await outcomeOf(verifier, await tokenOf('aws-alb', { header: { kid: uuid(1) } }))
    verifier.close()
    expect(await outcomeOf(verifier, await tokenOf('aws-alb', { header: { kid: uuid(2) } }))).toMatch(/^503/)
    expect(seen).toHaveLength(1)
  })

  it.each<[string, string]>([
    ['a web page', '<html></html>'],
    ['a private key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['too much', `-----BEGIN PUBLIC KEY-----\n${'A'.repeat(100_000)}\n-----END PUBLIC KEY-----`],
  ])('answers 503 if the address gives %s', async (_name, body) => {
    const { verifier } = timed(alb, async () => new Response(body))
    expect(await outcomeOf(verifier, await tokenOf('aws-alb'))).toMatch(/^503 keys_unavailable/)
  })

  it('accepts padding for this profile alone', async () => {
    const { fetch } = network('aws-alb')
    const { verifier } = timed({ ...alb, padding: 'refuse' }, fetch)
    expect(await outcomeOf(verifier, await tokenOf('aws-alb'))).toMatch(/^401 token_encoding/)
  })
})

describe('a map of certificates (Firebase)', () => {
  const policy = firebase({ projectId: 'my-project', keys: 'x509' })

  it.each<[string, string, RegExp]>([
    ['a list', '[]', /^503 .*not a JSON object/],
    ['no JSON', '-----BEGIN CERTIFICATE-----', /^503 .*is not JSON/],
    ['a key twice', '{"fb1":"","fb1":""}', /^503 /],
    ['no certificate', '{"fb1":"x"}', /^503 .*only members that are skipped/],
    [
      'more certificates than the limit',
      JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'x']))),
      /^503 .*at most 64/,
    ],
  ])('answers 503 if the address gives %s', async (_name, body, says) => {
    const { verifier } = timed(policy, async () => new Response(body))
    expect(await outcomeOf(verifier, await tokenOf('firebase-x509'))).toMatch(says)
  })

  const DAY = 86_400_000
  it.each<[string, string, 'accepted' | 'refused']>([
    ['valid', rsaCertificate(NOW - DAY, NOW + DAY), 'accepted'],
    ['valid, with a GeneralizedTime', rsaCertificate(NOW - DAY, NOW + DAY, 'GeneralizedTime'), 'accepted'],
    ['expired four minutes ago', rsaCertificate(NOW - DAY, NOW - 240_000), 'accepted'],
    ['expired six minutes ago', rsaCertificate(NOW - DAY, NOW - 360_000), 'refused'],
    ['valid in four minutes', rsaCertificate(NOW + 240_000, NOW + DAY), 'accepted'],
    ['valid in six minutes', rsaCertificate(NOW + 360_000, NOW + DAY), 'refused'],
    ['expired in 1999', rsaCertificate(0, Date.UTC(1999, 11, 31)), 'refused'],
    ['without readable dates', rsaCertificate(NOW, NOW, 'other'), 'refused'],
  ])('uses a certificate only while it is valid: %s', async (_name, certificate, expected) => {
    const kid = String(fixtures['firebase-x509']?.header['kid'])
    const { verifier } = timed(policy, async () => Response.json({ [kid]: certificate }))
    const outcome = await outcomeOf(verifier, await tokenOf('firebase-x509'))
    if (expected === 'accepted') expect(outcome).toHaveProperty('claims')
    else expect(outcome).toMatch(/^503 keys_unavailable .*only members that are skipped/)
  })

  it('uses no bare public key in place of a certificate', async () => {
    const kid = String(fixtures['firebase-x509']?.header['kid'])
    const pem =
      '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----'
    const { verifier } = timed(policy, async () => Response.json({ [kid]: pem }))
    expect(await outcomeOf(verifier, await tokenOf('firebase-x509'))).toMatch(/^503 keys_unavailable/)
  })

  it('sends no second request for an unknown key ID within the cool-down', async () => {
    const { fetch, seen } = network('firebase-x509')
    const { verifier } = timed(policy, fetch)
    await outcomeOf(verifier, await tokenOf('firebase-x509'))
    for (const kid of ['a', 'b', 'c']) await outcomeOf(verifier, await tokenOf('firebase-x509', { header: { kid } }))
    expect(seen.length).toBeLessThanOrEqual(2)
  })
})

describe('52. Keys behind a token (Kubernetes)', () => {
  const words = { serviceAccounts: ['shop/web'], audience: 'orders-api', apiServer: 'https://10.0.0.1:6443' }

  it.each<[string, () => string | Promise<string>]>([
    ['a wrong token', () => 'other'],
    ['a failing token', () => Promise.reject(new Error('no file'))],
    [
      'a token that fails at once',
      () => {
        throw new Error('no file')
      },
    ],
  ])('answers 503 with %s', async (_name, token) => {
    const { fetch } = network('kubernetes')
    const { verifier } = timed(kubernetes({ ...words, token }), fetch)
    expect(await outcomeOf(verifier, await tokenOf('kubernetes'))).toMatch(/^503 keys_unavailable/)
  })

  it.each<[string, object, string]>([
    ['no token', {}, 'The status was 401, not 200 (if it wants a token, give "token")'],
    [
      'a wrong token',
      { token: () => 'other' },
      'The status was 401, not 200 (it refuses the token that "token" gives)',
    ],
  ])('says what to write with %s', async (_name, more, says) => {
    const { verifier } = timed(kubernetes({ ...words, ...more }), network('kubernetes').fetch)
    const outcome = await outcomeOf(verifier, await tokenOf('kubernetes'))
    expect(outcome).toContain(says)
    expect(outcome).not.toContain('keySet.headers')
  })

  it.each<[string, string, string, (headers: unknown) => Promise<never>]>([
    [
      'an error that repeats the request',
      'secret-token',
      '(ECONNREFUSED)',
      async (headers) => {
        throw Object.assign(new Error(`cannot send ${JSON.stringify(headers)}`), { code: 'ECONNREFUSED' })
      },
    ],
    [
      'a line break in the token',
      'secret\ntoken',
      'must give the text of a token',
      async (headers) => Promise.reject(new Error([...new Headers(headers as never)].join())),
    ],
  ])('does not show the token with %s', async (_name, secret, says, send) => {
    const fetch = (async (_url, { headers }) => send(headers)) as Parameters<typeof kubernetes>[0]['fetch']
    const { verifier } = timed(kubernetes({ ...words, token: () => secret, ...(fetch && { fetch }) }), undefined)
    const error: unknown = await verifier.verify(await tokenOf('kubernetes')).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ status: 503, message: expect.stringContaining(says) })
    const shown = inspect(error, { depth: 9, showHidden: true })
    expect(shown).not.toContain('secret-token')
    expect(shown).not.toContain(String.raw`secret\ntoken`)
  })

  it('sends no token to the target of a redirect', async () => {
    const arrived: (string | undefined)[] = []
    const serve = createServer(({ url, headers: { authorization } }, res) => {
      arrived.push(`${url} ${authorization}`)
      res.writeHead(302, { location: '/stolen' }).end()
    }).listen(0, '127.0.0.1')
    await once(serve, 'listening')
    const apiServer = `http://127.0.0.1:${(serve.address() as AddressInfo).port}`
    const { verifier } = timed(kubernetes({ ...words, apiServer, token: () => 'own-token' }), globalThis.fetch)
    const outcome = await outcomeOf(verifier, await tokenOf('kubernetes'))
    serve.close()
    expect(outcome).toMatch(/^503 .*Redirects are not followed/)
    expect(arrived).toEqual(['/openid/v1/jwks Bearer own-token'])
  })

  it('asks for the keys through the proxy of the verifier', async () => {
    const asked: (string | undefined)[] = []
    const proxy = createServer().on('connect', ({ url }, socket) => {
      asked.push(url)
      socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    await once(proxy.listen(0, '127.0.0.1'), 'listening')
    const keySet = { proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
    const policy = kubernetes({ ...words, token: () => 'own-token' })
    const verifier = createVerifier({ ...policy, keySet, clock: { now: () => NOW } })
    expect(await outcomeOf(verifier, await tokenOf('kubernetes'))).toMatch(/^503 keys_unavailable/)
    verifier.close()
    proxy.close()
    expect(asked).toContain('10.0.0.1:6443')
  })

  it('sends the token to an address with a port that its scheme has anyway', async () => {
    const { fetch } = network('kubernetes')
    const seen: unknown[] = []
    const send = (async (_url, init) => {
      seen.push(init.headers['authorization'])
      return fetch('https://10.0.0.1:6443/openid/v1/jwks', init)
    }) as NonNullable<Parameters<typeof kubernetes>[0]['fetch']>
    const { verifier } = timed(
      kubernetes({ ...words, apiServer: 'https://K8S.example:443', token: () => 'own-token', fetch: send }),
      undefined,
    )
    expect(await outcomeOf(verifier, await tokenOf('kubernetes'))).toHaveProperty('claims')
    expect(seen).toEqual(['Bearer own-token'])
  })

  it('keeps two clusters apart that have the same address', async () => {
    const { fetch } = network('kubernetes')
    const cluster = (issuer: string, reach: typeof fetch): IssuerPolicy =>
      kubernetes({ ...words, issuer, token: () => 'own-token', fetch: reach })
    const issuers = [
      cluster('https://one.example', async (url, init) => fetch(url, init)),
      cluster('https://two.example', async () => new Response('{"keys":[]}')),
    ]
    const verifier = createVerifier({ issuers, clock: { now: () => NOW } })
    const of = (iss: string): Promise<string> => tokenOf('kubernetes', { claims: { iss } })
    expect(await outcomeOf(verifier, await of('https://one.example'))).toHaveProperty('claims')
    expect(await outcomeOf(verifier, await of('https://two.example'))).toMatch(/^503 keys_unavailable/)
  })

  it('uses the fetch that it was given, for the keys alone', async () => {
    const { fetch, seen } = network('kubernetes')
    const other = async (): Promise<never> => Promise.reject(new Error('unused'))
    const { verifier } = timed(kubernetes({ ...words, token: async () => 'own-token', fetch }), other)
    expect(await outcomeOf(verifier, await tokenOf('kubernetes'))).toHaveProperty('claims')
    expect(seen.map(({ url, headers }) => [url, headers['authorization']])).toEqual([
      ['https://10.0.0.1:6443/openid/v1/jwks', 'Bearer own-token'],
    ])
  })
})

it('sends the client and the tenant with requests for keys (SAP IAS)', async () => {
  const { fetch, seen } = network('sap-ias')
  const clientId = '0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b'
  const appTid = '11111111-2222-4333-8444-555555555555'
  const { verifier } = timed(sapIas({ url: 'https://tenant.accounts.ondemand.com', clientId, appTid }), fetch)
  await verifier.verify(await tokenOf('sap-ias'))
  expect(seen[0]?.headers).toMatchObject({ 'x-client_id': clientId, 'x-app_tid': appTid, 'x-azp': clientId })
})

describe('a secret for the time of a migration (Supabase)', () => {
  const legacySecret = 'a secret of at least thirty-two bytes'
  const policy = supabase({ projectRef: 'abcdefgh', legacySecret, legacyUntil: new Date(NOW + 60_000) })
  const hs256 = (): Promise<string> =>
    new SignJWT({ iss: 'https://abcdefgh.supabase.co/auth/v1', aud: 'authenticated', sub: 'u', exp: NOW / 1000 + 600 })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(new TextEncoder().encode(legacySecret))

  it('accepts HS256 until then, and ES256 before and after, even for cached tokens', async () => {
    const { fetch } = network('supabase')
    const { verifier, move } = timed(policy, fetch)
    const [old, current] = [await hs256(), await tokenOf('supabase')]
    expect(await outcomeOf(verifier, old)).toHaveProperty('claims')
    expect(await outcomeOf(verifier, old)).toHaveProperty('claims')
    expect(await outcomeOf(verifier, current)).toHaveProperty('claims')
    move(60)
    expect(await outcomeOf(verifier, old)).toMatch(/^401 key_not_found .*The time of the secret is over/)
    expect(await outcomeOf(verifier, current)).toHaveProperty('claims')
  })

  it('sends no request for HS256, and refuses it without a secret', async () => {
    const { fetch, seen } = network('supabase')
    await outcomeOf(timed(policy, fetch).verifier, await hs256())
    expect(await outcomeOf(timed(supabase({ projectRef: 'abcdefgh' }), fetch).verifier, await hs256())).toMatch(
      /^401 algorithm/,
    )
    expect(seen).toEqual([])
  })
})
