import { ask } from '../ask.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const restart: Step = {
  title: 'The auth service is restarted with the same keys',
  run: async (stage, narrator) => {
    const before = await logIn(stage, 'ada')
    await stage.restartAuth()
    const after = await logIn(stage, 'ada')
    const line = 'GET /api/v1/protected'
    const known = { status: 200, body: '"caller":"ada"' }
    await ask(narrator, stage.servers, { line, token: before, with: 'a token from before' }, known)
    await ask(narrator, stage.servers, { line, token: after, with: 'a token from after' }, known)
  },
}
