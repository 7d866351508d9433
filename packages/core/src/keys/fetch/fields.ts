import { isRecord, misconfigured } from '../../options/option-rules.ts'

/** Fields of a request: names in lower case, no prototype. */
export type HeaderFields = Readonly<Record<string, string>>

/**
 * Checks the header fields that are sent with each request for keys (RFC 9110 section 5). Messages never show a value, or an invalid name,
 * which may contain a value.
 *
 * @throws TypeError for a name that is not a token or belongs to the transport, and for a value that is not visible ASCII
 */
export function headerFields(action: string, given: unknown, named: string): HeaderFields {
  const fields = Object.create(null) as Record<string, string>
  const option = `"${named}"`
  if (!isRecord(given)) throw misconfigured(action, `${option} must be an object, such as { "x-api-key": "…" }`)
  for (const [written, value] of Object.entries(given)) {
    const name = written.toLowerCase()
    if (!TOKEN.test(name)) throw misconfigured(action, `${option} has a name that is no header field name`)
    if (OURS.test(name)) throw misconfigured(action, `${option} must not set "${name}", which belongs to the transport`)
    if (Object.hasOwn(fields, name)) throw misconfigured(action, `${option} has "${name}" twice`)
    if (typeof value !== 'string' || value.length > LONGEST || !VISIBLE.test(value))
      throw misconfigured(
        action,
        `the value of "${name}" in ${option} must be 1 to ${LONGEST} visible ASCII characters, with spaces only between them`,
      )
    fields[name] = value
  }
  return Object.freeze(fields)
}

const LONGEST = 8192
const TOKEN = /^[!#$%&'*+.^_`|~\da-z-]{1,256}$/
const VISIBLE = /^[!-~](?:[ -~]*[!-~])?$/
const OURS =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|range|accept-encoding|proxy-.*|content-.*|if-.*)$/
