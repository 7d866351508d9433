import { DEMO_USERS } from '@claimgate-examples/auth-service'
import type { Stage } from './stage.ts'

/**
 * Logs in over HTTP and returns the access token.
 *
 * @throws Error if the auth service responds with anything else
 */
export async function logIn(stage: Stage, userName: string): Promise<string> {
  const response = await fetch(`${stage.auth().url}/api/v1/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: credentialsOf(userName),
    signal: AbortSignal.timeout(10_000),
  })
  const { jwt } = (await response.json()) as { readonly jwt?: unknown }
  if (typeof jwt === 'string') return jwt
  throw new Error(`Cannot log in as ${userName}: the auth service answered ${response.status}`)
}

/** The body of a log-in, as JSON text. */
export function credentialsOf(userName: string): string {
  const password = DEMO_USERS.find((person) => person.userName === userName)?.password
  return JSON.stringify({ userName, password })
}
