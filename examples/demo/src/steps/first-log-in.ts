import { claimsOf, headerOf } from '../forge.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'

export const firstLogIn: Step = {
  title: 'Ada, who may write orders, logs in',
  run: async (stage, narrator) => {
    narrator.sent('POST /api/v1/auth {"userName":"ada","password":"…"}')
    const token = await logIn(stage, 'ada')
    const { alg, kid, typ } = headerOf(token)
    const { sub, aud, role, scope, iat, exp } = claimsOf(token)
    narrator.got(
      'auth    200 {"jwt":"…"}, a token that says:',
      claimsOf(token)['iss'] === stage.auth().url ? [] : ['expected its iss to be the auth service'],
    )
    narrator.say(`   header ${JSON.stringify({ alg, typ, kid })}`)
    narrator.say(
      `   claims ${JSON.stringify({ sub, aud, role, scope })}, good for ${(Number(exp) - Number(iat)) / 60} minutes`,
    )
  },
}
