import { createLambdaHandler, type LambdaHandler } from '@claimgate/issuer'
import { isKeyCustodian, openKey } from './signing-key.ts'

const variable = (name: string): string => {
  const value = process.env[name]
  if (value) return value
  throw new TypeError(`Cannot start token function: ${name} must be set`)
}

const custodian = variable('KEY_CUSTODIAN')
if (!isKeyCustodian(custodian)) {
  throw new TypeError('Cannot start token function: KEY_CUSTODIAN must be "KMS" or "ParameterStore"')
}
const signingKey = variable('SIGNING_KEY')

/**
 * The function that signs tokens. Its event has `claims` and optionally `ttl`, `setIat` and `setJti`; its result is `{ token }`. The
 * first event opens the key, which is then kept as long as the process.
 */
export const handler: LambdaHandler = createLambdaHandler({
  signer: () => openKey(custodian, signingKey),
  issuer: variable('JWT_ISSUER'),
  audience: variable('JWT_AUDIENCE'),
})
