import { ask } from '../ask.ts'
import type { Step } from '../step.ts'

export const noToken: Step = {
  title: 'Nobody gets in without a token, except where a route is open to everybody',
  run: async (stage, narrator) => {
    await ask(narrator, stage.servers, { line: 'GET /health' }, { status: 200 })
    const bare = { status: 401, challenge: 'Bearer realm="api"' }
    await ask(narrator, stage.servers, { line: 'GET /api/v1/protected' }, bare)
    narrator.why('there is no token to refuse, so the challenge names no error (RFC 6750 section 3.1)')
  },
}
