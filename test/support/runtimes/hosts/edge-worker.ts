// Serves the driver in an edge-runtime machine, like a service worker.
import { respond } from '../driver.ts'

interface FetchEvent extends Event {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}

addEventListener('fetch', (event) => {
  const { request } = event as FetchEvent
  ;(event as FetchEvent).respondWith(respond(request))
})
