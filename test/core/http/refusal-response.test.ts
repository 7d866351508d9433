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

  it('recognizes text that needs no escaping', () => {
    for (const text of ['api', 'a b', '!#[]~', ' ']) expect(isPlainText(text), text).toBe(true)
    for (const text of ['', 'a"', 'a\\', 'a\n', 'ä', '\u007f', 1, undefined])
      expect(isPlainText(text), String(text)).toBe(false)
  })
})
