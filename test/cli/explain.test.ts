import { createIssuer } from '@claimgate/issuer'
import { startFaultyJwksServer, startTestIssuer, type TestIssuer } from '@claimgate/testing'
import { exportJWK, exportSPKI, generateKeyPair } from 'jose'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { claimgate, inJson, inProcess, withoutProgress } from '../support/cli/run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'claimgate-cli-'))
let at: TestIssuer
let token: string
let expired: string

beforeAll(async () => {
  at = await startTestIssuer({ audience: 'orders-api' })
  token = await at.issuer.issue({ sub: 'ada', scope: 'read' })
  const clock = { now: () => Date.now() - 600_000 }
  const past = await createIssuer({ issuer: at.server.origin, audience: 'orders-api', ttl: 360, clock })
  expired = await past.issue({ sub: 'ada' })
})
afterAll(async () => {
  await at.close()
  rmSync(folder, { recursive: true })
})

describe('claimgate explain', () => {
  it('accepts a token of the issuer, with exit code 0', async () => {
    const { code, stdout, stderr } = await claimgate(
      ['explain', '--issuer', at.server.origin, '--audience', 'orders-api'],
      { input: `Authorization: Bearer ${token}\n` },
    )
    expect({ code, stderr: withoutProgress(stderr) }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('looks like     an access token, because its typ is at+jwt')
    expect(stdout).toContain('Accepted: every step passed')
    expect(stdout).toMatch(/✓ signature +"verified"/)
    expect(stdout).toContain(`authenticateJwt({ issuer: '${at.server.origin}', audience: 'orders-api' })`)
  })

  it('refuses a token with exit code 1: each failed step with what was expected, what was found, and a hint', async () => {
    const { code, stdout } = await inProcess(
      ['explain', '--issuer', `${at.server.origin}/`, '--audience', 'invoices'],
      token,
    )
    expect(code).toBe(1)
    expect(stdout).toContain('Refused (issuer_mismatch)')
    expect(stdout).toMatch(
      /✗ issuer +issuer_mismatch\n +expected "http:\/\/127[^"]+\/"\n +found +"[^"]+\d"\n +hint +They differ only by a trailing slash/,
    )
    expect(stdout).toMatch(/✗ aud +audience_mismatch\n +expected \["invoices"\]\n +found +"orders-api"/)
    expect(stdout).toMatch(/– signature/)
  })

  it('fetches nothing without an option that says where from: the signature is not checked, and the exit code is 2', async () => {
    at.server.forget()
    const { code, stdout } = await inProcess(['explain'], token)
    expect(code).toBe(2)
    expect(stdout).toMatch(/– signature\n +hint +not checked: give --issuer, --provider, --jwks-uri or --key-file/)
    expect(stdout).toContain('The signature was not checked')
    expect(at.server.stats().requests).toEqual([])
  })

  it('says what already refuses a token whose signature is not checked', async () => {
    const { code, stdout } = await inProcess(['explain'], expired)
    expect(code).toBe(2)
    expect(stdout).toContain('Refused in any case (token_expired): exp')
    expect(stdout).toMatch(/✗ exp +expired 4 minutes ago token_expired/)
    expect(stdout).toMatch(/✓ iat +issued 10 minutes ago/)
  })

  it('follows no address of the token: not its issuer, and not its jku', async () => {
    at.server.forget()
    const header = Buffer.from(JSON.stringify({ alg: 'ES256', jku: at.server.url, x5u: at.server.url })).toString(
      'base64url',
    )
    const withUrl = [header, ...token.split('.').slice(1)].join('.')
    const outcomes = await Promise.all([
      inProcess(['explain', '--issuer', 'https://127.0.0.1:9/', '--timeout', '1'], token),
      inProcess(['explain'], withUrl),
    ])
    expect(outcomes.map(({ code }) => code)).toEqual([1, 2])
    expect(at.server.stats().requests).toEqual([])
  })

  it.each([
    ['--jwks-uri', () => [at.server.url], 0],
    ['--key-file with a JWK Set', () => [fileOf('set.json', JSON.stringify(at.issuer.jwks()))], 0],
    ['--key-file with a JWK', () => [fileOf('key.json', JSON.stringify(at.issuer.jwks().keys[0]))], 0],
  ] as const)('takes keys from %s', async (option, place, expected) => {
    const name = option.split(' ')[0] ?? ''
    const { code, found } = await inJson(['explain', name, ...place()], token)
    expect(code).toBe(expected)
    expect(found).toMatchObject({ accepted: true, unchecked: ['the issuer', 'the audience'] })
  })

  it('refuses a token of another key in a PEM file', async () => {
    const { publicKey } = await generateKeyPair('ES256')
    const { code, found } = await inJson(
      ['explain', '--key-file', fileOf('key.pem', await exportSPKI(publicKey))],
      token,
    )
    expect({ code, refused: found['code'] }).toEqual({ code: 1, refused: 'signature_invalid' })
  })

  it('never prints a private key that it is given', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(privateKey)
    const files = [fileOf('private.json', JSON.stringify(jwk)), fileOf('set.json', JSON.stringify({ keys: [jwk] }))]
    for (const file of files) {
      const { code, stdout, stderr } = await inProcess(['explain', '--key-file', file], token)
      expect(code).toBeGreaterThan(0)
      expect(stdout + stderr).not.toContain(jwk.d)
    }
  })

  it('takes the rules and the addresses from the profile of a provider', async () => {
    const url = at.server.origin
    const args = ['explain', '--provider', 'ory-hydra', '--option', `issuer=${url}`, '--option', 'audience=orders-api']
    expect(await inJson(args, token)).toMatchObject({
      code: 0,
      found: { accepted: true, keys: 'the profile ory-hydra' },
    })
  })

  it.each<[string, readonly string[], RegExp]>([
    [
      'a wrong word',
      ['--provider', 'auth0', '--audience', 'a', '--option', 'issuer=x'],
      /write "domain".*--option NAME=VALUE/,
    ],
    [
      'a missing word',
      ['--provider', 'auth0', '--audience', 'a'],
      /"domain" must be a host such as "acme\.eu\.auth0\.com"/,
    ],
    ['an unknown provider', ['--provider', 'keycloack'], /did you mean keycloak/],
    ['a word without a value', ['--provider', 'auth0', '--option', 'domain'], /--option NAME=VALUE/],
    ['a word without a provider', ['--option', 'domain=x'], /give --provider too/],
    [
      'a secret',
      ['--provider', 'supabase', '--option', 'legacySecret=hush'],
      /Never pass a secret such as legacySecret/,
    ],
    ['an issuer beside a provider', ['--provider', 'auth0', '--issuer', 'https://x.example'], /leave out --issuer/],
    ['a key host without an issuer', ['--allowed-key-host', 'x.example'], /through the metadata of --issuer/],
    ['two places of keys', ['--jwks-uri', 'https://x.example', '--key-file', 'x'], /not both/],
    ['a key file that is missing', ['--key-file', '/nowhere'], /ENOENT/],
    ['http', ['--jwks-uri', 'http://keys.example.com'], /must be https/],
    ['an endless timeout', ['--timeout', '3000'], /at most 30/],
  ])('cannot say anything with %s, and says what to write', async (_name, args, message) => {
    const { code, stdout, stderr } = await inProcess(['explain', ...args], token)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('hush')
    expect(stderr).not.toContain('bug')
  })

  it('finds keys through metadata at another address, and on a host that is allowed', async () => {
    const issuer = await startFaultyJwksServer()
    const keys = at.server.url.replace('127.0.0.1', 'localhost')
    issuer.at('/metadata').behave({ kind: 'ok', body: { issuer: at.server.origin, jwks_uri: keys } })
    try {
      const args = ['explain', '--issuer', at.server.origin, '--metadata-uri', issuer.urlOf('/metadata')]
      const [refused, allowed] = await Promise.all([
        inJson(args, token),
        inJson([...args, '--allowed-key-host', 'localhost'], token),
      ])
      expect(refused).toMatchObject({ code: 2, found: { code: 'keys_unavailable' } })
      expect(allowed).toMatchObject({ code: 0, found: { accepted: true } })
    } finally {
      await issuer.close()
    }
  })

  it('cannot say whether a token is good while the keys are unavailable', async () => {
    await at.server.behave({ kind: 'status', status: 500 })
    try {
      const { code, found } = await inJson(['explain', '--jwks-uri', at.server.url], token)
      expect(code).toBe(2)
      expect(found).toMatchObject({ accepted: null, code: 'keys_unavailable' })
    } finally {
      await at.server.behave({ kind: 'ok', body: () => at.issuer.jwks() })
    }
  })

  it('cannot say whether a token that is bound to a key is good, because only a request proves the key', async () => {
    const bound = await at.issuer.issue({ sub: 'ada', cnf: { jkt: 'x'.repeat(43) } })
    const [good, other] = await Promise.all([
      inProcess(['explain', '--jwks-uri', at.server.url], bound),
      inJson(['explain', '--jwks-uri', at.server.url, '--audience', 'invoices'], bound),
    ])
    expect(good.code).toBe(2)
    expect(good.stdout).toContain('Every other step passed, but the token is bound to a key of the client')
    expect(good.stdout).toMatch(
      /– cnf\n +hint +not checked, .* bindings: \[dpop\({ origin, replay }\)\] of @claimgate\/core\/dpop/,
    )
    expect(other).toMatchObject({ code: 1, found: { accepted: false, code: 'audience_mismatch' } })
  })

  it('names the binding of a token that is bound to a certificate, with an option that the binding needs', async () => {
    const bound = await at.issuer.issue({ sub: 'ada', cnf: { 'x5t#S256': 'x'.repeat(43) } })
    const { code, stdout } = await inProcess(['explain', '--jwks-uri', at.server.url], bound)
    expect(code).toBe(2)
    expect(stdout).toMatch(
      /– cnf\n +hint +not checked, .* bindings: \[mtls\({ from: 'connection' }\)\] of @claimgate\/core\/mtls/,
    )
  })

  it('refuses a token with a confirmation that Claimgate does not know', async () => {
    const bound = await at.issuer.issue({ sub: 'ada', cnf: { kid: 'x' } })
    expect(await inJson(['explain', '--jwks-uri', at.server.url], bound)).toMatchObject({
      code: 1,
      found: { code: 'binding_unsupported' },
    })
  })

  it('refuses what is no JWT, and says what it looks like', async () => {
    const [opaque, encrypted, empty] = await Promise.all([
      inJson(['explain', '--jwks-uri', at.server.url], 'opaque'),
      inJson(['explain'], `${token}.a.b`),
      claimgate(['explain'], { input: ' \n' }),
    ])
    expect(opaque).toMatchObject({ code: 1, found: { code: 'token_malformed', token: { kind: 'opaque' } } })
    expect(encrypted).toMatchObject({ code: 2, found: { token: { kind: 'encrypted' } } })
    expect(empty).toMatchObject({ code: 2, stdout: '' })
    expect(empty.stderr).toContain('There is no token on standard input')
  })

  it('reads no more than it must of an endless input', async () => {
    const { code, stderr } = await claimgate(['explain'], { input: 'a'.repeat(1_000_000) })
    expect(code).toBe(2)
    expect(stderr).toContain('longer than 131072 characters')
  })

  it('guesses the provider by the form of the issuer, and gives its profile to paste', async () => {
    const { token: auth0 } = await at.as('auth0', {
      iss: 'https://acme.eu.auth0.com/',
      aud: 'https://api.acme.example',
    })
    const { stdout } = await inProcess(['explain'], auth0)
    expect(stdout).toContain('issued by      Auth0')
    expect(stdout).toContain(
      "authenticateJwt(auth0({ domain: 'acme.eu.auth0.com', audience: 'https://api.acme.example' }))",
    )
  })

  it('has JSON of one shape', async () => {
    const { found } = await inJson(['explain', '--issuer', at.server.origin, '--audience', 'orders-api'], token)
    expect(Object.keys(found)).toEqual([
      'command',
      'exitCode',
      'accepted',
      'code',
      'summary',
      'token',
      'keys',
      'unchecked',
      'steps',
      'configuration',
    ])
    expect(found['token']).toMatchObject({
      kind: 'access',
      provider: null,
      algorithm: 'ES256',
      times: [{ claim: 'exp' }, { claim: 'iat' }],
    })
    expect(found['steps']).toContainEqual({
      step: 'signature',
      result: 'passed',
      expected: '"a signature by that key"',
      actual: '"verified"',
    })
  })

  it('prints no whole token, and none of its signature', async () => {
    const inside = await at.issuer.issue({ sub: 'ada', scope: 'read', copy: token, client_id: token })
    for (const args of [[], ['--json']]) {
      const { stdout, stderr } = await inProcess(['explain', ...args], inside)
      for (const part of token.split('.').slice(1)) expect(stdout + stderr).not.toContain(part)
      expect(stdout + stderr).not.toContain(inside.split('.')[2])
    }
  })
})

function fileOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
