import { createAuthenticator, createVerifier, scope, type TokenCheck, type Verifier } from '@claimgate/core'
import { protect } from '@claimgate/fetch'
import {
  AuthError,
  createClaimsVerifier,
  DEFAULT_LIMITS,
  fetchDocument,
  FetchError,
  parseJsonObject,
  systemClock,
} from '@claimgate/core/adapter'
import { accessToken, options, outcomeOf } from './world.ts'

type Endpoint = (form: URLSearchParams) => Response

const neverEve: TokenCheck = {
  name: 'never eve',
  async check({ claims }) {
    if (claims.sub === 'eve') throw new AuthError('token_refused')
  },
}

/** A verifier that asks the issuer about opaque tokens (RFC 7662), and leaves JWTs to another. */
function toyIntrospection(endpoint: Endpoint, jwts: Verifier): Verifier {
  const rules = createClaimsVerifier({
    issuer: options.issuer,
    audience: options.audience,
    requiredClaims: ['sub'],
    checks: [neverEve],
  })
  const fetch = async (_url: string, { body }: { readonly body?: string }): Promise<Response> =>
    endpoint(new URLSearchParams(body))
  const ask = async (token: string): Promise<Readonly<Record<string, unknown>>> => {
    const body = new URLSearchParams({ token }).toString()
    const post = { contentType: 'application/x-www-form-urlencoded', body }
    const rest = { fetch, clock: systemClock, timeout: 2, maxBytes: 65_536, accept: 'application/json', post }
    try {
      const { text } = await fetchDocument(new URL('https://issuer.example/introspect'), rest)
      const answer = parseJsonObject(new TextEncoder().encode(text), 'answer', DEFAULT_LIMITS)
      if (answer['active'] === false) throw new AuthError('token_refused')
      if (answer['active'] === true) return answer
    } catch (cause) {
      if (cause instanceof AuthError && cause.code === 'token_refused') throw cause
      throw new AuthError('check_unavailable', { actual: cause instanceof FetchError ? cause.reason : 'json', cause })
    }
    throw new AuthError('check_unavailable')
  }
  const isJwt = (token: string): boolean => token.split('.').length === 3
  return {
    verify: async (token, context) =>
      isJwt(token) ? jwts.verify(token, context) : rules.verify(token, await ask(token), context),
    explain: async (token, context) =>
      isJwt(token) ? jwts.explain(token, context) : rules.explain(token, await ask(token), context),
    ready: () => jwts.ready(),
    close: () => jwts.close(),
  }
}

export async function run(): Promise<unknown> {
  const exp = Math.floor(Date.now() / 1000) + 60
  const active = { active: true, iss: options.issuer, aud: options.audience, sub: 'ada', scope: 'orders:read', exp }
  const answers: Readonly<Record<string, object>> = {
    good: active,
    other: { ...active, aud: 'https://other.example' },
    old: { ...active, exp: 1 },
    bound: { ...active, cnf: { jkt: 'key' } },
    eve: { ...active, sub: 'eve' },
    odd: { active: 'yes' },
  }
  const endpoint: Endpoint = (form) => Response.json(answers[form.get('token') ?? ''] ?? { active: false })
  const verifier = toyIntrospection(endpoint, createVerifier(options))
  const authenticator = createAuthenticator({ verifier })
  const results: unknown[] = []
  for (const token of [...Object.keys(answers), 'unknown', await accessToken()])
    results.push(await outcomeOf(authenticator, { authorization: `Bearer ${token}` }))
  const handler = protect({ verifier }, (_request, auth) => new Response(auth.claims.sub), scope('orders:read'))
  const request = new Request('https://api.example/', { headers: { authorization: 'Bearer good' } })
  results.push(await (await handler(request)).text())
  const good = await verifier.verify('good')
  const { accepted, steps } = await verifier.explain('other')
  return [
    ...results,
    await outcomeOf(authenticator, { authorization: 'Bearer good' }, '/', {}, scope('orders:write')),
    [
      good.claims.sub,
      good.header ?? 'no header',
      [...good.scopes],
      Object.isFrozen(good.claims),
      JSON.stringify(good).includes('good'),
    ],
    [accepted, ...steps.filter(({ result }) => result !== 'passed').map(({ step, code }) => `${step} ${code ?? ''}`)],
  ]
}

export const expected = [
  '200 Bearer',
  '401 audience_mismatch Bearer realm="api", error="invalid_token"',
  '401 token_expired Bearer realm="api", error="invalid_token"',
  '401 binding_unsupported Bearer realm="api", error="invalid_token"',
  '401 token_refused Bearer realm="api", error="invalid_token"',
  '503 check_unavailable',
  '401 token_refused Bearer realm="api", error="invalid_token"',
  '200 Bearer',
  'ada',
  '403 insufficient_scope Bearer realm="api", error="insufficient_scope", scope="orders:write"',
  ['ada', 'no header', ['orders:read'], true, false],
  [false, 'aud audience_mismatch', 'schema ', 'checks '],
]
