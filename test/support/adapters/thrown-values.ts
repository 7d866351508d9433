import { AuthError } from '@claimgate/core'
import { runInNewContext } from 'node:vm'

/** Values that application code may throw or reject with, other than an `AuthError` of this library, by name. */
export const THROWN_VALUES: readonly (readonly [name: string, value: unknown])[] = [
  ['undefined', undefined],
  ['null', null],
  ['false', false],
  ['zero', 0],
  ['NaN', Number.NaN],
  ['a bigint', 0n],
  ['an empty string', ''],
  ["'route'", 'route'],
  ["'router'", 'router'],
  ['a symbol', Symbol('route')],
  ['a function', () => undefined],
  ['an object', {}],
  // oxlint-disable-next-line unicorn/no-thenable -- the subject of the test
  ['a thenable', { then: (resolve: (value: unknown) => void) => resolve(undefined) }],
  ['a revoked proxy', revokedProxy()],
  ['a proxy that throws', throwingProxy()],
  [
    'an object that looks like an AuthError',
    { name: 'AuthError', code: 'credential_missing', status: 401, error: undefined },
  ],
  ['an error', new RangeError('a bug')],
  ['an error of status 200', Object.assign(new Error('a bug'), { status: 200, statusCode: 200 })],
  ['an error of another realm', runInNewContext('new TypeError("a bug")')],
]

/** Values that are instances of `AuthError` and must not be answered as one. */
export const IMPOSTORS: readonly (readonly [name: string, value: unknown])[] = [
  ['an AuthError without a code', Object.create(AuthError.prototype)],
  ['an AuthError of status 200', Object.assign(new AuthError('token_refused'), { status: 200 })],
  ['an AuthError of status 302', Object.assign(new AuthError('token_refused'), { status: '302' })],
]

/** The ways a hook fails with a value. */
export const FAILURES: readonly (readonly [name: string, fail: (value: unknown) => unknown])[] = [
  [
    'throws',
    (value) => {
      throw value
    },
  ],
  // oxlint-disable-next-line prefer-promise-reject-errors -- the subject of the test
  ['rejects with', (value) => Promise.reject(value)],
  [
    'later rejects with',
    async (value) => {
      await new Promise(setImmediate)
      throw value
    },
  ],
]

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

function throwingProxy(): object {
  const trap = (): never => {
    // oxlint-disable-next-line typescript/only-throw-error -- the subject of the test
    throw undefined
  }
  return new Proxy({}, { get: trap, has: trap, getPrototypeOf: trap })
}
