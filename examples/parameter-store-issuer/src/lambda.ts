import { SSMClient } from '@aws-sdk/client-ssm'
import type { LambdaHandler } from '@claimgate/issuer'
import { tokenSettings } from './settings.ts'
import { createTokenFunction } from './token-function.ts'

// Region and credentials are those of the function's role. Outside of the handler, so that the key outlives an event.
const tokenFunction = createTokenFunction(new SSMClient(), tokenSettings(process.env), (event) =>
  console.log(JSON.stringify(event)),
)

/** What AWS Lambda calls: the entry of a deployment. */
export const handler: LambdaHandler = tokenFunction.handler
