import { describe, expect, it } from 'vitest'
import { NOW, request } from '../../support/core/refusal.ts'
import {
  boundToken,
  createDpopApi,
  createDpopClient,
  type DpopClient,
  hashOf,
  type ProofChanges,
} from '../../support/dpop/client.ts'

const client = await createDpopClient()
const other = await createDpopClient()
const rsa = await createDpopClient('RS256')
const p384 = await createDpopClient('ES384')
const token = await boundToken(client.jkt, { exp: NOW + 100_000 })
const SECRET = 'a secret of at least thirty-two bytes'

/** What `explain` tells of a proof, as `name: expected / found`. */
async function explained(proof: string | readonly string[], api = createDpopApi()): Promise<readonly string[]> {
  const fields = { authorization: `DPoP ${token}`, dpop: proof }
  const { steps } = await api.authenticator.explain(request(fields, { target: '/orders?page=2' }))
  return steps
    .filter(({ step, result }) => step.startsWith('proof') && result !== 'skipped')
    .map(({ step, result, expected, actual = '–' }) =>
      [step, result === 'failed' && 'failed', `${expected} / ${actual}`]
        .filter(Boolean)
        .join(': ')
        .replaceAll(/["\\]/g, ''),
    )
}

const ALGORITHMS = '[RS256,RS384,RS512,PS256,PS384,PS512,ES256,ES384,ES512,EdDSA,Ed25519]'
const EXPLAINED = [
  'proof: one DPoP header with a well-formed JWT / one',
  'proof.typ: dpop+jwt / dpop+jwt',
  `proof.alg: ${ALGORITHMS} / ES256`,
  'proof.htm: GET / GET',
  'proof.htu: https://api.example.com/shop/orders / https://api.example.com/shop/orders',
  'proof.jti: a string / 3 characters',
  'proof.iat: a time at most 60 s ago / 2 s ago',
  'proof.ath: the hash of the access token / that hash',
  `proof.jwk: a sound public key / one with the thumbprint ${client.jkt}`,
  'proof.signature: a signature by that key / verified',
  `proof.jkt: ${client.jkt} / ${client.jkt}`,
]

describe('41. The explanation of a good proof', () => {
  it('tells what each step expected and found', async () => {
    const api = createDpopApi()
    api.clock.advance(2400)
    expect(await explained(await client.proof(token, { claims: { jti: 'abc' } }), api)).toEqual(EXPLAINED)
  })

  it('tells how long its nonce is accepted', async () => {
    const api = createDpopApi({ nonces: { secret: SECRET } })
    const first = await api.send(token, await client.proof(token))
    const nonce = first.kind === 'refused' ? first.response.headers['dpop-nonce'] : undefined
    api.clock.advance(2400)
    expect(await explained(await client.proof(token, { claims: { jti: 'abc', nonce } }), api)).toEqual([
      ...EXPLAINED.slice(0, 6),
      'proof.iat: a time, which nonces make unimportant / 2 s ago',
      ...EXPLAINED.slice(7),
      'proof.nonce: a current nonce of this API / one for 297 s',
    ])
  })

  it('tells why the steps that use it up were not tried', async () => {
    const expired = await boundToken(client.jkt, { exp: NOW - 60 })
    const fields = { authorization: `DPoP ${expired}`, dpop: await client.proof(expired) }
    const { steps } = await createDpopApi().authenticator.explain(request(fields))
    expect(steps.filter(({ step, result }) => step.startsWith('proof') && result === 'skipped')).toEqual([
      { step: 'proof.jkt', result: 'skipped', hint: 'Not tried, because no accepted token names a key' },
      { step: 'proof.replay', result: 'skipped', hint: 'Not tried, because it uses up the proof' },
    ])
  })
})

describe('41. The explanation of a bad proof', () => {
  const htu = (text: unknown): ProofChanges => ({ claims: { htu: text } })
  const jwk = (changes: object): ProofChanges => ({ header: { jwk: { ...client.jwk, ...changes } } })

  it.each<[string, ProofChanges, DpopClient?]>([
    ['proof.typ: failed: typ: dpop+jwt / none', { header: { typ: undefined } }],
    ['proof.typ: failed: typ: dpop+jwt / JWT', { header: { typ: 'JWT' } }],
    ['proof.htm: failed: htm: GET / none', { claims: { htm: undefined } }],
    ['proof.htm: failed: htm: GET / [GET]', { claims: { htm: ['GET'] } }],
    ['proof.htu: failed: htu: https://api.example.com/shop/orders / no URL to compare', htu(1)],
    [
      'proof.htu: failed: htu: https://api.example.com/shop/orders / https://api.example.org/',
      htu('https://API.example.org?a'),
    ],
    ['proof.jti: failed: jti: text of 1 to 512 characters / number', { claims: { jti: 1 } }],
    ['proof.jti: failed: jti: text of 1 to 512 characters / undefined', { claims: { jti: undefined } }],
    ['proof.iat: failed: iat: seconds since the epoch / undefined', { claims: { iat: undefined } }],
    ['proof.iat: failed: iat: seconds since the epoch / number', { claims: { iat: -1 } }],
    ['proof.iat: failed: iat: at most 60 s ago / 66 s ago', { claims: { iat: NOW - 65.6 } }],
    ['proof.iat: failed: iat: not in the future / 6 s ahead', { claims: { iat: NOW + 5.6 } }],
    ['proof.ath: failed: ath: the hash of the access token / none', { claims: { ath: undefined } }],
    ['proof.ath: failed: ath: the hash of the access token / another hash', { claims: { ath: hashOf('x') } }],
    ['proof.jwk: failed: a sound public key as jwk / unsupported_algorithm', jwk({ alg: 'ES384' })],
    ['proof.jwk: failed: a sound public key as jwk / malformed', { header: { jwk: undefined } }],
    ['proof.jwk: failed: a jwk for ES256 / –', { header: { jwk: rsa.jwk } }],
    ['proof.jwk: failed: a jwk for ES256 / –', { header: { jwk: p384.jwk } }],
    ['proof.jwk: failed: a jwk for RS256 / –', { header: { jwk: { ...rsa.jwk, alg: 'RS512' } } }, rsa],
    [
      'proof: failed: a well-formed JWT / json_limits',
      { claims: { deep: JSON.parse('['.repeat(17) + ']'.repeat(17)) } },
    ],
    ['proof.signature: failed: a signature by the key in jwk / another signature', { header: { jwk: other.jwk } }],
    ['proof.jkt: failed: a proof of the key that the token is bound to / one of another key', {}, other],
  ])('says %s', async (line, changes, sender = client) => {
    const found = (await explained(await sender.proof(token, changes))).filter((each) => each.includes(': failed'))
    expect(found[0]).toBe(line)
  })

  it('says that there must be one, and how long it may be', async () => {
    const proof = await client.proof(token)
    expect(
      [
        await explained([proof, proof]),
        await explained([]),
        await explained(proof, createDpopApi({ proofLength: proof.length })),
        await explained(proof, createDpopApi({ proofLength: proof.length - 1 })),
        await explained('proof'),
      ].map(([first]) => first),
    ).toEqual([
      'proof: failed: one DPoP header / 2',
      'proof: failed: one DPoP header / 0',
      EXPLAINED[0],
      `proof: failed: at most ${proof.length - 1} characters (proofLength) / ${proof.length}`,
      'proof: failed: a well-formed JWT / token_malformed',
    ])
  })

  it('says which algorithms are accepted', async () => {
    const api = createDpopApi({ algorithms: ['EdDSA'] })
    expect(await explained(await client.proof(token), api)).toContain(
      'proof.alg: failed: alg: one of the list, with a signature / algorithm_not_allowed',
    )
  })

  it('says that the target of a request with dot segments has no URL', async () => {
    const { authenticator } = createDpopApi()
    const fields = { authorization: `DPoP ${token}`, dpop: await client.proof(token) }
    const { steps } = await authenticator.explain(request(fields, { target: '/x/../orders' }))
    expect(steps.find(({ step }) => step === 'proof.htu')).toMatchObject({
      expected: '"htu: a path without dot segments"',
    })
  })

  it.each<[string, string, readonly string[]]>([
    ['its algorithm', 'proof.alg', ['proof.jwk', 'proof.signature', 'proof.jkt', 'proof.replay']],
    ['its key', 'proof.jwk', ['proof.signature', 'proof.jkt', 'proof.replay']],
    [
      'its form',
      'proof',
      EXPLAINED.map((line) => line.split(':')[0] ?? '')
        .slice(1)
        .concat('proof.replay'),
    ],
  ])('skips what depends on %s', async (_, failed, skipped) => {
    const good = await client.proof(token, { header: failed === 'proof.jwk' ? { jwk: undefined } : {} })
    const api = createDpopApi(failed === 'proof.alg' ? { algorithms: ['EdDSA'] } : {})
    const fields = { authorization: `DPoP ${token}`, dpop: failed === 'proof' ? 'x' : good }
    const { steps } = await api.authenticator.explain(request(fields))
    const named = (result: string): readonly string[] =>
      steps.filter((each) => each.result === result && each.step.startsWith('proof')).map(({ step }) => step)
    expect([named('failed'), named('skipped')]).toEqual([[failed], skipped])
  })

  it('has no step for replays that are checked elsewhere', async () => {
    const api = createDpopApi({ replay: 'checked-elsewhere' })
    const fields = { authorization: `DPoP ${token}`, dpop: await client.proof(token) }
    const { steps } = await api.authenticator.explain(request(fields))
    expect(steps.filter(({ step }) => step.startsWith('proof')).map(({ step }) => step)).toEqual(
      EXPLAINED.map((line) => line.split(':')[0]),
    )
  })

  it('says what a client must do', async () => {
    const hintOf = async (proof: string, options = {}): Promise<string | undefined> => {
      const outcome = await createDpopApi(options).send(token, proof)
      return outcome.kind === 'refused' ? outcome.error.hint : undefined
    }
    const proof = await client.proof(token)
    expect([await hintOf(await other.proof(token)), await hintOf(proof, { nonces: { secret: SECRET } })]).toEqual([
      'The client must sign proofs with the key that it used when it requested the token',
      'The client must repeat the request with the nonce in the DPoP-Nonce header of this answer',
    ])
  })

  it('says why a nonce is not accepted', async () => {
    const api = createDpopApi({ nonces: { secret: SECRET } })
    const lines = await Promise.all(
      [undefined, 'n'].map(async (nonce) => explained(await client.proof(token, { claims: { nonce } }), api)),
    )
    expect(lines.map((line) => line.at(-1))).toEqual([
      'proof.nonce: failed: a current nonce of this API in the proof / none',
      'proof.nonce: failed: a current nonce of this API in the proof / one that has ended, or that is not from here',
    ])
  })
})
