import {
  answeredWithin,
  asError,
  asRefusal,
  AuthError,
  BodyError,
  type Clock,
  createLogRefusal,
  type NextChunk,
  own,
  readBody,
  type RefusalLog,
  type RequestView,
  writeTo,
} from '../adapter.ts'
import type { RevocationList } from './options.ts'

/** The body of a request: as another parser has left it, or to be read chunk by chunk. */
export type RequestBody = Parsed | Reader

interface Parsed {
  readonly parsed: unknown
}

interface Reader {
  readonly next: NextChunk
}

/** What to answer. */
export interface RevocationResponse {
  readonly status: number
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An endpoint that receives revocations. Adapters translate its requests and responses. */
export interface RevocationEndpoint {
  /** Never rejects. For status 408 and 413, close the connection: the rest of the body was not read. */
  receive(view: RequestView, body: RequestBody): Promise<RevocationResponse>
}

interface EndpointRules {
  readonly clock: Clock
  readonly log?: RefusalLog | false | undefined
  /** The status of an accepted token. */
  readonly accepted: 200 | 202
  /** What is told about a refusal with status 400. */
  refusal(error: AuthError): object
  /** More header fields of a refusal with status 400. */
  readonly refusalHeaders?: Readonly<Record<string, string>>
  /** Fulfilled if the token has been accepted, and what it revokes is stored. @throws AuthError, or another error for status 503 */
  accept(view: RequestView, body: RequestBody): Promise<void>
}

const NO_STORE = { 'cache-control': 'no-store' }

/** An endpoint for POST requests, whose answer is a success only if `accept` is fulfilled. */
export function revocationEndpoint(rules: EndpointRules): RevocationEndpoint {
  const { log, clock } = rules
  const logRefusal = createLogRefusal(clock)
  const refused = (error: AuthError): RevocationResponse => {
    if (log) logRefusal(error, writeTo(log))
    const { status, retryAfter = 1 } = error
    if (status === 503)
      return { status, headers: { ...NO_STORE, 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }, body: '' }
    if (status === 408 || status === 413) return { status, headers: NO_STORE, body: '' }
    const headers = { ...NO_STORE, 'content-type': 'application/json', ...own(rules, 'refusalHeaders') }
    return { status: 400, headers, body: JSON.stringify(rules.refusal(error)) }
  }
  return Object.freeze<RevocationEndpoint>({
    receive: async (view, body) => {
      try {
        if (view.method !== 'POST') return { status: 405, headers: { ...NO_STORE, allow: 'POST' }, body: '' }
        await rules.accept(view, body)
        return { status: rules.accepted, headers: NO_STORE, body: '' }
      } catch (thrown) {
        return refused(asRefusal(thrown) ?? undecided('the request', thrown))
      }
    },
  })
}

/** The answer if something of the application fails: it does not tell whether the revocation is stored. */
function undecided(what: string, thrown: unknown): AuthError {
  return new AuthError('check_unavailable', { actual: what, cause: asError(thrown) })
}

/** A denylist whose methods fulfil in time, or throw `AuthError` with status 503. Only `check` may refuse. */
export function guardedList(list: RevocationList, timeout: number, clock: Clock): RevocationList {
  const deadline = { late: 'The denylist', seconds: timeout, clock }
  const asked = async (method: () => Promise<void>, refusals: readonly string[] = []): Promise<void> => {
    try {
      const answer: unknown = await answeredWithin(deadline, method)
      if (answer !== undefined) throw new TypeError('A denylist must answer with nothing')
    } catch (thrown) {
      const refusal = asRefusal(thrown)
      throw refusal !== undefined && refusals.includes(refusal.code) ? refusal : undecided('the denylist', thrown)
    }
  }
  return {
    check: (token) => asked(() => list.check(token), ['token_refused']),
    denyToken: (token) => asked(() => list.denyToken(token)),
    denySubject: (...subject) => asked(() => list.denySubject(...subject)),
    denySession: (...session) => asked(() => list.denySession(...session)),
  }
}

/** The media type of a request, in lower case. */
export function mediaType(view: RequestView): string {
  const [field = '', ...more] = view.header('content-type')
  const [type = ''] = (more.length === 0 ? field : '').split(';', 1)
  return type.trim().toLowerCase()
}

/** The body, as text or as another parser has left it. @throws AuthError for a body that is too large, too slow or cut off */
export async function bodyOf(body: RequestBody, clock: Clock): Promise<unknown> {
  if (Object.hasOwn(body, 'next')) return textOf((body as Reader).next, clock)
  const { parsed } = body as Parsed
  if (parsed === undefined)
    throw new TypeError('The body was read before, and no parser has kept it: put this handler before what reads it')
  return parsed instanceof Uint8Array ? new TextDecoder().decode(parsed) : parsed
}

async function textOf(next: Reader['next'], clock: Clock): Promise<string> {
  try {
    return await readBody(next, clock)
  } catch (error) {
    if (!(error instanceof BodyError)) throw error
    throw new AuthError(CODES[error.flaw], { expected: error.message, cause: error.cause })
  }
}

const CODES = { too_large: 'form_too_large', too_slow: 'form_timeout', unreadable: 'credential_malformed' } as const
