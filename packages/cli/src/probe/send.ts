import { request as requestHttp, type RequestOptions } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { LookupFunction } from 'node:net'

import { own } from '@claimgate/core/adapter'

import type { Target } from './target.ts'

/** What an API answered: a status, or why there is none. */
export type Answer = { readonly status: number } | { readonly failure: string }

/** Sends one request with a token, or without one. Never follows a redirect, and never rejects. */
export type Send = (token?: string) => Promise<Answer>

/** How the requests are sent. */
export interface SendOptions {
  /** The header that carries the bare token. @defaultValue `Authorization` with the scheme Bearer */
  readonly header?: string | undefined
  /** Milliseconds until the status must have arrived. */
  readonly timeout: number
}

// The rest of a body says nothing, and may never end.
const BODY_MS = 500

export function sender({ url, addresses }: Target, { header, timeout }: SendOptions): Send {
  const lookup: LookupFunction = (_host, options, found) => {
    const [first] = addresses
    if (options.all === true) found(null, [...addresses])
    else found(null, first?.address ?? '', first?.family)
  }
  // No agent, because the global one may be told to use a proxy. Redirects are answers like any other.
  const common: RequestOptions = { method: 'GET', agent: false, lookup }
  const request = url.protocol === 'https:' ? requestHttps : requestHttp
  return (token) =>
    new Promise((resolve) => {
      const asked = request(url, { ...common, headers: headersOf(token, header) })
      const timer = setTimeout(() => asked.destroy(new TimedOut()), timeout)
      asked.on('error', (error) => resolve({ failure: failureOf(error) }))
      // Status 101 ends a request without an error and without a response.
      asked.on('close', () => {
        clearTimeout(timer)
        resolve({ failure: 'no answer' })
      })
      asked.on('response', (response) => {
        clearTimeout(timer)
        resolve({ status: response.statusCode ?? 0 })
        response.on('error', () => undefined)
        const rest = setTimeout(() => response.destroy(), BODY_MS)
        response.on('close', () => clearTimeout(rest)).resume()
      })
      asked.end()
    })
}

function headersOf(token: string | undefined, header: string | undefined): Readonly<Record<string, string>> {
  const accept = { accept: '*/*' }
  if (token === undefined) return accept
  return header === undefined ? { ...accept, authorization: `Bearer ${token}` } : { ...accept, [header]: token }
}

class TimedOut extends Error {
  readonly code = 'no answer in time'
}

function failureOf(error: Error): string {
  const code = own(error, 'code')
  return typeof code === 'string' ? code : 'no answer'
}
