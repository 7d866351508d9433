import { ask } from '../ask.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const outage: Step = {
  title: 'The auth service is down for ten minutes, and nobody is locked out',
  run: async (stage, narrator) => {
    const question = { line: 'GET /api/v1/protected', token: await logIn(stage, 'ada'), with: "Ada's token" } as const
    const known = { status: 200, body: '"caller":"ada"' }
    await stage.auth().pause()
    try {
      narrator.got(`auth    ${await reach(stage.auth().url)}`, [])
      await ask(narrator, stage.servers, question, known)

      stage.clock.pass(10 * 60)
      narrator.say('(10 minutes pass: the keys are past their freshness of 5 minutes, and cannot be fetched)')
      await ask(narrator, stage.servers, question, known)

      narrator.say('The worker is moved to a new machine meanwhile, and finds the keys in its KV store:')
      stage.worker.startCold()
      await ask(narrator, stage.servers.slice(-1), question, known)
    } finally {
      await stage.auth().resume()
    }
  },
}

async function reach(url: string): Promise<string> {
  return fetch(url).then(
    ({ status }) => {
      throw new Error(`Cannot show an outage: the auth service answers ${status}`)
    },
    () => 'refuses connections',
  )
}
