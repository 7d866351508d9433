import type { ProtectedResource, ResourceResponse } from '@claimgate/core'
import { asError, assertCalled, metadataAnswer, NodeRequestView, resourceList } from '@claimgate/core/adapter'
import type { RequestHandler, Response } from 'express'

/**
 * Serves the metadata of protected resources (RFC 9728) to everyone, without a token. Put it before `authenticateJwt`, at the root of the app:
 * the metadata is not below the path of the API. It answers GET, HEAD and OPTIONS requests for exactly these addresses, and passes on every
 * other request.
 *
 * @param resources - one or more, made by `protectedResource` of `@claimgate/core/metadata`
 * @throws TypeError for anything else
 */
export function resourceMetadata(...resources: readonly ProtectedResource[]): RequestHandler {
  assertCalled('resourceMetadata', 'app.use(resourceMetadata(resource))', resources[0])
  const served = resourceList(resources)
  const run = async (...[req, res, next]: Parameters<RequestHandler>): Promise<void> => {
    try {
      const answer = metadataAnswer(served, new NodeRequestView(req, req))
      if (answer !== undefined) return send(await answer, res)
    } catch (thrown) {
      return next(asError(thrown))
    }
    return next()
  }
  // `run` never rejects, because Express 4 ignores its promise.
  return (req, res, next) => void run(req, res, next)
}

// Uses Node's methods, because Express would add a charset and another entity tag.
function send({ status, headers, body }: ResourceResponse, res: Response): void {
  // For example, a timeout may have responded while the metadata was signed.
  if (res.headersSent) return
  res.statusCode = status
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.end(body)
}
