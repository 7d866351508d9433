import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'
import { refusedEverywhere } from './refused.ts'

export const expired: Step = {
  title: 'A token that has expired',
  run: async (stage, narrator) => {
    const token = await logIn(stage, 'ada')
    stage.clock.pass(21 * 60)
    narrator.say('(21 minutes pass: the demo moves its clock instead of waiting)')
    await refusedEverywhere(stage, narrator, { token, name: 'a token of 21 minutes ago', code: 'token_expired' })
  },
}
