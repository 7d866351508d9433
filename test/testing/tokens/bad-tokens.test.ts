import { createHmac, createPublicKey, verify as verifySignature } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { createTestKeys, supportedAlgorithms, type TestKeys } from '../../../packages/testing/src/keys/test-keys.ts'
import type { BadToken } from '../../../packages/testing/src/tokens/forge.ts'
import { badTokens } from '../../../packages/testing/src/tokens/bad-tokens.ts'

const NOW = 1_700_000_000
const CLAIMS = { iss: 'https://issuer.example', aud: 'https://api.example', sub: 'alice', exp: NOW + 300, iat: NOW }
const TRAP = 'http://127.0.0.1:9/trap'
const algorithms = await supportedAlgorithms()

const made = new Map<string, ReturnType<typeof makeAll>>()

function make(alg: string) {
  const tokens = made.get(alg) ?? makeAll(alg)
  made.set(alg, tokens)
  return tokens
}

async function makeAll(alg: string) {
  const keys = await createTestKeys(alg, { kid: 'issuer-key' })
  const good = await keys.sign(CLAIMS)
  const { signWith, publicJwk, publicPem } = keys
  const tokens = await badTokens({ token: good, signWith, publicJwk, publicPem, trapUrl: TRAP, now: NOW })
  return { keys, good, tokens }
}

/** Whether the last part is a signature of the key over the exact text before it. */
async function isSigned(token: string, { alg, publicKey }: TestKeys): Promise<boolean> {
  const at = token.lastIndexOf('.')
  const { name } = publicKey.algorithm
  const parameters = { name, hash: `SHA-${alg.slice(-3)}`, saltLength: Number(alg.slice(-3)) / 8 }
  const plain = name === 'ECDSA' || name === 'RSA-PSS' ? parameters : { name }
  const bytes = new TextEncoder().encode(token.slice(0, at))
  return crypto.subtle.verify(plain, publicKey, Buffer.from(token.slice(at + 1), 'base64url'), bytes)
}

const es = await make('ES256')
const named = (name: string): string => {
  const found = es.tokens.find((bad) => bad.name === name)
  if (found === undefined) throw new Error(`no bad token is called "${name}"`)
  return found.token
}
const part = (token: string, index: number): string => token.split('.')[index] ?? ''
const text = (token: string, index: number): string => Buffer.from(part(token, index), 'base64url').toString()
const json = (token: string, index: number) => JSON.parse(text(token, index)) as Record<string, unknown>
const names = (tokens: readonly BadToken[]) => tokens.map(({ name }) => name)

describe('badTokens', () => {
  it.each(algorithms)('makes hundreds of different tokens of %s, none of them the good one', async (alg) => {
    const { tokens, good } = await make(alg)
    expect(tokens.length).toBeGreaterThan(300)
    expect(new Set(names(tokens)).size).toBe(tokens.length)
    expect(names(tokens.filter(({ token }) => token === good))).toEqual([])
    const seen = new Set<string>()
    expect(names(tokens.filter(({ token }) => seen.size === seen.add(token).size))).toEqual([])
  })

  it.each(algorithms)('signs %s tokens correctly if the claims or the header are wrong', async (alg) => {
    const { tokens, keys } = await make(alg)
    const real = tokens.filter(
      ({ requirement: [number = 0], name }) => number >= 13 || number === 5 || name.endsWith('correctly signed'),
    )
    const unsigned = []
    for (const { name, token } of real) if (!(await isSigned(token, keys))) unsigned.push(name)
    expect(real.length).toBeGreaterThan(200)
    expect(unsigned).toEqual([])
  })

  it.each(algorithms)('signs unusual spellings of %s headers and claims as written', async (alg) => {
    const { tokens, keys } = await make(alg)
    const spelled = tokens.filter(
      ({ requirement, name }) => requirement.includes(11) && / in the (header|claims)$/.test(name),
    )
    const unsigned = []
    for (const { name, token } of spelled) if (!(await isSigned(token, keys))) unsigned.push(name)
    expect(spelled.length).toBeGreaterThan(25)
    expect(unsigned).toEqual([])
  })

  it.each(algorithms)('never signs %s tokens correctly if the signature is wrong', async (alg) => {
    const { tokens, keys } = await make(alg)
    const forged = tokens.filter(
      ({ requirement, name }) =>
        [1, 2, 9].some((number) => requirement.includes(number)) ||
        /^(signature|claims tampered|header tampered|claims written)/.test(name) ||
        (/attacker/.test(name) && requirement.includes(4)),
    )
    const signed = []
    for (const { name, token } of forged) if (await isSigned(token, keys)) signed.push(name)
    expect(forged.length).toBeGreaterThan(50)
    expect(signed).toEqual([])
  })

  it('covers every requirement that a token can violate', () => {
    expect(new Set(es.tokens.flatMap(({ requirement }) => requirement))).toEqual(
      new Set([1, 2, 3, 4, 5, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 38, 40]),
    )
    expect(
      new Set(es.tokens.filter(({ refusal }) => refusal === 'optional').flatMap(({ requirement }) => requirement)),
    ).toEqual(new Set([14, 21]))
  })

  it('uses several spellings of the public key as the HMAC secret, with a correct HMAC', () => {
    const token = named('HS256 with the PEM and a newline as secret')
    expect(json(token, 0)['alg']).toBe('HS256')
    const hmac = createHmac('sha256', `${es.keys.publicPem}\n`).update(token.slice(0, token.lastIndexOf('.')))
    expect(part(token, 2)).toBe(hmac.digest('base64url'))
    expect(es.tokens.filter(({ requirement }) => requirement.includes(2)).length).toBeGreaterThanOrEqual(27)
  })

  it('writes DER signatures that are correct except for their form', () => {
    const token = named('ECDSA signature in DER')
    const signature = Buffer.from(part(token, 2), 'base64url')
    const input = Buffer.from(token.slice(0, token.lastIndexOf('.')))
    expect(verifySignature('sha256', input, createPublicKey(es.keys.publicPem), signature)).toBe(true)
    expect(signature.length).not.toBe(64)
  })

  it.each([
    ['ECDSA signature r = 0, s = 0', '0'.repeat(128)],
    ['ECDSA signature r = n, s = n', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2)],
  ])('%s', (name, hex) => {
    expect(Buffer.from(part(named(name), 2), 'base64url').toString('hex')).toBe(hex)
  })

  it.each(['header', 'claims', 'signature'])('sets unused bits of the %s without changing its bytes', (which) => {
    const index = ['header', 'claims', 'signature'].indexOf(which)
    const odd = part(named(`trailing bits set in the ${which}`), index)
    const canonical = Buffer.from(odd, 'base64url').toString('base64url')
    expect(odd).not.toBe(canonical)
    expect(odd.slice(0, -1)).toBe(canonical.slice(0, -1))
  })

  it.each(['header', 'claims', 'signature'])('uses the other alphabet only in the %s', (which) => {
    const token = named(`base64 alphabet in the ${which}`)
    const odd = ['header', 'claims', 'signature'].filter((_, index) => /[+/]/.test(part(token, index)))
    expect(odd).toEqual([which])
  })

  it.each(['header', 'claims', 'signature'])('makes a length mod 4 = 1 in the %s', (which) => {
    const index = ['header', 'claims', 'signature'].indexOf(which)
    expect(part(named(`length mod 4 = 1 in the ${which}`), index).length % 4).toBe(1)
  })

  it('writes members twice, plain and escaped', () => {
    expect(text(named('duplicate exp in the claims, the bad one first'), 1)).toMatch(/"exp":.*"exp":/)
    const escaped = text(named('duplicate alg in the header, one name escaped, the bad one last'), 0)
    expect(escaped).toMatch(/^\{"alg":"ES256","\\u0061lg":"none"/)
    expect(JSON.parse(escaped)).toMatchObject({ alg: 'none' })
  })

  it('writes numbers that JSON.parse makes infinite', () => {
    expect(json(named('exp 1e999'), 1)['exp']).toBe(Number.POSITIVE_INFINITY)
  })

  it('writes __proto__ as an own member', () => {
    expect(Object.hasOwn(json(named('member __proto__ in the claims'), 1), '__proto__')).toBe(true)
    expect(Object.hasOwn(json(named('member \\u005f_proto__ in the header'), 0), '__proto__')).toBe(true)
  })

  it('writes bytes that are not UTF-8', () => {
    const bytes = Buffer.from(part(named('invalid UTF-8 in the claims: byte FF'), 1), 'base64url')
    expect(() => new TextDecoder('utf-8', { fatal: true }).decode(bytes)).toThrow(TypeError)
  })

  it('uses the URL of the trap', () => {
    for (const name of ['jku', 'x5u', 'x5t']) {
      expect(json(named(`${name} with a URL, the real key's kid`), 0)[name]).toBe(TRAP)
    }
  })

  it('keeps tokens with bad claims short, so that no limit on length rejects them first', () => {
    const about = es.tokens.filter(({ requirement: [number = 0] }) => number >= 13)
    expect(names(about.filter(({ token }) => token.length > 16_384))).toEqual([])
    expect(names(about.filter(({ token }) => part(token, 0).length > 4_096))).toEqual([])
  })

  it('nests the good token in an encrypted one of five parts', () => {
    const token = named('encrypted token: the signed token nested in a JWE')
    expect(token.split('.').length).toBe(5)
    expect(json(token, 0)).toMatchObject({ enc: 'A256GCM', cty: 'JWT' })
  })

  it('rejects a base that is not a JWT', async () => {
    const { signWith, publicJwk, publicPem } = es.keys
    await expect(badTokens({ token: 'a.b', signWith, publicJwk, publicPem })).rejects.toThrow(SyntaxError)
  })
})
