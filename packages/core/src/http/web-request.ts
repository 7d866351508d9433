import { AuthError } from '../errors/auth-error.ts'
import { systemClock } from '../model/runtime.ts'
import type { FormFields, RequestView } from '../model/token.ts'
import { bare, isObject, own } from '../model/values.ts'
import { BodyError, readBody } from './body.ts'
import type { ResourceResponse } from './protected-resource.ts'

/** The core's view of a `Request`. The runtime has already joined repeated header fields with commas. */
export function requestView(request: Request): RequestView {
  return {
    method: request.method,
    target: request.url,
    header: (name) => {
      const value = request.headers.get(name)
      return value === null ? [] : [value]
    },
    form: (name) => formFields(request, name),
  }
}

// Limits for reading a form from a caller who is not yet authenticated. `readBody` has those of bytes and time, too.
const MOST_BYTES = 65_536
const MOST_FIELDS = 1000

/**
 * The values of one field of a form body. It reads a clone, so that the request itself can still be read. If the form is too large or
 * too slow, the clone is cancelled at once, so that no more of the body is buffered.
 *
 * @throws AuthError `form_too_large`, `form_timeout`, `credential_malformed` (a body that cannot be read to its end)
 * @throws TypeError if the body has already been read
 */
async function formFields(request: Request, name: string): Promise<FormFields | undefined> {
  // Rejected without reading. The server enforces the declared length.
  if (Number(request.headers.get('content-length')) > MOST_BYTES) throw tooLarge(`at most ${MOST_BYTES} bytes`)
  const { body } = request.clone()
  if (body === null) return undefined
  const reader = body.getReader()
  const text = await readBody(() => reader.read(), systemClock).catch((error: unknown) => {
    // Not awaited: cancelling one branch of a cloned body waits for the other branch.
    reader.cancel().catch(() => {})
    throw refusalOf(error)
  })
  return formFieldOf(text, name)
}

/**
 * The values of one field of a form that is already in memory.
 *
 * @throws AuthError `form_too_large`
 */
export function formFieldOf(text: string, name: string): FormFields {
  // A form is ASCII.
  if (text.length > MOST_BYTES) throw tooLarge(`at most ${MOST_BYTES} bytes`)
  if (hasMoreFields(text)) throw tooLarge(`at most ${MOST_FIELDS} fields`)
  // The leading `&` keeps the constructor from stripping a question mark that belongs to the first name.
  return Object.fromEntries([[name, new URLSearchParams(`&${text}`).getAll(name)]])
}

const OTHER_WAYS =
  'The limit is that of Claimgate and cannot be raised: send the token in the Authorization header, or the form as multipart/form-data'

function hasMoreFields(text: string): boolean {
  let fields = 1
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) if ((fields += 1) > MOST_FIELDS) return true
  return false
}

function tooLarge(expected: string): AuthError {
  return new AuthError('form_too_large', { expected, hint: OTHER_WAYS })
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof BodyError)) return error
  if (error.flaw === 'too_large') return tooLarge(error.message)
  if (error.flaw === 'too_slow') return new AuthError('form_timeout', { expected: error.message, hint: OTHER_WAYS })
  return new AuthError('credential_malformed', { expected: error.message, cause: error.cause })
}

/** The `Response` of an answer of core. A response with status 204 or 304 must not have a body, not even an empty one. */
export function webResponse({ method }: Pick<Request, 'method'>, answer: ResourceResponse): Response {
  const { status, headers, body } = answer
  return new Response(method === 'HEAD' || body === '' ? null : body, bare<ResponseInit>({ status, headers }))
}

/** Whether a value is a response. By shape, because there may be several `Response` classes: from a polyfill or another realm. */
export function isWebResponse(value: unknown): value is Response {
  if (!isObject(value)) return false
  const headers: unknown = own(value as { readonly headers?: unknown }, 'headers')
  return (
    typeof own(value as { readonly status?: unknown }, 'status') === 'number' &&
    typeof headers === 'object' &&
    headers !== null
  )
}
