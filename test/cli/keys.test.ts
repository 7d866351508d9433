import {
  createTestKeys,
  type FaultyJwksServer,
  startFaultyJwksServer,
  type TestKeys,
  weakKeys,
} from '@claimgate/testing'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { claimgate, inJson, inProcess } from '../support/cli/run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'claimgate-keys-'))
let keys: TestKeys
let server: FaultyJwksServer
beforeAll(async () => {
  keys = await createTestKeys('ES256')
  server = await startFaultyJwksServer({ jwks: { keys: [keys.publicJwk] } })
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

describe('claimgate keys', () => {
  it('examines the set at a URL, from standard input, and in a file', async () => {
    const set = JSON.stringify({ keys: [keys.publicJwk] })
    const [url, input, file] = await Promise.all([
      inProcess(['keys', server.url]),
      claimgate(['keys', '-'], { input: set }),
      inProcess(['keys', fileOf('set.json', set)]),
    ])
    for (const { code, stdout } of [url, input, file]) {
      expect(code).toBe(0)
      expect(stdout).toMatch(/✓ JWK Set +1 key, 1 usable, \d+ bytes\n +✓ "test-key" +EC P-256 +ES256 +sig\n/)
    }
    expect(url.stdout).toMatch(/– answer +200, \d+ ms, application\/jwk-set\+json\n/)
    expect(url.stdout).toContain('Claimgate: fresh for 600 s')
  })

  it('has JSON of one shape', async () => {
    const { code, found } = await inJson(['keys', server.url])
    expect({ code, ...found }).toEqual({
      code: 0,
      command: 'keys',
      exitCode: 0,
      verdict: 'good',
      place: server.url,
      bytes: expect.any(Number) as number,
      usable: 1,
      duplicateKids: [],
      keys: [
        {
          kid: 'test-key',
          kty: 'EC',
          crv: 'P-256',
          bits: null,
          alg: 'ES256',
          use: 'sig',
          usable: true,
          flaw: null,
          member: null,
        },
      ],
      caching: expect.objectContaining({ freshFor: 600, source: 'default' }) as object,
      problems: [],
    })
  })

  it('gives every member that core skips the flaw that core finds', async () => {
    const members = weakKeys().map(({ jwk }) => jwk)
    const { code, found } = await inJson(['keys', fileOf('weak.json', JSON.stringify({ keys: members }))])
    expect(code).toBe(1)
    const flaws = (found['keys'] as readonly { readonly usable: boolean; readonly flaw: string }[]).filter(
      ({ usable, flaw }) => !usable && flaw !== null,
    )
    expect(flaws).toHaveLength(members.length)
    expect(found).toMatchObject({ verdict: 'bad', usable: 0 })
  })

  it('skips a member with a name twice', async () => {
    const twice = JSON.stringify(keys.publicJwk).replace('{', '{"kid":"other",')
    const { found } = await inJson(['keys', fileOf('twice.json', `{"keys":[${twice}]}`)])
    expect(found['keys']).toMatchObject([{ usable: false, flaw: 'duplicate_member', member: 'kid' }])
  })

  it('never prints private parts', async () => {
    const file = fileOf('private.json', JSON.stringify({ keys: [keys.publicJwk, { ...keys.privateJwk, kid: 'x' }] }))
    const outputs = await Promise.all([inProcess(['keys', file]), inProcess(['keys', file, '--json'])])
    expect(outputs.map(({ code }) => code)).toEqual([0, 0])
    for (const { stdout } of outputs) expect(stdout).not.toContain(keys.privateJwk.d)
    expect(outputs[0]?.stdout).toContain('"x" is published with private parts ("d"), so anyone can sign with it')
  })

  it.each<[string, string, number, RegExp]>([
    ['no JSON', 'hello', 1, /The JWK Set is not JSON/],
    ['no set', '{"kty":"EC"}', 1, /has no "keys" array/],
    ['an empty set', '{"keys":[]}', 1, /0 keys, 0 usable.*\n.*rejects a set without a usable key/],
    ['a web page', '<html></html>', 1, /The JWK Set is not JSON/],
    ['more than a megabyte', ' '.repeat(1_048_577), 2, /more than 1048576 bytes/],
  ])('says that a file has %s', async (_name, text, expected, message) => {
    const { code, stdout, stderr } = await inProcess(['keys', fileOf('flawed.json', text)])
    expect(code).toBe(expected)
    expect(stdout + stderr).toMatch(message)
  })

  it('cannot say anything about a file that is missing, and a server that is down', async () => {
    const [missing, none, down] = await Promise.all([
      inProcess(['keys', join(folder, 'none')]),
      inProcess(['keys']),
      inProcess(['keys', 'http://127.0.0.1:9/']),
    ])
    expect([missing.code, none.code, down.code]).toEqual([2, 2, 2])
    expect(missing.stderr).toContain('ENOENT')
    expect(none.stderr).toContain("missing required argument 'place'")
    expect(down.stdout).toMatch(/\? JWK Set +The request failed/)
  })
})

function fileOf(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
