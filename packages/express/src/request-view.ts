import type { RequestView } from '@claimgate/core'
import { nodeFieldValues } from '@claimgate/core/extend'
import type { Request } from 'express'

/** What the core sees of an Express request: the target as received, whatever router it is mounted at. */
export function requestView(req: Request): RequestView {
  return {
    method: req.method,
    target: req.originalUrl,
    header: (name) => nodeFieldValues(req.headers, req.rawHeaders, name),
    form: () => Promise.resolve(req.body as Record<string, unknown> | undefined),
  }
}
