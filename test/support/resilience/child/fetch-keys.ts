// Fetches the keys of an address with the default transport, and prints the result.
import { createVerifier } from '@claimgate/core'

import { report } from '../report.ts'

const [, , jwksUri = ''] = process.argv
const said = (error: unknown): string => (error instanceof Error ? error.message : 'something else')
try {
  const verifier = createVerifier({ issuer: 'https://issuer.example', audience: 'api', jwksUri })
  await verifier.ready().then(
    () => report('ready'),
    (error: unknown) => report(`not ready: ${said(error)}`),
  )
  verifier.close()
} catch (error) {
  report(`not started: ${said(error)}`)
}
