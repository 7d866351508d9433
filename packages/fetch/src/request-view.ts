import { AuthError, type Clock, type FormFields, type RequestView } from '@claimgate/core'
import { systemClock } from '@claimgate/core/adapter'

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

// Limits for reading a form from a caller who is not yet authenticated.
const MOST_BYTES = 65_536
const MOST_FIELDS = 1000
const LONGEST_WAIT = 5000

/**
 * The values of one field of a form body. It reads a clone, so that the request itself can still be read. If the form is too large or
 * too slow, the clone is cancelled at once, so that no more of the body is buffered.
 *
 * @param clock - the clock for the time limit
 * @throws AuthError `form_too_large`, `form_timeout`, `credential_malformed` (a body that cannot be read to its end)
 * @throws TypeError if the body has already been read
 */
async function formFields(request: Request, name: string, clock: Clock = systemClock): Promise<FormFields | undefined> {
  // Rejected without reading. The server enforces the declared length.
  if (Number(request.headers.get('content-length')) > MOST_BYTES) throw tooLarge(BYTES)
  const { body } = request.clone()
  if (body === null) return undefined
  const text = await textOf(body, clock)
  if (hasMoreFields(text)) throw tooLarge(FIELDS)
  // The leading `&` keeps the constructor from stripping a question mark that belongs to the first name.
  return Object.fromEntries([[name, new URLSearchParams(`&${text}`).getAll(name)]])
}

const BYTES = `at most ${MOST_BYTES} bytes`
const FIELDS = `at most ${MOST_FIELDS} fields`

async function textOf(body: ReadableStream<unknown>, clock: Clock): Promise<string> {
  const reader = body.getReader()
  const deadline = deadlineOf(clock)
  // Keeps a byte order mark, as `formData()` does.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  let length = 0
  try {
    for (;;) {
      const chunk = await Promise.race([reader.read(), deadline.over])
      if (chunk === undefined || deadline.isOver())
        throw new AuthError('form_timeout', { expected: IN_TIME, hint: OTHER_WAYS })
      if (chunk.done) return text
      if (!ArrayBuffer.isView(chunk.value)) throw new TypeError('The body holds something that is not bytes')
      // An empty chunk counts as one byte, because a body may contain any number of them.
      length += Math.max(1, chunk.value.byteLength)
      if (length > MOST_BYTES) throw tooLarge(BYTES)
      text += decoder.decode(chunk.value, { stream: true })
    }
  } catch (error) {
    // Not awaited: cancelling one branch of a cloned body waits for the other branch.
    reader.cancel().catch(() => {})
    throw error instanceof AuthError ? error : unreadable(error)
  } finally {
    deadline.cancel()
  }
}

const OTHER_WAYS =
  'The limit is that of Claimgate and cannot be raised: send the token in the Authorization header, or the form as multipart/form-data'
const IN_TIME = `a form within ${LONGEST_WAIT / 1000} s`

interface Deadline {
  /** Resolves when the time is up. */
  readonly over: Promise<undefined>
  isOver(): boolean
  cancel(): void
}

// The timer stops a stream that sends nothing. The clock stops one that sends so fast that timers never run.
function deadlineOf(clock: Clock): Deadline {
  const end = clock.monotonic() + LONGEST_WAIT
  let cancel = (): void => {}
  const over = new Promise<undefined>((resolve) => {
    cancel = clock.setTimeout(() => resolve(undefined), LONGEST_WAIT)
  })
  return { over, isOver: () => clock.monotonic() >= end, cancel: () => cancel() }
}

function hasMoreFields(text: string): boolean {
  let fields = 1
  for (let at = text.indexOf('&'); at >= 0; at = text.indexOf('&', at + 1)) if ((fields += 1) > MOST_FIELDS) return true
  return false
}

function tooLarge(expected: string): AuthError {
  return new AuthError('form_too_large', { expected, hint: OTHER_WAYS })
}

function unreadable(cause: unknown): AuthError {
  return new AuthError('credential_malformed', { expected: 'a form that can be read to its end', cause })
}
