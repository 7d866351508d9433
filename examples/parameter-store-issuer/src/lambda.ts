import { SSMClient } from '@aws-sdk/client-ssm'
import type { LambdaHandler } from '@claimgate/issuer'
import { tokenSettings } from './settings.ts'
import { createTokenFunction } from './token-function.ts'

// Region and credentials come from the function's role. Created outside the handler, so that the key is cached between events.
const tokenFunction = createTokenFunction(new SSMClient(), tokenSettings(process.env), (event) =>
  console.log(JSON.stringify(event)),
)

/** The handler that AWS Lambda calls. */
export const handler: LambdaHandler = tokenFunction.handler
