import { signedWithPublicKey, tampered, unsigned } from '../forge.ts'
import { logIn } from '../log-in.ts'
import type { Step } from '../step.ts'
import { refusedEverywhere } from './refused.ts'

export const forged: Step = {
  title: 'Three forgeries',
  run: async (stage, narrator) => {
    const bob = await logIn(stage, 'bob')
    const [publicJwk = {}] = stage.auth().issuer.jwks().keys

    narrator.say('without a signature:')
    const none = { token: unsigned(bob), name: 'alg none', code: 'algorithm_not_allowed' } as const
    await refusedEverywhere(stage, narrator, none)

    narrator.say('signed with the public key, which everybody has, as if it were a shared secret:')
    const token = await signedWithPublicKey(bob, publicJwk)
    await refusedEverywhere(stage, narrator, { token, name: 'alg HS256', code: 'algorithm_not_allowed' })

    narrator.say('a reader who makes himself a writer:')
    const writer = tampered(bob, { role: 'writer', scope: 'orders:read orders:write' })
    await refusedEverywhere(stage, narrator, { token: writer, name: 'other claims', code: 'signature_invalid' })
  },
}
