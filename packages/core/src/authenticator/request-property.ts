import { has } from '../model/values.ts'
import { narrowing, type OptionRow } from '../options/option-rules.ts'

// What Node, Express, Fastify and common plugins keep on a request. Another value there would change how the request is handled.
const TAKEN: ReadonlySet<string> = new Set(
  `aborted app auth authenticateJwt baseUrl body closed complete connection context cookies corsPreflightEnabled
  destroyed err errored file files fresh getDecorator headers headersDistinct host hostname httpVersion httpVersionMajor
  httpVersionMinor id ip ips is404 joinDuplicateHeaders log method next on once originalUrl params path pipe port
  protocol query raw rawHeaders rawTrailers readable readableEnded res response route routeConfig routeOptions
  routeSchema secret secure send server session sessionID signal signedCookies socket stale statusCode statusMessage
  stream subdomains trailers trailersDistinct url validationError xhr accepts acceptsCharsets acceptsEncodings
  acceptsLanguages destroy emit get getValidationFunction compileValidationSchema validateInput header is isPaused
  listeners off param pause range read resume setDecorator setEncoding setTimeout unpipe unshift wrap upgrade client acceptsEncoding acceptsCharset acceptsLanguage push
  addListener removeListener removeAllListeners iterator compose readableDidRead readableAborted readableHighWaterMark
  readableBuffer readableFlowing readableLength readableObjectMode readableEncoding drop filter flatMap map take every
  forEach reduce toArray some find eventNames setMaxListeners getMaxListeners prependListener prependOnceListener
  rawListeners listenerCount mediaType then toJSON authority scheme`.split(/\s+/),
)

/** The option `property` of an adapter: a name that no framework uses on its requests, and no prototype has. */
export const propertyOption: OptionRow = narrowing({
  be: 'a name of letters and digits, such as "user", that Node and the framework do not use on requests; the token is always in "auth"',
  fits: (value) =>
    typeof value === 'string' &&
    /^[A-Za-z][A-Za-z0-9]*$/.test(value) &&
    !TAKEN.has(value) &&
    !(value in Object.prototype) &&
    value !== 'prototype',
})

/**
 * The user of an outcome for a property of the request, or else its token.
 *
 * @param outcome - an admitted one; `undefined` for an anonymous request
 */
export function userOrToken(outcome: { readonly token?: unknown; readonly user?: unknown } | undefined): unknown {
  if (outcome === undefined) return undefined
  return has(outcome, 'user') ? outcome.user : outcome.token
}

/** Sets a property of a request as its own member, whatever setters a prototype has. */
export function setProperty(request: object, name: string, value: unknown): void {
  Object.defineProperty(request, name, { value, writable: true, enumerable: true, configurable: true })
}
