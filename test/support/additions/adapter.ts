import { createAuthenticator, type AuthenticatorOptions, type RequestView, type VerifiedToken } from '@claimgate/core'
import { addFields, admitted, asError, nodeClientCertificate, nodeFieldValues, nodePeer } from '@claimgate/core/adapter'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { accessToken, options } from './world.ts'

type Handler = (req: IncomingMessage, res: ServerResponse, auth: VerifiedToken | undefined) => void

/** An adapter for a framework: here for `node:http` itself. */
function toyAdapter(
  given: AuthenticatorOptions,
  handler: Handler,
): (req: IncomingMessage, res: ServerResponse) => void {
  const authenticator = createAuthenticator(given)
  const viewOf = (req: IncomingMessage): RequestView => ({
    method: req.method ?? 'GET',
    target: req.url ?? '/',
    header: (name) => nodeFieldValues(req.headers, req.rawHeaders, name),
    clientCertificate: () => nodeClientCertificate(req.socket),
    peer: nodePeer(req.socket),
  })
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const outcome = await authenticator.authenticate(viewOf(req))
    if (outcome.kind === 'refused') {
      const { status, headers, body } = outcome.response
      res.writeHead(status, headers).end(body)
      return
    }
    const accepted = admitted(outcome)
    addFields(accepted?.headers ?? {}, res)
    handler(req, res, accepted?.token)
  }
  return (req, res) => void serve(req, res).catch((error: unknown) => res.destroy(asError(error)))
}

export async function run(): Promise<unknown> {
  const server = createServer(toyAdapter(options, (_req, res, auth) => void res.end(auth?.claims.sub)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? (address?.port ?? 0) : 0}/`
  const answers: unknown[] = []
  for (const headers of [{ authorization: `Bearer ${await accessToken()}` }, undefined]) {
    const response = await fetch(url, { ...(headers && { headers }) })
    answers.push(response.status, response.headers.get('www-authenticate') ?? (await response.text()))
  }
  server.close()
  server.closeAllConnections()
  return answers
}

export const expected = [200, 'ada', 401, 'Bearer realm="api"']
