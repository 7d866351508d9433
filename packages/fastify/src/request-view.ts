import type { RequestView } from '@claimgate/core'
import { nodeFieldValues } from '@claimgate/core/extend'
import type { FastifyRequest } from 'fastify'

/** What the core sees of a Fastify request. */
export function requestView(request: FastifyRequest): RequestView {
  return {
    method: request.method,
    target: request.originalUrl,
    header: (name) => nodeFieldValues(request.headers, request.raw.rawHeaders, name),
    form: () => Promise.resolve(request.body as Record<string, unknown> | undefined),
  }
}
