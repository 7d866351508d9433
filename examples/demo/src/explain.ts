import { createAuthenticator, type ErrorCode, type Requirement } from '@claimgate/core'
import type { Narrator } from './narrator.ts'
import type { Stage } from './stage.ts'

/** Tells in one line why a token is refused, and makes sure that it is for the reason that the story is about. */
export async function explain(stage: Stage, narrator: Narrator, token: string, code: ErrorCode): Promise<void> {
  const explanation = await stage.verifier.explain(token)
  narrator.why(explanation.summary)
  if (explanation.code !== code) narrator.got(`explained with ${explanation.code}`, [`expected ${code}`])
}

/** Tells in one line why a token, though it is good, is not enough. */
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
