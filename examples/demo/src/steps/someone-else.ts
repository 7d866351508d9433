import type { Step } from '../step.ts'
import { refusedEverywhere } from './refused.ts'

export const someoneElse: Step = {
  title: 'A token of the same auth service, but for another API',
  run: async (stage, narrator) => {
    const token = await stage.auth().issuer.issue({ sub: 'ada', client_id: 'demo-client' }, { audience: 'billing-api' })
    await refusedEverywhere(stage, narrator, { token, name: 'a token for billing-api', code: 'audience_mismatch' })
  },
}
