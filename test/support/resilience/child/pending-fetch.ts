// Requests keys that never arrive, and does nothing else.
import { remoteKeySet } from '@claimgate/core/extend'

import { report } from '../report.ts'

for (const sharing of ['promise', 'poll'] as const) {
  const keys = remoteKeySet('https://issuer.example/keys', {
    sharing,
    timeout: 30,
    softWait: 30,
    fetch: async () => new Promise<Response>(() => undefined),
  })
  for (let count = 0; count < 3; count += 1) keys.ready().then(report.bind(undefined, 'ready'), () => report('failed'))
}
report('asked')
