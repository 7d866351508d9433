import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import type { Certificate } from './certificates.ts'
import type { Answer } from './dpop-client.ts'

/**
 * Sends a GET request over TLS.
 *
 * @param ca - the certificate of the API, which the client trusts
 * @param own - the certificate of the client, if it has one. TLS proves that the client has its key
 */
export async function getWithCertificate(token: string, url: string, ca: string, own?: Certificate): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` }
  const sent = request(url, { headers, ca, agent: false, timeout: 10_000, key: own?.key, cert: own?.cert }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  response.resume()
  const challenge = response.headers['www-authenticate'] ?? ''
  return { status: response.statusCode ?? 0, error: /error="(\w+)"/.exec(challenge)?.[1] }
}
