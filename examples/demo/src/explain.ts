import { createAuthenticator, type ErrorCode, type Requirement } from '@claimgate/core'
import type { Narrator } from './narrator.ts'
import type { Stage } from './stage.ts'

/** Explains in one line why a token is refused, and checks that it is the expected reason. */
export async function explain(stage: Stage, narrator: Narrator, token: string, code: ErrorCode): Promise<void> {
  const explanation = await stage.verifier.explain(token)
  narrator.why(explanation.summary)
  if (explanation.code !== code) narrator.got(`explained with ${explanation.code}`, [`expected ${code}`])
}

/** Explains in one line why a valid token is not sufficient. */
export async function explainRequirement(
  stage: Stage,
  narrator: Narrator,
  token: string,
  requirement: Requirement,
): Promise<void> {
  const { summary } = await stage.verifier.explain(token)
  const { authorize } = createAuthenticator(stage.verifier)
  const outcome = authorize(await stage.verifier.verify(token), requirement)
  if (outcome.kind !== 'refused') narrator.got('found to be enough', ['expected it not to be enough'])
  else narrator.why(`${summary}. But (${outcome.error.code}): ${outcome.error.message}`)
}
