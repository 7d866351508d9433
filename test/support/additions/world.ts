import type { Authenticator, RequestView, Requirement } from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'

const keys = await createTestKeys('ES256')

export const options = {
  issuer: 'https://issuer.example',
  audience: 'https://api.example',
  jwks: { keys: [keys.publicJwk] },
}

export function accessToken(claims: object = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return keys.sign({ iss: options.issuer, aud: options.audience, sub: 'ada', iat: now, exp: now + 600, ...claims })
}

/** Sends a request to an authenticator, and sums up the outcome without the fixed description of the error. */
export async function outcomeOf(
  authenticator: Authenticator,
  headers: Readonly<Record<string, string>>,
  target = '/',
  view: Partial<RequestView> = {},
  requirement?: Requirement,
): Promise<string> {
  const header = (name: string): readonly string[] => [headers[name] ?? []].flat()
  const outcome = await authenticator.authenticate({ method: 'GET', target, header, ...view }, requirement)
  if (outcome.kind === 'anonymous') return 'anonymous'
  if (outcome.kind === 'authenticated') {
    const added = Object.entries(outcome.headers).map(([name, value]) => ` ${name}: ${value}`)
    return `200 ${outcome.scheme}${added.join('')}`
  }
  const { error, response } = outcome
  const challenge = response.headers['www-authenticate']?.replaceAll(/, (?:error_description|algs)="[^"]*"/g, '')
  return `${response.status} ${error.code} ${challenge ?? ''}`.trimEnd()
}
