import type { FormFields, RequestView } from '@claimgate/core'

/** What the core sees of a `Request`. The runtime has joined repeated fields with commas by now. */
export function requestView(request: Request): RequestView {
  return {
    method: request.method,
    target: request.url,
    header: (name) => {
      const value = request.headers.get(name)
      return value === null ? [] : [value]
    },
    form: () => formFields(request.clone()),
  }
}

const LARGEST_FORM = 102_400

// A form too large to look through counts as one without a token: the request is refused, and memory is not filled.
async function formFields(request: Request): Promise<FormFields | undefined> {
  const text = await textUpTo(LARGEST_FORM, request.body)
  if (text === undefined) return undefined
  const fields = new URLSearchParams(text)
  return Object.fromEntries([...new Set(fields.keys())].map((name) => [name, fields.getAll(name)]))
}

async function textUpTo(limit: number, body: ReadableStream<Uint8Array> | null): Promise<string | undefined> {
  if (body === null) return ''
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text
    length += value.byteLength
    if (length > limit) {
      // Not awaited: cancelling one half of a cloned body waits for the other half.
      reader.cancel().catch(() => {})
      return undefined
    }
    text += decoder.decode(value, { stream: true })
  }
}
