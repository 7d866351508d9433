import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An answer of a custom resource. */
export interface CustomResourceAnswer {
  readonly Status: 'SUCCESS' | 'FAILED'
  readonly Reason?: string
  readonly PhysicalResourceId: string
  readonly StackId: string
  readonly RequestId: string
  readonly LogicalResourceId: string
  readonly Data?: Readonly<Record<string, string>>
}

/** The server to which custom resources put their answers. */
export interface ResponseServer {
  /** A new address for one answer. Its query is a secret, like the signature of a presigned URL. */
  address(): string
  /** What the next requests get instead of 200: a status, or a connection that ends. */
  fail(...faults: readonly (number | 'reset' | 'hang')[]): void
  /** All answers so far, oldest first. */
  readonly answers: readonly CustomResourceAnswer[]
  /** The requests so far, those that failed included. */
  requests(): number
  close(): Promise<void>
}

// CloudFormation accepts no more.
const LONGEST = 4096

/** Starts a server that accepts answers as CloudFormation does: by PUT, without a content type, up to 4,096 bytes. */
export const startResponseServer = async (): Promise<ResponseServer> => {
  const answers: CustomResourceAnswer[] = []
  const faults: (number | 'reset' | 'hang')[] = []
  let requests = 0
  const receive = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests += 1
    const fault = faults.shift()
    if (fault === 'hang') return
    if (fault === 'reset') {
      response.socket?.resetAndDestroy()
      return
    }
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const accepted = request.method === 'PUT' && !request.headers['content-type'] && body.length <= LONGEST
    if (fault === undefined && accepted) answers.push(JSON.parse(body.toString()) as CustomResourceAnswer)
    response.writeHead(fault ?? (accepted ? 200 : 403)).end()
  }
  const server = createServer((request, response) => void receive(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: () => `http://127.0.0.1:${port}/answer?X-Amz-Signature=secret-signature`,
    fail: (...next) => void faults.push(...next),
    answers,
    requests: () => requests,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
