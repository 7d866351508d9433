import { publicKeyBase64 } from '@claimgate/issuer'
import { createApi } from './api.ts'
import { createFunctionRunner } from './function-runner.ts'
import { listen } from './listen.ts'
import { openKey } from './open-key.ts'
import { tokenSettings } from './settings.ts'
import { createSigningFunction } from './signing-function.ts'
import { untilStopped } from './until-stopped.ts'

const { env } = process
const { issuer, audience } = tokenSettings(env)
const key = await openKey(env)
const runner = createFunctionRunner(createSigningFunction(key.signer, { issuer, audience }), key.signer)
const signing = await listen(runner, Number(env['SIGNING_PORT'] ?? 4010))

// The API gets only these three strings.
const JWT_PUBLIC_KEY = await publicKeyBase64(key.signer)
const api = await listen(
  createApi({ JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_PUBLIC_KEY }),
  Number(env['API_PORT'] ?? 4011),
)

console.log(`Key            ${key.signer.kid} (${key.signer.alg}) in ${key.place}`)
console.log(`Public key     ${signing.url}/public.pem`)
console.log(`Lambda         ${signing.url}/2015-03-31/functions/function/invocations`)
console.log(`API            ${api.url}/api/v1/protected`)
untilStopped(signing, api, key)
