import { scope } from '@claimgate/core'
import { ask } from '../ask.ts'
import { explainRequirement } from '../explain.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const reader: Step = {
  title: 'Bob, who may only read, tries to write',
  run: async (stage, narrator) => {
    const token = await logIn(stage, 'bob')
    const credential = { token, with: "Bob's token" }
    const known = { status: 200, body: '"caller":"bob"' }
    await ask(narrator, stage.servers, { line: 'GET /api/v1/protected', ...credential }, known)
    const forbidden = { status: 403, challenge: ['error="insufficient_scope"', 'scope="orders:write"'] }
    await ask(narrator, stage.servers, { line: 'POST /api/v1/orders', ...credential }, forbidden)
    await explainRequirement(stage, narrator, token, scope('orders:write'))
  },
}
