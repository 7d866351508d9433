import { expect, it } from 'vitest'
import { AuthError } from '../../../packages/core/src/errors/auth-error.ts'
import type { Refused } from '../../../packages/core/src/http/outcome.ts'
import { problemBody, refusalResponse, refusedError } from '../../../packages/core/src/http/refusal-response.ts'

it('gives a framework the status and the challenge, and no details', () => {
  const error = new AuthError('issuer_mismatch', { expected: 'https://a.example', actual: 'https://secret.example' })
  const response = refusalResponse(error, {
    realm: 'api',
    body: problemBody,
    exposeChallenge: false,
    scopesInChallenge: 'no_token',
    challenges: [{ scheme: 'Bearer', parameters: {} }],
  })
  const refusal: Refused = { kind: 'refused', error, response }
  const made = refusedError(refusal)
  expect(made).toBeInstanceOf(Error)
  expect(made).toMatchObject({
    name: 'RefusedError',
    message: 'Request refused',
    status: 401,
    statusCode: 401,
    cause: error,
  })
  expect(made.headers).toEqual({
    'cache-control': 'no-store',
    'www-authenticate': response.headers['www-authenticate'],
  })
  expect(`${made.message} ${made.stack}`).not.toContain('secret')
})
