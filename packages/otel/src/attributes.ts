import type { FetchEndedEvent } from '@claimgate/core'
import { own } from '@claimgate/core/adapter'
import type { Attributes } from '@opentelemetry/api'

/** The most values that one attribute of a metric gets. */
const MOST_VALUES = 100
const OTHER = '_OTHER'

/** Lets at most a hundred different values pass, and replaces each further one by `_OTHER`. */
export function boundedValues(): (value: string) => string {
  const seen = new Set<string>()
  return (value) => {
    if (!seen.has(value) && seen.size >= MOST_VALUES) return OTHER
    seen.add(value)
    return value
  }
}

/** The host of an address; the text itself if it is no address. */
export function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname : uri
}

/** The attributes of the semantic conventions for HTTP clients that metrics and spans share. */
export function requestAttributes(event: FetchEndedEvent, bounded: (value: string) => string): Attributes {
  const { uri, method } = event
  const status = own(event, 'status')
  const reason = own(event, 'reason')
  const address = bounded(hostOf(uri))
  return {
    'http.request.method': method,
    'server.address': address,
    ...(address !== OTHER && { 'server.port': portOf(uri) }),
    ...(status !== undefined && { 'http.response.status_code': status }),
    // The conventions want the status itself for a status.
    ...(reason !== undefined && {
      'error.type': reason === 'status' && status !== undefined ? String(status) : reason,
    }),
  }
}

function portOf(uri: string): number {
  const { port, protocol } = new URL(uri)
  return port === '' ? (protocol === 'http:' ? 80 : 443) : Number(port)
}
