import { ask } from '../ask.ts'
import { explain } from '../explain.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const brandNewKey: Step = {
  title: 'A key nobody has seen yet, and the auth service is down: that is 503, for the token may well be good',
  run: async (stage, narrator) => {
    stage.clock.pass(2 * 60)
    await stage.auth().rotate({ publishAhead: 0 })
    const token = await logIn(stage, 'ada')
    const question = { line: 'GET /api/v1/protected', token, with: 'a token of the newest key' } as const
    await stage.auth().pause()
    try {
      await ask(narrator, stage.servers, question, { status: 503 })
      await explain(stage, narrator, token, 'keys_unavailable')
    } finally {
      await stage.auth().resume()
    }
    stage.clock.pass(2 * 60)
    narrator.say('(2 minutes later the auth service is back, and the very same token is good)')
    await ask(narrator, stage.servers, question, { status: 200, body: '"caller":"ada"' })
  },
}
