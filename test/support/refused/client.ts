import { once } from 'node:events'
import { request as requestH1 } from 'node:http'
import { connect, constants } from 'node:http2'
import { text } from 'node:stream/consumers'
import { CASE_HEADER, later, type Stage, type World } from './world.ts'

/** When the client disconnects. */
export type Patience =
  | 'waits'
  | 'resets at once'
  | 'resets during the wait for keys'
  | 'resets while the refusal is sent'
export const PATIENCES: readonly Patience[] = [
  'waits',
  'resets at once',
  'resets during the wait for keys',
  'resets while the refusal is sent',
]

export interface Sent {
  readonly id: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly patience: Patience
}

export interface Answer {
  readonly status: number
  readonly body: string
  readonly challenge: string | undefined
}

export interface Client {
  /** Sends a request, and returns the answer if the client waits for one. */
  send(sent: Sent): Promise<Answer | undefined>
  close(): void
}

const STAGES: Readonly<Record<Patience, Stage | undefined>> = {
  waits: undefined,
  'resets at once': 'arrived',
  'resets during the wait for keys': 'keys',
  'resets while the refusal is sent': 'sending',
}

const PATIENT = 5000

/** Disconnects at the stage, or when an answer arrives unexpectedly. */
async function whenToReset({ reached }: World, { id, patience }: Sent, answered: Promise<unknown>): Promise<void> {
  const stage = STAGES[patience]
  if (stage === undefined) return
  await reached(id, 'arrived')
  await Promise.race([reached(id, stage), answered, later(200)])
}

/** Each request on a new connection. */
export function clientH1(world: World, port: number): Client {
  const send: Client['send'] = async (sent) => {
    const { id, path, method, headers, body, patience } = sent
    const request = requestH1({
      host: '127.0.0.1',
      port,
      path,
      method,
      agent: false,
      headers: { ...headers, [CASE_HEADER]: id, ...(body && { 'content-length': Buffer.byteLength(body) }) },
    })
    const response = once(request, 'response', { signal: AbortSignal.timeout(PATIENT) })
    response.catch(() => {})
    request.on('error', () => {})
    request.end(body)
    if (patience !== 'waits') {
      await whenToReset(
        world,
        sent,
        response.catch(() => {}),
      )
      request.socket?.resetAndDestroy()
      return undefined
    }
    const [message] = await response
    return { status: message.statusCode, body: await text(message), challenge: message.headers['www-authenticate'] }
  }
  return { send, close: () => {} }
}

/** Each request in a stream, many on one connection. */
export function clientH2(world: World, port: number): Client {
  const session = connect(`http://127.0.0.1:${port}`)
  session.on('error', () => {})
  const send: Client['send'] = async (sent) => {
    const { id, path, method, headers, body, patience } = sent
    const stream = session.request({ ':path': path, ':method': method, ...headers, [CASE_HEADER]: id })
    const response = once(stream, 'response', { signal: AbortSignal.timeout(PATIENT) })
    response.catch(() => {})
    stream.on('error', () => {})
    stream.end(body)
    if (patience !== 'waits') {
      await whenToReset(
        world,
        sent,
        response.catch(() => {}),
      )
      stream.close(constants.NGHTTP2_CANCEL)
      return undefined
    }
    const [fields] = await response
    return { status: fields[':status'], body: await text(stream), challenge: fields['www-authenticate'] }
  }
  return { send, close: () => session.destroy() }
}
