import { createPrivateKey } from 'node:crypto'
import { inspect } from 'node:util'
import {
  createIssuer,
  createLambdaHandler,
  localSigner,
  pemSigner,
  publicJwkSet,
  publicKeyPem,
} from '@claimgate/issuer'
import { encryptedPemSigner } from '@claimgate/issuer/node'
import { createTestKeys } from '@claimgate/testing'
import { assert, asyncProperty, constantFrom, nat, string } from 'fast-check'
import { exportPKCS8 } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const ISSUER = 'https://issuer.example'
const PASSPHRASE = 'a passphrase of some length'

const rsa = await createTestKeys('RS256')
const ec = await createTestKeys('ES256')
const pems = [await exportPKCS8(rsa.privateKey), await exportPKCS8(ec.privateKey)]
const encryptedPems = pems.map((pem) =>
  createPrivateKey(pem)
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: PASSPHRASE })
    .toString(),
)
const jwks = [rsa.privateJwk, ec.privateJwk]

/** Every piece of key material of this length counts as quoted. */
const TELLTALE = 12

// Wherever two pieces of this length start, one of them is within any quote of twice the length.
const piecesOf = (secret: string): readonly string[] =>
  Array.from({ length: Math.floor(secret.length / TELLTALE) }, (_, index) =>
    secret.slice(index * TELLTALE, (index + 1) * TELLTALE),
  )
const bodyOf = (pem: string): string => pem.replaceAll(/-----[A-Z ]+-----|\n/g, '')
const privateMembers = jwks.flatMap(({ d, p, q, dp, dq, qi }) => [d, p, q, dp, dq, qi].map((member) => member ?? ''))
// The start of PKCS #8 states only the type of key.
const bodies = [...pems, ...encryptedPems].map((pem) => bodyOf(pem).slice(48))
// A quoted PEM would show its label first.
const SECRETS = [
  '-----BEGIN ',
  ...[...privateMembers, ...bodies, ...pems.map((pem) => btoa(pem).slice(100)), PASSPHRASE].flatMap(piecesOf),
]

/** The text of `error` in a log, with stack, causes and hidden members. */
const toldBy = (error: unknown): string =>
  [
    inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    String(error),
    JSON.stringify(error),
  ].join('\n')

async function told(attempt: () => unknown): Promise<string> {
  try {
    await attempt()
    return 'no failure'
  } catch (error) {
    return toldBy(error)
  }
}

// Example text in a message is not a key.
const quoted = (text: string): readonly string[] => {
  const rest = text.replaceAll('"-----BEGIN PRIVATE KEY-----"', '')
  return SECRETS.filter((piece) => rest.includes(piece))
}

/** Wrong values for a key or any other argument. */
const SECRET_THINGS: readonly unknown[] = [
  ...pems,
  ...encryptedPems,
  ...pems.map(bodyOf),
  ...[...pems, ...encryptedPems].map((pem) => btoa(pem)),
  ...jwks,
  ...jwks.map((jwk) => JSON.stringify(jwk)),
  ...jwks.map((jwk) => [jwk]),
  ...jwks.map((jwk) => ({ privateKey: jwk, publicKey: jwk })),
  ...pems.map((pem) => ({ privateKey: pem, publicKey: pem })),
  ...jwks.map((jwk) => ({ ...jwk, kty: 'oct', k: jwk.d })),
  ...jwks.map((jwk) => ({ ...jwk, d: [jwk.d] })),
  ...jwks.map((jwk) => ({ ...jwk, d: `${jwk.d}!` })),
  ...jwks.map((jwk) => ({ ...jwk, alg: 'ES384' })),
  ...jwks.map((jwk) => ({ alg: 'ES256', kid: 'x', publicJwk: jwk, sign: async () => new Uint8Array(64) })),
  ...pems.map((pem) => ({ alg: 'ES256', kid: 'x', publicJwk: pem, sign: async () => new Uint8Array(64) })),
  ...jwks.map((jwk) => ({
    alg: 'ES256',
    kid: 'x',
    publicJwk: { ...jwk, kty: 'oct' },
    sign: async () => new Uint8Array(64),
  })),
  PASSPHRASE,
  Buffer.from(pems[0] ?? ''),
]

const signer = await localSigner(ec.privateJwk)
const issuer = await createIssuer({ issuer: ISSUER, signer })
const lambda = createLambdaHandler({ signer })

/** Every public function, called with a wrong value. */
const WAYS_IN: readonly (readonly [string, (thing: never) => unknown])[] = [
  ['localSigner', async (thing) => localSigner(thing)],
  ['localSigner for another algorithm', async (thing) => localSigner(thing, { algorithm: 'ML-DSA-44' })],
  ['pemSigner', async (thing) => pemSigner(thing, { algorithm: 'PS256' })],
  ['pemSigner for another algorithm', async (thing) => pemSigner(thing, { algorithm: 'Ed25519' })],
  ['pemSigner options', async (thing) => pemSigner('', thing)],
  [
    'encryptedPemSigner',
    async (thing) => encryptedPemSigner(thing, { algorithm: 'ES256', passphrase: `${PASSPHRASE}!` }),
  ],
  [
    'encryptedPemSigner for another algorithm',
    async (thing) => encryptedPemSigner(thing, { algorithm: 'EdDSA', passphrase: PASSPHRASE }),
  ],
  [
    'the passphrase',
    async (thing) => encryptedPemSigner(encryptedPems[1] ?? '', { algorithm: 'ES256', passphrase: thing }),
  ],
  [
    'the passphrase for an empty PEM',
    async (thing) => encryptedPemSigner('', { algorithm: 'ES256', passphrase: thing }),
  ],
  ['keys', async (thing) => createIssuer({ issuer: ISSUER, keys: thing })],
  ['one of keys', async (thing) => createIssuer({ issuer: ISSUER, keys: [thing] })],
  [
    'one of keys, with another algorithm',
    async (thing) => createIssuer({ issuer: ISSUER, keys: [thing], algorithm: 'EdDSA' }),
  ],
  ['signer', async (thing) => createIssuer({ issuer: ISSUER, signer: thing })],
  ['signers', async (thing) => createIssuer({ issuer: ISSUER, signers: thing })],
  ['one of signers', async (thing) => createIssuer({ issuer: ISSUER, signers: [thing] })],
  ['createSigner', async (thing) => createIssuer({ issuer: ISSUER, createSigner: async () => thing })],
  ['the signer of a Lambda handler', async (thing) => createLambdaHandler({ signer: thing })({ claims: {}, ttl: 1 })],
  [
    'the signer function of a Lambda handler',
    async (thing) => createLambdaHandler({ signer: () => thing })({ claims: {}, ttl: 1 }),
  ],
  ['a Lambda event', async (thing) => lambda(thing)],
  ['the claims of a Lambda event', async (thing) => lambda({ claims: thing })],
  ['the ttl of a Lambda event', async (thing) => lambda({ claims: {}, ttl: thing })],
  ['the setIat of a Lambda event', async (thing) => lambda({ claims: {}, ttl: 1, setIat: thing })],
  ['the exp of a Lambda event', async (thing) => lambda({ claims: { exp: thing } })],
  ['the aud of a Lambda event', async (thing) => lambda({ claims: { aud: [thing, 7] }, ttl: 1 })],
  ['claims without an expiry', async (thing) => lambda({ claims: { secret: thing } })],
  ['issue', async (thing) => issuer.issue({ nested: thing }, { ttl: 0 })],
  ['publicKeyPem', async (thing) => publicKeyPem(thing)],
  ['publicJwkSet', (thing) => publicJwkSet([thing])],
]

const printed: string[] = []
beforeEach(() => {
  printed.length = 0
  const keep = (...things: readonly unknown[]): true => (printed.push(things.map(toldBy).join(' ')) > 0) as true
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
    vi.spyOn(console, method).mockImplementation(keep)
  vi.spyOn(process.stdout, 'write').mockImplementation(keep)
  vi.spyOn(process.stderr, 'write').mockImplementation(keep)
})
afterEach(() => {
  vi.restoreAllMocks()
})

describe('no error and no log quotes key material', () => {
  it('and would be detected if it did', async () => {
    const [pem = ''] = pems
    expect(quoted(await told(() => Promise.reject(new Error('x', { cause: { pem } }))))).not.toEqual([])
    expect(quoted(await told(() => Promise.reject(new TypeError(`found "${pem.slice(0, 110)}"`))))).not.toEqual([])
  })

  it.each(WAYS_IN)('that was passed as %s', async (_, enter) => {
    let failures = 0
    for (const thing of SECRET_THINGS) {
      const text = await told(() => enter(thing as never))
      expect(quoted(text)).toEqual([])
      if (text !== 'no failure') failures += 1
    }
    expect(failures).toBeGreaterThan(0)
    expect(quoted(printed.join('\n'))).toEqual([])
  })

  it('that was passed damaged', async () => {
    const pem = constantFrom(...pems, ...encryptedPems)
    await assert(
      asyncProperty(pem, nat(), nat(40), string({ maxLength: 3 }), async (text, at, cut, put) => {
        const place = at % text.length
        const damaged = text.slice(0, place) + put + text.slice(place + cut)
        const texts = [
          await told(() => pemSigner(damaged, { algorithm: 'ES256' })),
          await told(() => encryptedPemSigner(damaged, { algorithm: 'ES256', passphrase: PASSPHRASE })),
          await told(() => createIssuer({ issuer: ISSUER, keys: [damaged as never] })),
        ]
        expect(quoted(texts.join('\n'))).toEqual([])
      }),
      { numRuns: 300 },
    )
    expect(quoted(printed.join('\n'))).toEqual([])
  })
})

describe('a signer and an issuer', () => {
  it('show no key material if they are printed', async () => {
    const [pem = ''] = pems
    const printable = [signer, issuer, await pemSigner(pem, { algorithm: 'RS256' }), lambda, await localSigner(ec)]
    expect(quoted(printable.map(toldBy).join('\n'))).toEqual([])
  })
})
