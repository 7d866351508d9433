import type { Clock, HttpOptions, Refused } from '@claimgate/core'
import { createLogRefusal, own, resolveLog, type RefusalLine, writeTo } from '@claimgate/core/extend'
import type { FastifyRequest } from 'fastify'
import { ACTION } from './resolve-scope-options.ts'

/** Says why a request is refused. */
export type LogRefused = (refusal: Refused, request: FastifyRequest) => void

/**
 * How to log refusals: with the log of each request, unless the options have another or turn it off.
 *
 * @throws TypeError for anything else
 */
export function logRefusals(options: HttpOptions & { readonly clock?: Partial<Clock> | undefined }): LogRefused {
  const option = own(options, 'log')
  const log = resolveLog(ACTION, option)
  if (option === false) return () => {}
  const logRefusal = createLogRefusal(own(options, 'clock'))
  if (log !== undefined) {
    const write = writeTo(log)
    return ({ error }) => logRefusal(error, write)
  }
  return ({ error }, request) => logRefusal(error, (line) => request.log.info(fieldsOf(line), line.message))
}

function fieldsOf({ code, suppressed }: RefusalLine): object {
  return suppressed === 0 ? { code } : { code, suppressed }
}
