import type { RequestView } from '@claimgate/core'
import type { FastifyRequest } from 'fastify'

/** What the core sees of a Fastify request. */
export function requestView(request: FastifyRequest): RequestView {
  return {
    method: request.method,
    target: request.originalUrl,
    header: (name) => fieldValues(request.raw.rawHeaders, name),
    form: () => Promise.resolve(request.body as Record<string, unknown> | undefined),
  }
}

// `request.headers` drops or joins repeated fields; a repeated credential must be seen to be refused.
function fieldValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}
