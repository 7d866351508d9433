import { ask } from '../ask.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const logOut: Step = {
  title: 'Ada logs out on her laptop, and stays logged in on her phone',
  run: async (stage, narrator) => {
    const laptop = { token: await logIn(stage, 'ada'), with: "the laptop's token" }
    const phone = { token: await logIn(stage, 'ada'), with: "the phone's token" }
    const line = 'GET /api/v1/protected'
    const known = { status: 200, body: '"caller":"ada"' }
    const [withDenylist, without] = [stage.servers.slice(0, 2), stage.servers.slice(2)]
    await ask(narrator, withDenylist, { line, ...laptop }, known)

    const auth = { name: 'auth', url: stage.auth().url }
    await ask(narrator, [auth], { line: 'POST /api/v1/logout', ...laptop }, { status: 204 })
    narrator.say('(before it answers, the auth service has told Express and Fastify which session is over)')

    const refused = { status: 401, challenge: ['Bearer realm="api"', 'error="invalid_token"'] }
    await ask(narrator, withDenylist, { line, ...laptop }, refused)
    narrator.why('the session of the token is on their denylist; the token itself would be good for 20 minutes')
    await ask(narrator, withDenylist, { line, ...phone }, known)
    narrator.say('The worker keeps no denylist, so that there the token is good until it expires:')
    await ask(narrator, without, { line, ...laptop }, known)
  },
}
