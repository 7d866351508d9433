import {
  createAuthenticator,
  createVerifier,
  scope,
  type IssuerPolicy,
  type Verifier,
  type VerifierOptions,
} from '@claimgate/core'
import { createReferenceVerifier, staticKeySet, verifyJws } from '@claimgate/core/extend'
import { badTokens, createRandom, createTestKeys, tokenMutations } from '@claimgate/testing'
import { describe, expect, it } from 'vitest'

import { compare, newComparison } from '../../support/fuzz/same-answer.ts'
import {
  accessClaims,
  AUDIENCE,
  bearer,
  describeOutcome,
  encode,
  ISSUER,
  NOW,
  optionsWith,
  refusalOf,
  refused,
  request,
  signParts,
  verdictOn,
  VERIFIED,
} from '../../support/core/refusal.ts'

const key = await createTestKeys('ES256', { kid: 'key-1' })
const jwks = { keys: [key.publicJwk] }
const strict = optionsWith({ jwks })
const accepting = optionsWith({ jwks, padding: 'accept' })

const pad = (part: string): string => part + '='.repeat((4 - (part.length % 4)) % 4)
/** White space in the JSON gives the length that needs this many padding signs. */
const needing = (signs: number, members: object): string => {
  let text = JSON.stringify(members)
  while (encode(text).length % 4 !== (4 - signs) % 4) text += ' '
  return encode(text)
}
const header = { alg: 'ES256', kid: 'key-1', typ: 'at+jwt' }

/** A token that was padded before it was signed, like those of AWS load balancers. */
async function paddedToken(
  claims: object = accessClaims(),
  signs: readonly [number, number] = [1, 2],
): Promise<string> {
  return pad(await signParts(key, pad(needing(signs[0], header)), pad(needing(signs[1], claims))))
    .split('.')
    .map(pad)
    .join('.')
}
const padded = await paddedToken()
const ordinary = await key.sign(accessClaims())

const made: readonly (readonly [string, (options: VerifierOptions) => Verifier])[] = [
  ['with a cache', createVerifier],
  ['without a cache', (options) => createVerifier({ ...options, tokenCache: false })],
  ['on the reference path', createReferenceVerifier],
]

describe('11. Padding is accepted only if a policy allows it', () => {
  it.each(made)('by a verifier %s', async (_, create) => {
    const [open, closed] = [create(accepting), create(strict)]
    for (const signs of [
      [0, 0],
      [0, 1],
      [1, 0],
      [2, 2],
    ] as const) {
      const token = await paddedToken(accessClaims(), signs)
      for (let time = 0; time < 2; time += 1) {
        expect(await open.verify(token)).toMatchObject({ claims: accessClaims(), header, token })
        await expect(closed.verify(token)).rejects.toMatchObject({ code: 'token_encoding', status: 401 })
      }
    }
    await expect(open.verify(ordinary)).resolves.toMatchObject({ claims: accessClaims() })
  })

  it('the hint says how to accept it if it is refused', async () => {
    const { message } = await refusalOf(padded, strict)
    expect(message).toBe(
      'A part of the token is not canonical base64url: expected "canonical base64url in the header", found "characters ' +
        'outside the base64url alphabet". It is padded, as the tokens of AWS load balancers are: for such an issuer, set "padding" to "accept"',
    )
  })

  it('is covered by the signature as received', async () => {
    const paddedAfterwards = ordinary.split('.').map(pad).join('.')
    expect(paddedAfterwards).not.toBe(ordinary)
    expect(await verdictOn(paddedAfterwards, accepting)).toEqual(refused('signature_invalid'))
    expect(await verdictOn(padded.replaceAll('=', ''), accepting)).toEqual(refused('signature_invalid'))
  })

  const inexact: readonly (readonly [string, (part: string) => string])[] = [
    ['an extra sign', (part) => `${part}=`],
    ['four extra signs', (part) => `${part}====`],
    ['one sign of two', (part) => (part.endsWith('==') ? part.slice(0, -1) : `${part}=`)],
    ['no sign where one is needed', (part) => (part.endsWith('=') ? part.replace(/=+$/, '') : `${part}=`)],
    ['a sign in the middle', (part) => `${part.slice(0, 4)}=${part.slice(5)}`],
    ['trailing white space', (part) => `${part} `],
    ['an escaped sign', (part) => part.replaceAll('=', '%3D').padEnd(part.length + 1, '=')],
    ['unused bits', (part) => part.replace(/[A-Za-z0-9_-](?==)/, '_').padEnd(4, '=')],
  ]

  it.each(inexact)('but %s is refused in any part, correctly signed', async (_, spell) => {
    const [first = '', second = '', third = ''] = padded.split('.')
    const spelled = [
      ...(await Promise.all(
        [
          [spell(first), second],
          [first, spell(second)],
        ].map(async ([one = '', two = '']) => {
          const token = await signParts(key, one, two)
          return `${token.split('.').slice(0, 2).join('.')}.${pad(token.split('.')[2] ?? '')}`
        }),
      )),
      `${first}.${second}.${spell(third)}`,
    ]
    for (const token of spelled)
      for (const [, create] of made)
        await expect(create(accepting).verify(token)).rejects.toMatchObject({ code: 'token_encoding' })
  })

  it('only by the issuers that allow it', async () => {
    const policies: readonly IssuerPolicy[] = [
      { issuer: ISSUER, audience: AUDIENCE, jwks, padding: 'accept' },
      { issuer: 'https://other.example', audience: AUDIENCE, jwks },
    ]
    const other = await paddedToken(accessClaims({ iss: 'https://other.example' }))
    const clock = { now: () => NOW * 1000 }
    for (const issuers of [policies, async (iss: string) => policies.find(({ issuer }) => issuer === iss)]) {
      const verifier = createVerifier({ issuers, clock })
      await expect(verifier.verify(padded)).resolves.toMatchObject({ claims: { sub: 'ada' } })
      await expect(verifier.verify(other)).rejects.toMatchObject({ code: 'token_encoding' })
    }
  })

  it('until the policy changes, even if the token is cached', async () => {
    let padding: 'accept' | 'refuse' = 'accept'
    const issuers = async (): Promise<IssuerPolicy> => ({ issuer: ISSUER, audience: AUDIENCE, jwks, padding })
    const verifier = createVerifier({ issuers, clock: { now: () => NOW * 1000 } })
    for (let time = 0; time < 2; time += 1) await verifier.verify(padded)
    padding = 'refuse'
    await expect(verifier.verify(padded)).rejects.toMatchObject({ code: 'token_encoding' })
  })

  it('and is explained', async () => {
    const steps = async (options: VerifierOptions) => {
      const explanation = await createVerifier(options).explain(padded)
      return [explanation.accepted, explanation.steps.find(({ step }) => step === 'padding')]
    }
    expect(await steps(accepting)).toEqual([true, expect.objectContaining({ result: 'passed' })])
    expect(await steps(strict)).toEqual([
      false,
      expect.objectContaining({ result: 'failed', code: 'token_encoding', hint: expect.stringContaining('"padding"') }),
    ])
    const { steps: plain } = await createVerifier(accepting).explain(ordinary)
    expect(plain.map(({ step }) => step)).not.toContain('padding')
  })

  it('never by verifyJws', async () => {
    const verified = verifyJws(padded, { keys: staticKeySet(jwks), algorithms: ['ES256'] })
    await expect(verified).rejects.toMatchObject({ code: 'token_encoding' })
  })

  it.each([undefined, null, true, 'yes', 'Accept', {}])('and %j is not a value of the option', (padding) => {
    if (padding === undefined) expect(() => createVerifier(optionsWith({ jwks, padding }))).not.toThrow()
    else expect(() => createVerifier(optionsWith({ jwks, padding }))).toThrow(/"padding" must /)
  })
})

describe('11. A padded token in a request', () => {
  const credentials = [{ from: 'header', name: 'x-amzn-oidc-data' }, { from: 'authorization' }] as const
  const answer = async (token: string, options: object, requirement?: string) =>
    describeOutcome(
      await createAuthenticator({ ...optionsWith({ jwks, credentials, ...options }) }).authenticate(
        request({ 'x-amzn-oidc-data': token }),
        requirement === undefined ? undefined : scope(requirement),
      ),
    )

  it('is accepted in the header of a load balancer, or refused for its fault', async () => {
    const padding = 'accept'
    expect(await answer(padded, { padding })).toEqual(VERIFIED)
    expect(await answer(padded, { padding, audience: 'https://other.example' })).toEqual(refused('audience_mismatch'))
    expect(await answer(await paddedToken(accessClaims({ exp: NOW - 60 })), { padding })).toEqual(
      refused('token_expired'),
    )
    expect(await answer(padded, { padding }, 'admin')).toMatchObject({ code: 'insufficient_scope', status: 403 })
  })

  it('is not a credential if no policy accepts it', async () => {
    expect(await answer(padded, {})).toEqual(refused('credential_malformed'))
    const inAuthorization = await createAuthenticator(strict).authenticate(bearer(padded))
    expect(describeOutcome(inAuthorization)).toEqual(refused('credential_malformed'))
  })
})

describe('11. Padded tokens get the same answer on the quick path and on the reference path', () => {
  it('whether they are bad, changed at random or good', async () => {
    const { signWith, publicJwk, publicPem } = key
    const bad = await badTokens({ token: ordinary, signWith, publicJwk, publicPem, now: NOW })
    const random = createRandom(11)
    const mutations = tokenMutations(padded, random, { others: [ordinary] })
    const changed = Array.from({ length: 3000 }, () => mutations.next().value.token)
    const tokens = [
      padded,
      ...changed,
      ...bad.flatMap(({ token }) => (token.length > 20_000 ? [] : [token.split('.').map(pad).join('.')])),
    ]
    for (const options of [accepting, strict]) {
      const comparison = newComparison()
      const those = [
        createReferenceVerifier(options),
        createVerifier({ ...options, tokenCache: false }),
        createVerifier(options),
      ] as const
      for (const token of tokens) await compare(token, those, comparison)
      expect(comparison.different).toEqual([])
      expect(comparison.accepted > 0).toBe(options === accepting)
      expect(comparison.codes.size).toBeGreaterThan(6)
    }
  }, 120_000)
})
