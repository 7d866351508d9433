import { parse } from 'node:querystring'

import {
  AuthError,
  createAuthenticator,
  createVerifier,
  type CredentialSource,
  type RequestView,
  type TokenCacheOptions,
} from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { createGate } from '@claimgate/fetch'

import { AUDIENCE, ISSUER, NOW, optionsWith, request } from '../refusal.ts'
import { filler, PUBLIC_JWK, received, SECRET, signed } from './tokens.ts'

const MEGABYTE = 1_048_576
const NAME = 'access_token'

/** Something that keeps its input up to a limit. */
export interface Case {
  /** The maximum number of bytes by its own accounting. */
  readonly most: number
  readonly count: number
  /** Creates it empty. The test fails if `show` rejects. */
  readonly make: () => { readonly show: (index: number) => Promise<unknown> }
}

const options = (tokenCache: TokenCacheOptions): ReturnType<typeof optionsWith> =>
  optionsWith({
    secret: SECRET,
    algorithms: ['HS256'],
    tokenCache,
    limits: { tokenLength: 65_536, headerLength: 8192 },
  })

const tokenOf = (index: number): string =>
  signed({ sub: `user-${index}`, jti: `token-${index}`, email: `user-${index}@users.example`, note: filler(300) })

/** Tokens in requests that contain much else. */
function inRequests(
  source: CredentialSource,
  requestOf: (token: string, index: number) => Request | RequestView,
  { tokens = tokenOf, count = 1000 }: { readonly tokens?: (index: number) => string; readonly count?: number } = {},
): Case {
  const most = 2 * MEGABYTE
  return {
    most,
    count,
    make: () => {
      const settings = { ...options({ maxBytes: most }), credentials: [source] }
      const gate = createGate(settings)
      const authenticator = createAuthenticator(settings)
      return {
        show: async (index) => {
          const shown = requestOf(tokens(index), index)
          const answer = shown instanceof Request ? await gate(shown) : (await authenticator.authenticate(shown)).kind
          if (answer instanceof Response || answer === 'refused') throw new TypeError('A good token was refused')
        },
      }
    },
  }
}

/** Single tokens that use much memory for their contents. */
function alone(
  claimsOf: (index: number) => object,
  headerOf: (index: number) => object = () => ({}),
  { most = 2 * MEGABYTE, count = 200, ...cache }: Partial<Omit<Case, 'make'>> & TokenCacheOptions = {},
): Case {
  return {
    most,
    count,
    make: () => {
      const verifier = createVerifier(options({ maxBytes: most, ...cache }))
      const show = async (index: number): Promise<unknown> =>
        verifier.verify(received(signed({ jti: `token-${index}`, ...claimsOf(index) }, headerOf(index))))
      return { show }
    },
  }
}

const times = <T>(length: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length }, (_, index) => make(index))

const membersOf = (length: number, name: (index: number) => string, value: (index: number) => unknown): object =>
  Object.fromEntries(times(length, (index) => [name(index), value(index)]))

const FORM = 'application/x-www-form-urlencoded'
const formOf = (token: string, index: number): string =>
  received(`a${index}=${filler(30_000)}&${NAME}=${token}&b${index}=${filler(30_000)}`)

export const REQUESTS: Readonly<Record<string, Case>> = {
  'the Authorization header': inRequests({ from: 'authorization' }, (token) =>
    request({ authorization: received('Bearer ', token) }),
  ),
  'the Authorization header, without a scheme': inRequests({ from: 'authorization', bareToken: 'accept' }, (token) =>
    request({ authorization: received(token) }),
  ),
  'another header': inRequests({ from: 'header', name: 'x-token' }, (token) => request({ 'x-token': received(token) })),
  'another header, with a scheme': inRequests({ from: 'header', name: 'x-token', scheme: 'Bearer' }, (token) =>
    request({ 'x-token': received('Bearer ', token) }),
  ),
  'a cookie among 15 KB of others': inRequests({ from: 'cookie', name: NAME }, (token, index) =>
    request({ cookie: received(`a${index}=${filler(8000)}; ${NAME}=${token}; b=${filler(7000)}`) }),
  ),
  'a query of 20 KB': inRequests({ from: 'query' }, (token, index) =>
    request({}, { target: received(`/orders?a${index}=${filler(10_000)}&${NAME}=${token}&b=${filler(10_000)}`) }),
  ),
  'a form of 60 KB': inRequests(
    { from: 'form' },
    (token, index) =>
      new Request('https://api.example/orders', {
        method: 'POST',
        headers: { 'content-type': FORM },
        body: formOf(token, index),
      }),
  ),
  'a form of 60 KB, read by the application': inRequests({ from: 'form' }, (token, index) =>
    request({ 'content-type': FORM }, { method: 'POST', form: async () => parse(formOf(token, index)) }),
  ),
  'a form with characters that have two bytes': inRequests(
    { from: 'form' },
    (token, index) =>
      request(
        { 'content-type': FORM },
        {
          method: 'POST',
          form: async () =>
            Object.fromEntries(new URLSearchParams(received(`a=漢${index}&${NAME}=${token}&b=${filler(20_000)}`))),
        },
      ),
    { tokens: (index) => signed({ jti: `token-${index}`, note: filler(10_000) }), count: 250 },
  ),
  'a text of 20 KB': {
    most: 2 * MEGABYTE,
    count: 1000,
    make: () => {
      const verifier = createVerifier(options({ maxBytes: 2 * MEGABYTE }))
      const show = async (index: number): Promise<unknown> => {
        const token = tokenOf(index)
        return verifier.verify(received(filler(10_000), token, filler(10_000)).slice(10_000, 10_000 + token.length))
      }
      return { show }
    },
  },
}

export const CLAIMS: Readonly<Record<string, Case>> = {
  'few claims': alone(() => ({}), undefined, { count: 1500 }),
  '300 roles': alone((at) => ({ roles: times(300, (index) => `role-${index} of ${at}`) })),
  '300 scopes': alone((at) => ({ scope: times(300, (index) => `scope-${index}-of-${at}`).join(' ') })),
  '900 numbers': alone((at) => ({ numbers: times(900, (index) => index + at + 0.5) })),
  '100 members with unique names': alone((at) => membersOf(100, (index) => `m${at}-${index}`, Number)),
  '16 claims with unique names': alone((at) => membersOf(16, (index) => `m${at}-${index}`, Number), undefined, {
    count: 1000,
  }),
  '200 objects of one member': alone((at) => ({ all: times(200, (index) => ({ [`m${at}-${index}`]: index })) })),
  '200 objects of one member, each around another': alone((at) => ({
    all: times(200, (index) => ({ [`m${at}-${index}`]: { [`n${at}-${index}`]: {} } })),
  })),
  '500 objects with an index': alone((at) => ({ all: times(500, (index) => ({ [at * 1000 + index * 7]: 1 })) })),
  '900 empty objects': alone(() => ({ all: times(900, () => ({})) })),
  '900 empty arrays': alone(() => ({ all: times(900, () => []) })),
  'objects in objects': alone(
    (at) => times(13, String).reduce<object>((within, name) => ({ [`m${at}-${name}`]: within }), {}),
    undefined,
    { count: 750 },
  ),
  'a long text in two bytes a character': alone((at) => ({ text: `${filler(8000)}漢${at}` })),
  'many words in two bytes a character': alone((at) => ({
    all: times(300, (index) => `漢字漢字漢字漢字${at}${index}`),
  })),
  'a header with unique members': alone(
    () => ({}),
    (at) => membersOf(60, (index) => `h${at}-${index}`, Number),
  ),
  'a header with a unique certificate': alone(
    () => ({}),
    (at) => ({ x5c: [filler(4000), `${at}`] }),
  ),
  'few bytes and many entries': alone(() => ({}), undefined, { most: MEGABYTE, count: 2000, maxEntries: 1_000_000 }),
}

export const OTHERS: Readonly<Record<string, Case>> = {
  'headers of forged tokens': {
    most: MEGABYTE,
    count: 600,
    make: () => {
      const verifier = createVerifier(options({}))
      return {
        show: async (index) => {
          const header = membersOf(100, (member) => `h${index}-${member}`, Number)
          const forged = `${signed({}, header).slice(0, -43)}${'A'.repeat(43)}`
          const refusal: unknown = await verifier.verify(forged).catch((error: unknown) => error)
          if (!(refusal instanceof AuthError)) throw new TypeError('A forged token was accepted', { cause: refusal })
        },
      }
    },
  },
  'a denylist of subjects that were cut from forms': {
    most: MEGABYTE,
    count: 3000,
    make: () => {
      const ended = denylist({ store: createMemoryDenylist() })
      return {
        show: async (index) =>
          ended.denySubject(ISSUER, received(`user-of-the-shop-${index}`, filler(20_000)).slice(0, 20)),
      }
    },
  },
  'refused requests, each in a form of 60 KB': {
    most: MEGABYTE,
    count: 1500,
    make: () => {
      const policy = { issuer: ISSUER, audience: AUDIENCE, jwksUri: 'https://issuer.example/jwks' }
      const gate = createGate({
        issuers: async (iss: string) => (iss === ISSUER ? policy : undefined),
        fetch: async () => new Response(JSON.stringify({ keys: [{ ...PUBLIC_JWK, kid: 'known' }] })),
        clock: { now: () => NOW * 1000 },
        credentials: [{ from: 'authorization' }, { from: 'form' }],
        log: { warn: () => {} },
      })
      const signature = 'A'.repeat(86)
      const bad = (index: number): string => {
        const alg = 'ES256'
        switch (index % 5) {
          case 0:
            return `${signed({}, { alg, kid: `kid-${index}-unknown` }).slice(0, -43)}${signature}`
          case 1:
            return `${signed({ jti: `${index}` }, { alg, kid: 'known' }).slice(0, -43)}${signature}`
          case 2:
            return signed({ iss: `https://issuer-${index}.example/unknown` })
          case 3:
            return signed({}, { alg: `an-algorithm-${index}-unknown` })
          default:
            return `an opaque token ${index}`
        }
      }
      return {
        show: async (index) => {
          const headers = {
            'content-type': FORM,
            authorization: received(`Scheme-${index}-unknown `, filler(index % 50)),
          }
          const body = formOf(bad(index), index)
          const answer = await gate(new Request('https://api.example/orders', { method: 'POST', headers, body }))
          if (!(answer instanceof Response)) throw new TypeError('A bad token was accepted')
        },
      }
    },
  },
  'errors that the application keeps': {
    most: MEGABYTE,
    count: 1500,
    make: () => {
      const kept: unknown[] = []
      const authenticator = createAuthenticator({ ...options({}), credentials: [{ from: 'cookie', name: NAME }] })
      return {
        show: async (index) => {
          const bad = [
            `opaque-token-${index}`,
            tokenOf(index).slice(0, -1),
            signed({ iss: `https://i${index}.example/${'a long path/'.repeat(600)}` }),
          ]
          const cookie = received(`a${index}=${filler(15_000)}; ${NAME}=${bad[index % bad.length]}`)
          const outcome = await authenticator.authenticate(request({ cookie }))
          if (outcome.kind !== 'refused') throw new TypeError('A bad token was accepted')
          kept.push(outcome.error)
        },
      }
    },
  },
}

/** The effect of a mistake, which the test must detect. */
export const MISTAKES: Readonly<Record<string, Case>> = {
  'a map of tokens as they are cut from forms': {
    most: 4 * MEGABYTE,
    count: 1500,
    make: () => {
      const tokens = new Map<string, string>()
      return {
        show: async (index) => {
          const token = new URLSearchParams(formOf(tokenOf(index), index)).get(NAME) ?? ''
          tokens.set(token.slice(-43), token)
        },
      }
    },
  },
}
