import { ask } from '../ask.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const welcome: Step = {
  title: 'Her token is good on Express, on Fastify and in the worker',
  run: async (stage, narrator) => {
    const token = await logIn(stage, 'ada')
    const credential = { token, with: "Ada's token" }
    const known = { status: 200, body: '"caller":"ada"' }
    await ask(narrator, stage.servers, { line: 'GET /api/v1/protected', ...credential }, known)
    const written = { status: 201, body: '"orderedBy":"ada"' }
    await ask(narrator, stage.servers, { line: 'POST /api/v1/orders', ...credential }, written)
  },
}
