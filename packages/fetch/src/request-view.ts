import type { RequestView } from '@claimgate/core'
import { formFields } from './form-fields.ts'

/** What the core sees of a `Request`. The runtime has joined repeated fields with commas by now. */
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
