import type { RequestView } from '@claimgate/core'
import type { Request } from 'express'

/** What the core sees of an Express request: the target as received, whatever router it is mounted at. */
export function requestView(req: Request): RequestView {
  return {
    method: req.method,
    target: req.originalUrl,
    header: (name) => fieldValues(req.rawHeaders, name),
    form: () => Promise.resolve(req.body as Record<string, unknown> | undefined),
  }
}

// `req.headers` drops or joins repeated fields; a repeated credential must be seen to be refused.
function fieldValues(rawHeaders: readonly string[], name: string): readonly string[] {
  return rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)
}
