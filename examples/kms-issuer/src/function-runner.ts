import { type LambdaEvent, type LambdaHandler, publicKeyPem, type Signer } from '@claimgate/issuer'
import express, { type Express } from 'express'

/**
 * Runs a Lambda function at the address where Lambda's own local runtime has it, with its way to report errors; and offers
 * `public.pem`, which in AWS is a button of the KMS console.
 *
 * Whoever reaches it may have any token signed: it is for this machine alone.
 */
export const createFunctionRunner = (handler: LambdaHandler, signer: Signer): Express => {
  const app = express()
  app.disable('x-powered-by')

  app.get('/public.pem', async (_request, response) => {
    response.type('application/x-pem-file').send(await publicKeyPem(signer))
  })

  // Whatever the content type says, as Lambda does.
  app.use(express.json({ type: () => true }))

  app.post('/2015-03-31/functions/function/invocations', (request, response) => {
    const failed = (error: unknown): void => {
      const { name, message } = error instanceof Error ? error : new Error('Not an error')
      response.set('x-amz-function-error', 'Unhandled').json({ errorType: name, errorMessage: message })
    }
    void handler(request.body as LambdaEvent).then((answer) => response.json(answer), failed)
  })

  return app
}
