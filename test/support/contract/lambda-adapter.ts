import { getUser, protect } from '@claimgate/lambda'
import { createServer } from 'node:http'
import { type MakeEvent, sendResponse, sentOf } from '../lambda/events.ts'
import { greeting } from './services.ts'
import { listen, type StartAdapter } from './started-adapter.ts'

/** A function for each service, behind a server that makes the events. */
export const startLambda =
  (makeEvent: MakeEvent): StartAdapter =>
  async (services) => {
    let served = 0
    const functions = new Map(
      Object.entries(services).map(([path, { options, requirement }]) => {
        const given = { ...options, ...(requirement && { requirement }) }
        return [
          path,
          protect((event: object, auth: Parameters<typeof greeting>[0]) => {
            served += 1
            return {
              statusCode: 200,
              headers: { 'content-type': 'text/plain' },
              body: greeting(auth, 'onAuthenticated' in options && auth !== undefined ? getUser(event) : undefined),
              isBase64Encoded: false as const,
            }
          }, given),
        ]
      }),
    )
    const server = createServer((req, res) => {
      const answer = async (): Promise<void> => {
        const sent = await sentOf(req)
        const invoke = functions.get(sent.path)
        if (invoke === undefined) res.writeHead(404).end()
        else sendResponse(res, await invoke(makeEvent(sent)))
      }
      answer().catch(() => res.writeHead(500).end('bug'))
    })
    return { ...(await listen(server)), served: () => served }
  }
