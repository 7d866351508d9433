import { setTimeout as wait } from 'node:timers/promises'

/** The properties of the custom resource in the template. CloudFormation passes each value as text. */
export type Properties = Readonly<Record<string, unknown>>

/** What `!GetAtt` can read. */
export type Attributes = Readonly<Record<string, string>>

/** A request of CloudFormation. It may come twice. */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete'
  /** Where to put the answer. The URL is a credential: never log it. */
  readonly ResponseURL: string
  readonly StackId: string
  readonly RequestId: string
  readonly LogicalResourceId: string
  /** Absent in `Create`. */
  readonly PhysicalResourceId?: string
  readonly ResourceProperties?: Properties
}

/** The part of Lambda's context that is used. */
export interface LambdaContext {
  getRemainingTimeInMillis(): number
}

/** A Lambda function for a custom resource. It rejects only if CloudFormation could not be answered; Lambda then calls it again. */
export type CustomResourceHandler = (event: CustomResourceEvent, context: LambdaContext) => Promise<void>

/** A resource that CloudFormation may create and read, but not change or delete. */
export interface KeptResource {
  /** The name of the resource. It must not depend on anything else than `properties`. */
  idOf(properties: Properties): string
  /** Reads the resource. If `isNew`, creates it first, unless an earlier attempt has done so. */
  get(properties: Properties, isNew: boolean): Promise<Attributes>
}

interface Outcome {
  readonly Status: 'SUCCESS' | 'FAILED'
  readonly Reason?: string
  readonly Data?: Attributes
}

/** Milliseconds of the function's time that are kept for the answer. */
const TIME_TO_ANSWER = 15_000

/**
 * Answers CloudFormation on every path: after success, after a failure, and before Lambda stops the function. `Update` only reads, and
 * refuses to move the resource to another place. `Delete` leaves the resource alone.
 */
export const customResource =
  (resource: KeptResource): CustomResourceHandler =>
  async (event, context) => {
    const timeLeft = Math.max(0, context.getRemainingTimeInMillis() - TIME_TO_ANSWER)
    const outcome = await within(timeLeft, attend(resource, event)).catch(failure)
    const { Status, Reason } = outcome
    console.log(JSON.stringify({ type: `key.${event.RequestType}`, Status, Reason }))
    const { StackId, RequestId, LogicalResourceId, PhysicalResourceId = newId(resource, event) } = event
    await deliver(event.ResponseURL, { ...outcome, StackId, RequestId, LogicalResourceId, PhysicalResourceId })
  }

const attend = async (resource: KeptResource, event: CustomResourceEvent): Promise<Outcome> => {
  const { RequestType: type, PhysicalResourceId: id, ResourceProperties: properties = {} } = event
  if (type === 'Delete') return { Status: 'SUCCESS' }
  if (type === 'Create') return { Status: 'SUCCESS', Data: await resource.get(properties, true) }
  if (type !== 'Update') throw new TypeError('"RequestType" must be Create, Update or Delete')
  // Compared with the ID and not with the old properties, because a rollback passes the refused properties as the old ones.
  if (resource.idOf(properties) !== id) {
    throw new TypeError('A stack keeps its key, because your APIs trust it: to use another one, create a second stack')
  }
  return { Status: 'SUCCESS', Data: await resource.get(properties, false) }
}

const failure = (error: unknown): Outcome => ({ Status: 'FAILED', Reason: reasonOf(error) })

/** The same ID for each attempt: that of the resource or, because a failure needs one too, that of the request. */
const newId = (resource: KeptResource, { ResourceProperties = {}, ...event }: CustomResourceEvent): string => {
  try {
    return resource.idOf(ResourceProperties)
  } catch {
    return `${event.StackId}/${event.LogicalResourceId}`
  }
}

// Errors whose messages never contain key material.
const QUOTABLE = new Set(['KmsError', 'ParameterStoreError', 'TypeError', 'TimeoutError'])

// CloudFormation accepts 4,096 bytes in total.
const LONGEST_REASON = 1000

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'The key function failed'
  const { name, message } = error
  return QUOTABLE.has(name) ? `${name}: ${message}`.slice(0, LONGEST_REASON) : `The key function failed: ${name}`
}

const within = async <T>(milliseconds: number, work: Promise<T>): Promise<T> => {
  const done = new AbortController()
  const late = async (): Promise<never> => {
    await wait(milliseconds, undefined, { signal: done.signal })
    throw new DOMException(`The key was not ready after ${Math.round(milliseconds / 1000)} s`, 'TimeoutError')
  }
  try {
    return await Promise.race([work, late()])
  } finally {
    done.abort()
  }
}

const LONGEST_ATTEMPT = 3000
const PAUSES = [200, 1000, 0]

/**
 * Puts the answer at the address that CloudFormation has given.
 *
 * @throws Error if it is refused, or still fails after three attempts. It never quotes the address.
 */
const deliver = async (url: string, answer: object): Promise<void> => {
  // Bytes, because text would add a content type, which the signature of the address does not allow.
  const body = new TextEncoder().encode(JSON.stringify(answer))
  let found = ''
  for (const pause of PAUSES) {
    try {
      const response = await fetch(url, { method: 'PUT', body, signal: AbortSignal.timeout(LONGEST_ATTEMPT) })
      if (response.ok) return
      found = `status ${response.status}`
      if (response.status < 500) break
    } catch (error) {
      found = error instanceof Error ? error.name : 'an error'
    }
    await wait(pause)
  }
  throw new Error(`Cannot answer CloudFormation: its address must accept the answer, found ${found}`)
}
