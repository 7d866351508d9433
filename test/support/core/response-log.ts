import type { ResponseFields, sendNode } from '@claimgate/core/adapter'

interface LoggedResponse {
  readonly response: Parameters<typeof sendNode>[0] & ResponseFields
  /** Every header that was set, and then the answer. */
  readonly log: readonly string[]
}

/** A response of Node with these headers that logs what is sent. */
export function responseLog(
  given: { headersSent?: boolean; fields?: Record<string, string | readonly string[]> } = {},
): LoggedResponse {
  const { headersSent = false, fields = {} } = given
  const log: string[] = []
  const response = {
    headersSent,
    statusCode: 0,
    getHeader: (name: string) => fields[name],
    setHeader: (name: string, value: string) => log.push(`${name}: ${value}`),
    end: (body: string) => log.push(`status ${response.statusCode}: ${body}`),
  }
  return { response, log }
}
