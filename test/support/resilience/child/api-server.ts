// An API with an issuer elsewhere. Prints its port; each line it reads advances its clock by that many seconds, or says
// "close". Exits when its server has closed.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

import { createVerifier, type AuthError } from '@claimgate/core'

import { report } from '../report.ts'
import { shiftedClock } from '../shifted-clock.ts'

const [, , issuer = '', jwksUri = ''] = process.argv
const clock = shiftedClock()
const verifier = createVerifier({
  issuer,
  audience: 'api',
  ...(jwksUri !== '' && { jwksUri }),
  clock,
  // A listener that throws must not crash the program either.
  onEvent: () => {
    throw new Error('a listener that throws')
  },
})

const server = createServer((request, response) => {
  const token = request.headers.authorization?.replace('Bearer ', '') ?? ''
  verifier.verify(token).then(
    () => response.writeHead(200).end('verified'),
    ({ status, code }: AuthError) => response.writeHead(status).end(code),
  )
})
server.listen(0, '127.0.0.1', () => report(`port ${(server.address() as AddressInfo).port}`))

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  if (line === 'close') {
    lines.close()
    process.stdin.unref()
    server.close()
    server.closeAllConnections()
    report('closed')
  } else {
    clock.pass(Number(line))
    report(`passed ${line}`)
  }
})
