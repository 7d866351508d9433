import { allOf, createAuthenticator, type Requirement, scope } from '@claimgate/core'
import { accessToken, options, outcomeOf } from './world.ts'

/** A step-up: the user must have authenticated a short time ago. */
function toyStepUp(maxAge: number): Requirement {
  return {
    description: `an authentication in the last ${maxAge} s`,
    scopes: [],
    isMet: ({ claims: { auth_time: at } }, { now }) => typeof at === 'number' && now - at <= maxAge,
    refusal: { status: 401, error: 'insufficient_user_authentication', parameters: { max_age: String(maxAge) } },
  }
}

export async function run(): Promise<unknown> {
  const authenticator = createAuthenticator(options)
  const now = Math.floor(Date.now() / 1000)
  const send = async (age: number): Promise<unknown> => {
    const authorization = `Bearer ${await accessToken({ auth_time: now - age })}`
    return outcomeOf(authenticator, { authorization }, '/', {}, allOf(scope('payments'), toyStepUp(300)))
  }
  return [await send(1000), await send(10)]
}

export const expected = [
  '401 requirement_not_met Bearer realm="api", error="insufficient_user_authentication", scope="payments", max_age="300"',
  '403 insufficient_scope Bearer realm="api", error="insufficient_scope", scope="payments"',
]
