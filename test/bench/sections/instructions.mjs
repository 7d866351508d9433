import { BARE, OURS, OURS_UNCACHED, SIGNATURE, SERVER, startIssuer, startLoad } from '../http/contenders.mjs'
import { CAN_COUNT, startCounted } from '../measure/instructions.mjs'
import { comparison } from '../report/comparison.mjs'

const TOKENS = 500
// Compiling the code takes many more instructions than running it.
const WARM_UP = 6000
const COUNTS = 5
const REQUESTS = 1000
const NAMES = [BARE, OURS, OURS_UNCACHED, SIGNATURE]
const FRAMEWORKS = { express: 'Express 5', fastify: 'Fastify 5', hono: 'Hono 4 on Node' }

/**
 * Instructions per request, which other work on the machine does not change.
 *
 * @returns {Promise<import('../report/section.mjs').SectionResult>}
 */
export async function instructions() {
  if (!CAN_COUNT) return { comparisons: [], facts: [], skipped: 'Not counted, because valgrind is not installed.' }
  const issuer = await startIssuer(TOKENS)
  const comparisons = []
  for (const [framework, title] of Object.entries(FRAMEWORKS)) {
    const samples = {}
    for (const name of NAMES) samples[name] = await counts(framework, name, issuer)
    const unit = 'instructions'
    comparisons.push(
      comparison({ title: `${title}, ${unit}`, unit, samples, limit: BARE, otherLimits: [SIGNATURE], ours: OURS }),
    )
  }
  issuer.close()
  return { comparisons, facts: [] }
}

/** Instructions per request, counted several times. */
async function counts(framework, name, { settings, tokens }) {
  const load = startLoad()
  const server = startCounted(SERVER, [framework, name])
  try {
    const port = await server.ask('listen', { settings })
    await firstAnswer(port, tokens[0])
    // One request after another: with several in flight, the count would depend on how the system schedules both processes.
    await load.ask('open', { name, port, tokens, connections: 1, ahead: 1 })
    await load.ask('send', { name, requests: WARM_UP })
    const perRequest = []
    while (perRequest.length < COUNTS) {
      const counted = await server.count(async () => load.ask('send', { name, requests: REQUESTS }))
      perRequest.push(counted / REQUESTS)
    }
    return perRequest
  } finally {
    await Promise.all([load.stop(), server.stop()])
  }
}

/** A counted server is so slow that the first fetches of its keys may time out. */
async function firstAnswer(port, token) {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    const { status } = await fetch(`http://127.0.0.1:${port}/me`, { headers: { authorization: `Bearer ${token}` } })
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  throw new Error('A counted server has no keys')
}
