import {
  createTestKeys,
  expiredCertificate,
  type FaultyJwksServer,
  startFaultyJwksServer,
  startTestIssuer,
  type TestIssuer,
  type TestKeys,
  validCertificate,
} from '@claimgate/testing'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { skewOf } from '../../packages/cli/src/network/fetch.ts'
import { claimgate, inJson, inProcess, withoutProgress } from '../support/cli/run-cli.ts'
import { startAuthorizationServer } from '../support/interop/authorization-server.ts'
import { startConnectProxy } from '../support/resilience/connect-proxy.ts'

const OPENID = '/.well-known/openid-configuration'
const OAUTH = '/.well-known/oauth-authorization-server'

let good: TestIssuer
let goodTls: TestIssuer
let server: FaultyJwksServer
let keys: TestKeys
const folder = mkdtempSync(join(tmpdir(), 'claimgate-doctor-'))

beforeAll(async () => {
  good = await startTestIssuer()
  goodTls = await startTestIssuer({ server: { certificate: validCertificate } })
  keys = await createTestKeys('ES256')
})
// One server that each test makes faulty.
beforeEach(async () => {
  server = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
  metadata({})
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await server.close()
})
afterAll(async () => {
  await good.close()
  await goodTls.close()
  rmSync(folder, { recursive: true })
})

function metadata(changes: object, issuer: string = server.origin): void {
  const body = { issuer, jwks_uri: server.url, ...changes }
  for (const path of [OPENID, OAUTH]) server.at(path).behave({ kind: 'ok', body })
}

const doctor = async (...args: readonly string[]): ReturnType<typeof inProcess> => inProcess(['doctor', ...args])
const about = async (...args: readonly string[]): ReturnType<typeof inJson> => inJson(['doctor', ...args])

describe('claimgate doctor, of an issuer without fault', () => {
  it('prints every metadata address, the issuer, the keys, caching, TLS, clock, and the configuration to paste', async () => {
    const { origin } = goodTls.server
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, validCertificate.cert)
    // As a process, because Node reads the file when it starts. It may stand still for seconds on a busy machine.
    const args = ['doctor', origin, '--timeout', '30']
    const { code, stdout, stderr } = await claimgate(args, { env: { NODE_EXTRA_CA_CERTS: ca } })
    expect({ code, stderr: withoutProgress(stderr) }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(new RegExp(`✓ metadata +${origin}${OPENID}: 200, \\d+ ms. Claimgate uses this one`))
    expect(stdout).toMatch(new RegExp(`– metadata +${origin}${OAUTH}: 200, \\d+ ms\n`))
    expect(stdout).toContain('✓ issuer         The metadata names exactly this issuer')
    expect(stdout).toMatch(/✓ jwks_uri +https:\S+ is on the issuer's host/)
    expect(stdout).toMatch(/✓ JWK Set +1 key, 1 usable, \d+ bytes\n +✓ "\S+" +EC P-256 +ES256 +sig\n/)
    expect(stdout).toMatch(/– latency +\d+ ms/)
    expect(stdout).toMatch(
      /✓ TLS +127\.0\.0\.1:\d+: TLSv1\.3, certificate of .*, valid until 2099-12-31 \(\d+ days\)\n/,
    )
    expect(stdout).toContain(`CA             Node's own list, and 1 from NODE_EXTRA_CA_CERTS=${ca}\n`)
    expect(stdout).toMatch(/– proxy +none\n/)
    expect(stdout).toMatch(/✓ clock /)
    expect(stdout).toContain('Good. Claimgate can verify tokens of this issuer.')
    expect(stdout).toContain(`authenticateJwt({ issuer: '${origin}', audience: 'the name of this API in aud' })`)
  })

  it('has JSON of one shape', async () => {
    const { code, found } = await about(good.server.origin)
    expect(Object.keys(found)).toEqual([
      'command',
      'exitCode',
      'verdict',
      'issuer',
      'metadata',
      'jwks',
      'tls',
      'proxy',
      'ca',
      'clockSkew',
      'provider',
      'configuration',
      'problems',
    ])
    expect({ code, ...found }).toMatchObject({
      code: 0,
      verdict: 'good',
      issuer: { equal: true },
      metadata: [
        { status: 200, used: true },
        { status: 200, used: false },
      ],
      jwks: {
        status: 200,
        host: '127.0.0.1',
        usable: 1,
        duplicateKids: [],
        caching: { freshFor: 600, source: 'default' },
      },
      problems: [],
    })
  })

  it('examines oidc-provider with a path in its issuer, at three addresses', async () => {
    const { privateJwk } = await createTestKeys('RS256')
    const provider = await startAuthorizationServer({ keys: [privateJwk], path: '/tenant' })
    try {
      const { code, found } = await about(provider.issuer)
      expect({ code, ...found }).toMatchObject({
        code: 0,
        metadata: [{ status: 200, used: true }, {}, {}],
        jwks: { keys: [{ kty: 'RSA', bits: 2048, alg: 'RS256', use: 'sig', usable: true }] },
      })
    } finally {
      await provider.close()
    }
  })

  it('says that Node does not trust the certificate, and how it can', async () => {
    const { code, found } = await about(goodTls.server.origin)
    expect({ code, ...found }).toMatchObject({
      code: 1,
      tls: [{ protocol: 'TLSv1.3', failure: 'DEPTH_ZERO_SELF_SIGNED_CERT', validTo: '2099-12-31T23:59:59.000Z' }],
      problems: expect.arrayContaining([
        expect.objectContaining({ hint: expect.stringContaining('set NODE_EXTRA_CA_CERTS') as string }),
      ]) as unknown,
    })
  })

  it('gives the profile of a provider that it recognises', async () => {
    const issuer = `${server.origin}/realms/shop`
    server.at(`/realms/shop${OPENID}`).behave({ kind: 'ok', body: { issuer, jwks_uri: server.url } })
    expect((await doctor(issuer)).stdout).toContain(
      `authenticateJwt(keycloak({ url: '${server.origin}', realm: 'shop', audience: 'orders-api' }))`,
    )
  })
})

describe('claimgate doctor, of an issuer with a fault', () => {
  it('compares the issuer character by character', async () => {
    const { code, stdout } = await doctor(`${server.origin}/`)
    expect(code).toBe(1)
    const length = server.origin.length
    expect(stdout).toContain(`at character ${length + 1}: the found one has no slash at its end`)
    expect(stdout).toContain(
      `      expected  ${server.origin}/\n      found     ${server.origin}\n${' '.repeat(16 + length)}^\n`,
    )
    // The keys are examined nevertheless.
    expect(stdout).toContain('1 key, 1 usable')
  })

  it.each<[string, Parameters<FaultyJwksServer['behave']>[0], number, RegExp]>([
    ['answers 404', { kind: 'status', status: 404 }, 1, /404.*\n.*The status was 404, not 200/],
    ['answers 500', { kind: 'status', status: 500 }, 2, /The status was 500, not 200/],
    [
      'redirects to itself',
      { kind: 'redirect', location: OPENID },
      1,
      /302.*\n.*Redirects are not followed \(status 302 to/,
    ],
    ['answers with a web page', { kind: 'html' }, 1, /The answer is a web page, not JSON/],
    ['never ends', { kind: 'endless' }, 1, /The body has more than 1048576 bytes/],
    ['sends a gzip bomb', { kind: 'gzip-bomb', size: 2_000_000 }, 1, /The body has more than 1048576 bytes/],
    ['hangs', { kind: 'hang' }, 2, /No complete answer within 0.3 s/],
    ['refuses connections', { kind: 'refuse' }, 2, /ECONNREFUSED/],
  ])('says that it %s', async (_name, fault, expected, message) => {
    for (const path of [OPENID, OAUTH]) if (fault.kind !== 'refuse') server.at(path).behave(fault)
    await server.behave(fault)
    const { code, stdout } = await doctor(server.origin, '--timeout', fault.kind === 'hang' ? '0.3' : '5')
    expect(code).toBe(expected)
    expect(stdout).toMatch(message)
    expect(stdout).toContain(expected === 1 ? 'Bad.' : 'Unknown.')
    expect(stdout).not.toContain('authenticateJwt')
  })

  it.each<[string, object, RegExp]>([
    ['no keys address', { jwks_uri: undefined }, /no "jwks_uri" that is a URL/],
    ['no issuer', { issuer: 7 }, /the metadata names no issuer/],
    [
      'keys on another host',
      { jwks_uri: 'https://keys.example.net/jwks' },
      /add "keys.example.net".*\n.*--allowed-key-host HOST/,
    ],
  ])('says that its metadata has %s, and does not go there', async (_name, changes, message) => {
    metadata(changes)
    const { code, stdout } = await doctor(server.origin)
    expect(code).toBe(1)
    expect(stdout).toMatch(message)
  })

  it('goes to another host that is allowed by name', async () => {
    metadata({ jwks_uri: server.url.replace('127.0.0.1', 'localhost') })
    const { code, stdout } = await doctor(server.origin, '--allowed-key-host', 'localhost')
    expect(code).toBe(0)
    expect(stdout).toContain('is on the allowed host localhost')
    expect(stdout).toContain("allowedKeyHosts: ['localhost']")
  })

  it('lists each key with its flaw, duplicate kids and private parts, but no key material', async () => {
    const weak = {
      kty: 'RSA',
      kid: 'weak',
      alg: 'RS256',
      use: 'sig',
      n: Buffer.alloc(32, 0xff).toString('base64url'),
      e: 'AQAB',
    }
    server.publish(
      keys.publicJwk,
      { ...keys.privateJwk, kid: 'leaked' },
      weak,
      (await createTestKeys('EdDSA')).publicJwk,
      {
        ...keys.publicJwk,
        kid: 'other',
        use: 'enc',
      },
    )
    const { code, stdout } = await doctor(server.origin)
    expect(code).toBe(0)
    expect(stdout).toMatch(/✓ "test-key" +EC P-256/)
    expect(stdout).toMatch(/! "leaked" .* skipped: private_parts \("d"\)/)
    expect(stdout).toMatch(/– "weak" +RSA 256 bits .* skipped: weak \("n"\)/)
    expect(stdout).toMatch(/– "other" .* enc .*skipped: wrong_use \("use"\)/)
    expect(stdout).toMatch(/! kid +"test-key" names several keys/)
    expect(stdout).toMatch(/! private key +"leaked" is published with private parts \("d"\).*\n.*Replace the key/)
    expect(stdout).not.toContain(keys.privateJwk.d)
  })

  it('says what Claimgate makes of Cache-Control and ETag', async () => {
    server.at('/jwks.json').behave({ kind: 'ok', etag: 'strong', headers: { 'cache-control': 'max-age=300' } })
    const { code, stdout } = await doctor(server.origin)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /"max-age=300"\n +Claimgate: fresh for 300 s; refreshed in the background after 240 to 270 s; used for up to 3900 s/,
    )
    expect(stdout).toContain('Claimgate sends it with refreshes, and the server answers 304.')
  })

  it('says that the set is too large for the defaults, and which options to set', async () => {
    await server.behave({ kind: 'many-keys', count: 500 })
    const { code, stdout } = await doctor(server.origin)
    expect(code).toBe(1)
    expect(stdout).toMatch(/\d+ bytes, and Claimgate reads 65536 by default\n +Set keySet: \{ maxBytes: … \}/)
    expect(stdout).toMatch(/\d+ members, and Claimgate reads 64 by default/)
    expect(stdout).toContain('keySet: { maxBytes: 1048576, maxKeys: 1000 }')
  })

  it('does not trust the content type, and reports it', async () => {
    server.at('/jwks.json').behave({ kind: 'ok', headers: { 'content-type': 'text/html' } })
    const { code, found } = await about(server.origin)
    expect({ code, ...found }).toMatchObject({ code: 0, jwks: { contentType: 'text/html', usable: 1 } })
  })

  it('warns of clocks that differ', async () => {
    const date = new Date(Date.now() - 90_000).toUTCString()
    for (const path of [OPENID, OAUTH])
      server.at(path).behave({ kind: 'ok', headers: { date }, body: { issuer: server.origin, jwks_uri: server.url } })
    const { code, stdout } = await doctor(server.origin)
    expect(code).toBe(0)
    expect(stdout).toMatch(/! clock +The server's clock is (?:89|90|91) s behind/)
  })

  it.each<[string, number, readonly [number, number], string | undefined]>([
    ['arrives at once', 90, [0, 10], undefined],
    ['may have been sent before the wait', 0, [0, 12_000], undefined],
    ['may have been sent after the wait', 0, [-12_000, 100], undefined],
    ['was cached', 90, [100_000, 100_010], '100'],
  ])('counts only what a wait does not explain, of an answer that %s', (_name, ahead, [asked, answered], age) => {
    const now = Date.parse('2026-01-01T00:00:00Z')
    const date = new Date(now + ahead * 1000).toUTCString()
    expect(skewOf(date, age, [now + asked, now + answered])).toBe(ahead)
  })

  it.each(['1e308', '-1', '', ' 5', 'x'])('says nothing about the clock with an Age of "%s"', (age) => {
    expect(skewOf(new Date().toUTCString(), age, [0, 0])).toBeUndefined()
  })

  it('reports an expired certificate', async () => {
    const secure = await startTestIssuer({ server: { certificate: expiredCertificate } })
    try {
      const { code, found } = await about(secure.server.origin)
      expect({ code, ...found }).toMatchObject({
        code: 1,
        tls: [{ protocol: 'TLSv1.3', daysLeft: expect.any(Number) as number }],
      })
      expect(Number((found['tls'] as readonly { readonly daysLeft: number }[])[0]?.daysLeft)).toBeLessThan(0)
    } finally {
      await secure.close()
    }
  })

  it('goes through the proxy of the environment, and never shows its password', async () => {
    const secure = await startFaultyJwksServer({ certificate: validCertificate })
    const proxy = await startConnectProxy(secure.port)
    try {
      vi.stubEnv('HTTPS_PROXY', `http://ada:hush@127.0.0.1:${proxy.port}`)
      const unused = await doctor(server.origin)
      vi.stubEnv('NODE_USE_ENV_PROXY', '1')
      const used = await doctor('https://auth.example.com')
      expect(unused.stdout).toContain(`none: the environment names 127.0.0.1:${proxy.port}, but does not switch it on`)
      expect(used.stdout).toMatch(new RegExp(`– proxy +127.0.0.1:${proxy.port}\n`))
      // The certificate is for another name.
      expect(used.stdout).toMatch(/✗ TLS +auth\.example\.com: TLSv1\.3.*Node does not trust it/)
      expect(proxy.tunnels.every(({ target }) => target === 'auth.example.com:443')).toBe(true)
      expect(unused.stdout + used.stdout).not.toContain('hush')
    } finally {
      await proxy.close()
      await secure.close()
    }
  })

  it('escapes control characters of everything that the issuer sends', async () => {
    const evil = '\u001b[2J\u009b31m\u202e'
    metadata({ issuer: `${server.origin}/${evil}` })
    server.publish({ ...keys.publicJwk, kid: `a${evil}` }, { ...keys.publicJwk, alg: evil })
    const texts = await Promise.all([doctor(server.origin), doctor(server.origin, '--json')])
    for (const { stdout } of texts) {
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      expect(stdout).toContain(String.raw`\u001b[2J\u009b31m\u202e`)
    }
  })

  it.each([
    ['auth.example.com', /must be a URL/],
    ['http://auth.example.com', /--allow-http-host auth\.example\.com/],
    ['https://user:hush@auth.example.com', /must not carry credentials/],
  ])('does not fetch from %s', async (issuer, message) => {
    const { code, stderr } = await doctor(issuer)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hush')
  })
})
