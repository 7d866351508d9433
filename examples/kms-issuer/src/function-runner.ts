import { type LambdaEvent, type LambdaHandler, publicKeyPem, type Signer } from '@claimgate/issuer'
import express, { type Express } from 'express'

/**
 * Serves a Lambda function at the same path as Lambda's local runtime, and reports errors in the same way. It also serves
 * `public.pem`, which you can download in the KMS console.
 *
 * Any client that can connect can get any token signed: use it only on your own machine.
 */
export const createFunctionRunner = (handler: LambdaHandler, signer: Signer): Express => {
  const app = express()
  app.disable('x-powered-by')

  app.get('/public.pem', async (_request, response) => {
    response.type('application/x-pem-file').send(await publicKeyPem(signer))
  })

  // Ignores the content type, like Lambda.
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
