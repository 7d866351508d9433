// Starts an issuer, three processes of the API, and a proxy in front of them. Then it runs the scenario and ends.
import { startTestIssuer } from '@claimgate/testing'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { startRoundRobin } from './round-robin.ts'
import { runScenario } from './scenario.ts'

const AUDIENCE = 'orders-api'
const { ORIGIN = 'https://api.example.com', PORT = '4050' } = process.env

const testIssuer = await startTestIssuer({ audience: AUDIENCE })
const env = { ...process.env, ORIGIN, JWT_ISSUER: testIssuer.issuer.issuer, JWT_AUDIENCE: AUDIENCE }

const processes = [1, 2, 3].map(() => fork(fileURLToPath(new URL('./api.js', import.meta.url)), { env }))
try {
  const ports = await Promise.all(processes.map(portOf))
  const proxy = await startRoundRobin(Number(PORT), ports)
  console.log(`three processes behind http://127.0.0.1:${PORT}`)
  await runScenario(`http://127.0.0.1:${PORT}`, ORIGIN, testIssuer)
  proxy.close()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  for (const child of processes) child.kill()
  await testIssuer.close()
}

/** The port of an API process. @throws Error if it ends instead */
async function portOf(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('An API process has not started. Does Redis run at REDIS_URL?')
  })
  const [port] = (await Promise.race([once(child, 'message'), ended])) as [number]
  return port
}
