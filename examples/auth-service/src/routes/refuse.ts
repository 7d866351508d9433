import type { ErrorRequestHandler } from 'express'

const TEXTS: Readonly<Record<number, string>> = {
  400: 'The body must be JSON with "userName" and "password".',
  413: 'The body is too large.',
}

/** Responds with fixed text to requests that the body parser rejected. Any other error is a bug: 500 without details. */
export const refuse: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (response.headersSent) {
    next(error)
    return
  }
  const status = statusOf(error)
  if (status === 500) console.error('auth-service:', error)
  response
    .status(status)
    .set('cache-control', 'no-store')
    .json({ error: TEXTS[status] ?? 'Something went wrong here.' })
}

const statusOf = (error: unknown): number => {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined
  if (typeof status !== 'number' || status < 400 || status > 499) return 500
  return status === 413 ? 413 : 400
}
