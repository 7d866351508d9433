import type { ErrorCode } from '@claimgate/core'
import type { Expected } from '../answer.ts'
import { ask } from '../ask.ts'
import { explain } from '../explain.ts'
import type { Narrator } from '../narrator.ts'
import type { Stage } from '../stage.ts'

/** A token that all servers must refuse, and the reason. */
export interface RefusedToken {
  readonly token: string
  /** The name of the token in the output. */
  readonly name: string
  readonly code: ErrorCode
}

/** Sends a token to all servers, checks that they refuse it, and explains why. */
export async function refusedEverywhere(
  stage: Stage,
  narrator: Narrator,
  { token, name, code }: RefusedToken,
): Promise<void> {
  await ask(narrator, stage.servers, { line: 'GET /api/v1/protected', token, with: name }, BAD_TOKEN)
  await explain(stage, narrator, token, code)
}

// The response to every bad token. It is always the same, so that an attacker learns nothing from it.
const BAD_TOKEN: Expected = { status: 401, challenge: ['Bearer realm="api"', 'error="invalid_token"'] }
