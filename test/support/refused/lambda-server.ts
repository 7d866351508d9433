import { protect } from '@claimgate/lambda'
import { createServer } from 'node:http'
import { type MakeEvent, sendResponse, sentOf } from '../lambda/events.ts'
import { listenTo, routesOf, type StartServer } from './servers.ts'
import { CASE_HEADER, later, type Situation, storyOf, WAIT, type World } from './world.ts'

/** The service sends the response, so nothing can fail after the refusal. */
export const LAMBDA_SITUATIONS: readonly Situation[] = ['plain', 'waiting']

export const startLambda =
  (makeEvent: MakeEvent): StartServer =>
  async (world: World, situations) => {
    const functions = new Map(
      routesOf(world, situations).map(({ path, options, requirement, situation }) => {
        const serve = (): object => {
          world.served.add(world.stories.getStore()?.id ?? '')
          return { statusCode: 200, headers: {}, body: 'served' }
        }
        return [path, { situation, invoke: protect(serve, { ...options, ...(requirement && { requirement }) }) }]
      }),
    )
    const server = createServer((req, res) => {
      const story = storyOf(world, req.headers[CASE_HEADER])
      const answer = async (): Promise<void> => {
        world.reach(story.id, 'arrived')
        const sent = await sentOf(req)
        const one = functions.get(sent.path)
        if (one === undefined) return void res.writeHead(404).end()
        const response = await one.invoke(makeEvent(sent))
        world.reach(story.id, 'sending')
        if (one.situation === 'waiting') await later(WAIT)
        sendResponse(res, response as Parameters<typeof sendResponse>[1])
      }
      void world.stories.run(story, () => answer().catch(() => res.writeHead(500).end()))
    })
    return listenTo(server)
  }
