import { describe, expect, it } from 'vitest'
import { isPlainText } from '../../../packages/core/src/model/http-text.ts'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import { challenge, problemBody, refusalResponse } from '../../../packages/core/src/http/refusal-response.ts'

const rules = {
  realm: 'api',
  body: problemBody,
  exposeChallenge: true,
  scopesInChallenge: 'no_token' as const,
  challenges: [{ scheme: 'Bearer', parameters: {} }],
}

describe('the response to a refusal', () => {
  it('has no challenge if Claimgate cannot decide, and so nothing to expose', () => {
    const { status, headers, body } = refusalResponse(new AuthError('keys_unavailable', { retryAfter: 0.2 }), rules)
    expect(status).toBe(503)
    expect(headers).toEqual({
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
      'retry-after': '1',
    })
    expect(JSON.parse(body)).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      detail: 'Access tokens cannot be verified at the moment',
    })
  })

  it('has the status and title of each kind', () => {
    const titleOf = (error: AuthError): unknown =>
      (JSON.parse(refusalResponse(error, rules).body) as { title: unknown }).title
    expect(titleOf(new AuthError('credential_malformed'))).toBe('Bad Request')
    expect(titleOf(new AuthError('token_expired'))).toBe('Unauthorized')
    expect(titleOf(new AuthError('insufficient_scope'))).toBe('Forbidden')
  })

  it('rounds the time to retry after up to whole seconds, at least one', () => {
    const after = (retryAfter: number): string | undefined =>
      refusalResponse(new AuthError('keys_unavailable', { retryAfter }), rules).headers['retry-after']
    expect([0, 0.5, 1, 1.01, 30].map(after)).toEqual(['1', '1', '1', '2', '30'])
  })

  it('contains scopes of the requirement only for a request without credentials', () => {
    expect(challenge(new AuthError('credential_missing'), rules, { scopes: ['a'] })).toBe(
      'Bearer realm="api", scope="a"',
    )
    expect(challenge(new AuthError('token_expired'), rules, { scopes: ['a'] })).not.toContain('scope=')
    expect(challenge(new AuthError('insufficient_scope', { scopes: ['b', 'c'] }), rules, { scopes: ['a'] })).toMatch(
      /scope="b c"$/,
    )
    expect(challenge(new AuthError('credential_missing'), rules)).toBe('Bearer realm="api"')
  })

  it('contains these scopes also with invalid_token if "scopesInChallenge" says so, and with no other error', () => {
    const named = { ...rules, scopesInChallenge: 'invalid_token' as const }
    const of = (error: AuthError): string | undefined => challenge(error, named, { scopes: ['a', 'b'] })
    expect(of(new AuthError('token_expired'))).toMatch(/^Bearer realm="api", error="invalid_token", .*, scope="a b"$/)
    expect(of(new AuthError('credential_missing'))).toBe('Bearer realm="api", scope="a b"')
    expect(of(new AuthError('insufficient_scope', { scopes: ['c'] }))).toMatch(/scope="c"$/)
    expect(of(new AuthError('credential_malformed'))).not.toContain('scope=')
    expect(challenge(new AuthError('token_expired'), named)).not.toContain('scope=')
  })

  it('has the headers of the request and of the error, which replace none of its own', () => {
    const error = new AuthError('binding_failed', { headers: { 'x-b': 'error', 'Cache-Control': 'public' } })
    const request = { headers: { 'x-a': 'request', 'x-b': 'request', 'www-authenticate': 'x' } }
    const { headers } = refusalResponse(error, rules, request)
    expect(headers).toEqual({
      'cache-control': 'no-store',
      'content-type': 'application/problem+json',
      'www-authenticate': challenge(error, rules),
      'x-a': 'request',
      'x-b': 'error',
      'access-control-expose-headers': 'WWW-Authenticate, x-a, x-b, www-authenticate, Cache-Control',
    })
    expect(refusalResponse(error, { ...rules, exposeChallenge: false }, request).headers).not.toHaveProperty(
      'access-control-expose-headers',
    )
  })

  it('exposes the challenge and the headers that were added', () => {
    const exposedOf = (error: AuthError, headers = {}): string | undefined =>
      refusalResponse(error, rules, { headers }).headers['access-control-expose-headers']
    expect(exposedOf(new AuthError('token_expired'))).toBe('WWW-Authenticate')
    expect(exposedOf(new AuthError('token_expired'), { 'dpop-nonce': 'n' })).toBe('WWW-Authenticate, dpop-nonce')
    expect(exposedOf(new AuthError('keys_unavailable'), { 'dpop-nonce': 'n' })).toBe('dpop-nonce')
    expect(exposedOf(new AuthError('keys_unavailable'))).toBeUndefined()
  })

  it('cannot have a header that is not valid', () => {
    const error = new AuthError('token_expired', { headers: { 'x-a': 'a\nb' } })
    expect(() => refusalResponse(error, rules)).toThrow('An AuthError must give "headers" as an object')
  })

  it.each<readonly [string, () => unknown, string]>([
    ['nothing', () => undefined, 'must return { contentType, body }, both text, not a promise'],
    ['null', () => null, 'must return { contentType, body }'],
    ['a text', () => 'refused', 'must return { contentType, body }'],
    ['no type', () => ({ body: 'a' }), 'must return { contentType, body }'],
    ['no body', () => ({ contentType: 'text/plain' }), 'must return { contentType, body }'],
    ['an object as body', () => ({ contentType: 'text/plain', body: {} }), 'must return { contentType, body }'],
    ['a promise', async () => ({ contentType: 'text/plain', body: 'a' }), 'must return { contentType, body }'],
    ['a promise that is rejected', () => Promise.reject(new Error('late')), 'must return { contentType, body }'],
    [
      'a type with a line break',
      () => ({ contentType: 'text/plain\n', body: 'a' }),
      'must return a "contentType" that is a valid header value',
    ],
  ])('is a bug of a refusalBody that returns %s', async (_, body, message) => {
    const wrong = { ...rules, body: body as never }
    expect(() => refusalResponse(new AuthError('token_expired'), wrong)).toThrow(`"refusalBody" ${message}`)
    await new Promise(setImmediate)
  })

  it('has a body made by getters of a class', () => {
    class Body {
      get contentType() {
        return 'text/plain'
      }
      get body() {
        return 'refused'
      }
    }
    const { headers, body } = refusalResponse(new AuthError('token_expired'), { ...rules, body: () => new Body() })
    expect([headers['content-type'], body]).toEqual(['text/plain', 'refused'])
  })

  it('has the description of a refusal in its body and its challenge', () => {
    const described = (description: string): AuthError =>
      new AuthError('requirement_not_met', { refusal: { status: 401, error: 'invalid_token', description } })
    const { headers, body } = refusalResponse(described('Log in again'), rules)
    expect(JSON.parse(body)).toMatchObject({ detail: 'Log in again', status: 401, error: 'invalid_token' })
    expect(headers['www-authenticate']).toBe(
      'Bearer realm="api", error="invalid_token", error_description="Log in again"',
    )
    expect(refusalResponse(described('Log "in"'), rules).body).toContain('The access token is malformed')
  })

  const two = {
    ...rules,
    challenges: [
      { scheme: 'Bearer', parameters: { resource_metadata: 'https://a' } },
      { scheme: 'DPoP', parameters: { algs: 'ES256' } },
    ],
  }
  const NAMED =
    'error="invalid_token", error_description="The access token is malformed, expired, revoked or not meant for this resource"'

  it.each([
    ['Bearer', `Bearer realm="api", ${NAMED}, resource_metadata="https://a", DPoP realm="api", algs="ES256"`],
    ['DPoP', `Bearer realm="api", resource_metadata="https://a", DPoP realm="api", ${NAMED}, algs="ES256"`],
    [
      undefined,
      `Bearer realm="api", ${NAMED}, resource_metadata="https://a", DPoP realm="api", ${NAMED}, algs="ES256"`,
    ],
    ['Basic', `Bearer realm="api", ${NAMED}, resource_metadata="https://a", DPoP realm="api", ${NAMED}, algs="ES256"`],
  ])('names the error in the challenge of the scheme that was used: %s', (scheme, expected) => {
    expect(challenge(new AuthError('token_expired'), two, { scheme })).toBe(expected)
    expect(challenge(new AuthError('credential_missing'), two, { scheme })).toBe(
      'Bearer realm="api", resource_metadata="https://a", DPoP realm="api", algs="ES256"',
    )
  })

  it('adds the parameters of a refusal, of which none replaces its own', () => {
    const parameters = { ACR_values: 'a', Error: 'x', realm: 'y', 'no token': 'z', bad: 'a\nb', list: 1 as never }
    const error = new AuthError('requirement_not_met', { refusal: { status: 401, error: 'invalid_token', parameters } })
    expect(challenge(error, rules)).toBe(`Bearer realm="api", ${NAMED}, acr_values="a"`)
  })

  it('quotes values, and drops scopes that are none', () => {
    const quoting = { ...rules, challenges: [{ scheme: 'Bearer', parameters: { a: String.raw`b"c\d` } }] }
    expect(challenge(new AuthError('credential_missing'), quoting)).toBe(String.raw`Bearer realm="api", a="b\"c\\d"`)
    expect(challenge(new AuthError('credential_missing'), rules, { scopes: ['a b', 'c', 'd"'] })).toBe(
      'Bearer realm="api", scope="c"',
    )
    expect(challenge(new AuthError('credential_missing'), rules, { scopes: ['a b'] })).toBe('Bearer realm="api"')
  })

  it('recognizes text that needs no escaping', () => {
    for (const text of ['api', 'a b', '!#[]~', ' ']) expect(isPlainText(text), text).toBe(true)
    for (const text of ['', 'a"', 'a\\', 'a\n', 'ä', '\u007f', 1, undefined])
      expect(isPlainText(text), String(text)).toBe(false)
  })
})
