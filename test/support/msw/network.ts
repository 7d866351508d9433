import { HttpRequestInterceptor } from '@mswjs/interceptors/http'
import { defineNetwork, InterceptorSource } from 'msw/experimental'
import { http } from 'msw/http'

/** The answers of an address, and the requests to it. */
export interface Endpoint {
  /** The requests so far, in order. */
  readonly requests: readonly Request[]
  /** Answers with this from now on; a list is answered one by one, and its last answer is repeated. */
  answer(...answers: readonly (() => Response)[]): void
}

const network = defineNetwork({
  sources: [new InterceptorSource({ interceptors: [new HttpRequestInterceptor()] })],
  handlers: [],
  context: { quiet: true },
  onUnhandledFrame: 'error',
})

/** Replaces the network: only addresses of `endpoint` answer. */
export const enableNetwork = async (): Promise<void> => network.enable()
export const disableNetwork = async (): Promise<void> => network.disable()
export const resetNetwork = (): void => network.resetHandlers()

/** An address that answers until the network is reset. */
export function endpoint(url: string, ...first: readonly (() => Response)[]): Endpoint {
  const requests: Request[] = []
  let answers = first
  network.use(
    http.get(url, ({ request }) => {
      requests.push(request)
      const [next, ...others] = answers
      if (others.length > 0) answers = others
      return next?.() ?? new Response(null, { status: 404 })
    }),
  )
  return {
    requests,
    answer: (...following) => {
      answers = following
    },
  }
}

/** A correct JSON document. */
export function json(value: unknown, headers: HeadersInit = {}): () => Response {
  return () => Response.json(value, { headers })
}

/** Any text with any status. */
export function text(body: BodyInit | null, status = 200, headers: HeadersInit = {}): () => Response {
  return () => new Response(body, { status, headers })
}
