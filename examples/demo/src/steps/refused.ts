import type { ErrorCode } from '@claimgate/core'
import type { Expected } from '../answer.ts'
import { ask } from '../ask.ts'
import { explain } from '../explain.ts'
import type { Narrator } from '../narrator.ts'
import type { Stage } from '../stage.ts'

/** A token that all servers refuse, with the reason for it. */
export interface RefusedToken {
  readonly token: string
  /** What the token is called in the story. */
  readonly name: string
  readonly code: ErrorCode
}

/** Shows a token to all servers, which must refuse it, and explains why. */
export async function refusedEverywhere(
  stage: Stage,
  narrator: Narrator,
  { token, name, code }: RefusedToken,
): Promise<void> {
  await ask(narrator, stage.servers, { line: 'GET /api/v1/protected', token, with: name }, BAD_TOKEN)
  await explain(stage, narrator, token, code)
}

// What every token at fault is answered: the same, so that whoever forges one learns nothing.
const BAD_TOKEN: Expected = { status: 401, challenge: ['Bearer realm="api"', 'error="invalid_token"'] }
