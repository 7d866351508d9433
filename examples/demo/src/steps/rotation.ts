import { ask } from '../ask.ts'
import { headerOf } from '../forge.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const rotation: Step = {
  title: 'The auth service rotates its key, and no server is restarted',
  run: async (stage, narrator) => {
    const before = await logIn(stage, 'ada')
    stage.clock.pass(2 * 60)
    await stage.auth().rotate({ publishAhead: 0 })
    const after = await logIn(stage, 'bob')
    const [oldKid, newKid] = [headerOf(before)['kid'], headerOf(after)['kid']]
    narrator.got(`auth    signs with key ${String(newKid)} now`, oldKid === newKid ? ['expected another key'] : [])

    const line = 'GET /api/v1/protected'
    const withNew = { line, token: after, with: "Bob's token, new key" } as const
    await ask(narrator, stage.servers, withNew, { status: 200, body: '"caller":"bob"' })
    const withOld = { line, token: before, with: "Ada's token, old key" } as const
    await ask(narrator, stage.servers, withOld, { status: 200, body: '"caller":"ada"' })
  },
}
