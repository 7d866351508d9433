import type { VerifiedToken } from '../model/token.ts'
import type { Authenticator } from './authenticator.ts'

/** The decision of an adapter about a request it has admitted. */
export interface Admission {
  readonly authenticator: Authenticator
  /** `undefined` is an anonymous request. */
  readonly token: VerifiedToken | undefined
  /** The scheme the request used. */
  readonly scheme: string | undefined
}

/** The latest admission of each request. */
export interface Admissions<A extends Admission> {
  of(request: object): A | undefined
  set(request: object, admission: A | undefined): void
}

// A constructor that returns its argument: the private field of a subclass is then added to that object.
const Stamp = function stamp(request: object): object {
  return request
} as unknown as new (request: object) => object

/**
 * Keeps the latest admission of a request in a private field of the request itself. Decisions use only this field, because any middleware
 * can overwrite `req.auth`. A private field does not travel with a copy of the request or with an object that inherits from it. A WeakMap
 * would do the same, but costs time in every garbage collection.
 */
export function createAdmissions<A extends Admission>(): Admissions<A> {
  class Stamped extends Stamp {
    #admission: A | undefined

    static of(request: object): A | undefined {
      return #admission in request ? request.#admission : undefined
    }

    static set(request: object, admission: A | undefined): void {
      const stamped = #admission in request ? request : new Stamped(request)
      stamped.#admission = admission
    }
  }
  return Stamped
}
