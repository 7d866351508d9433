// oxlint-disable unicorn/no-thenable, typescript/only-throw-error, typescript/prefer-promise-reject-errors -- hostile values on purpose
import { type AuthenticatorOptions, AuthError, type RequestView, scope, type Verifier } from '@claimgate/core'
import { selectVerifier, signedCookie } from '@claimgate/core/hooks'
import type { Tokens } from './credentials.ts'
import {
  badRequest,
  badToken,
  type Expected,
  failed,
  forbidden,
  served,
  unauthenticated,
  undecided,
} from './expected.ts'
import type { Row } from './rows.ts'
import type { Service } from './services.ts'

/** The services whose decision a function of the application takes part in. */
export type HookPath =
  | '/orders/extracted'
  | '/orders/extracted-too'
  | '/orders/extracted-optional'
  | '/orders/signed-cookie'
  | '/orders/tenants'
  | '/orders/tenants-optional'
  | '/orders/user'
  | '/orders/user-optional'
  | '/orders/user-write'

const fieldOf = (view: RequestView, name: string): string | undefined => view.header(name)[0]

/** What a request makes a function of the application do, by its field `X-Fault`. */
const FAULTS: Readonly<Record<string, (answer: unknown) => unknown>> = {
  'throws undefined': () => {
    throw undefined
  },
  'throws route': () => {
    throw 'route'
  },
  'throws an error': () => {
    throw new RangeError('a bug')
  },
  'rejects with undefined': () => Promise.reject(),
  'rejects with a token': () => Promise.reject({ kind: 'authenticated', token: {} }),
  refuses: () => {
    throw new AuthError('token_refused')
  },
  forbids: () =>
    Promise.reject(new AuthError('token_refused', { refusal: { status: 403, error: 'insufficient_scope' } })),
  'returns a number': () => 42,
  'returns an object': () => ({ kty: 'EC', url: 'https://attacker.example' }),
  'returns true': () => true,
  'returns null': () => null,
  'returns false': () => false,
  'returns undefined': () => undefined,
  'returns a list': (answer) => [answer],
  'returns a promise': (answer) => Promise.resolve(answer),
  'returns a thenable': (answer) => ({ then: (resolve: (value: unknown) => void) => resolve(answer) }),
  'returns a thenable that throws': () => ({
    then: () => {
      throw undefined
    },
  }),
  'returns a thenable that throws when it is asked': () => ({
    get then() {
      throw 'router'
    },
  }),
}

const faulty = (view: RequestView, answer: unknown): never =>
  (FAULTS[fieldOf(view, 'x-fault') ?? ''] ?? ((given) => given))(answer) as never

export function hookServices(verifier: Verifier): Readonly<Record<HookPath, Service>> {
  const extractToken = (view: RequestView): string | undefined => faulty(view, fieldOf(view, 'x-token'))
  const tenants = selectVerifier({
    verifiers: {
      acme: verifier,
      umbrella: { ...verifier, verify: () => Promise.reject(new AuthError('issuer_unknown')) },
    },
    select: (view) => faulty(view, fieldOf(view, 'x-tenant')),
  })
  const onAuthenticated: AuthenticatorOptions['onAuthenticated'] = ({ claims }, view) =>
    faulty(view, { id: claims.sub, tenant: claims['tenant'] })
  return {
    '/orders/extracted': { options: { verifier, extractToken } },
    '/orders/extracted-too': { options: { verifier, credentials: [{ from: 'authorization' }], extractToken } },
    '/orders/extracted-optional': { options: { verifier, extractToken, optional: true } },
    '/orders/signed-cookie': {
      options: {
        verifier,
        optional: true,
        extractToken: signedCookie('session', (value) => value.endsWith('~signed') && value.slice(0, -7)),
      },
    },
    '/orders/tenants': { options: { verifier: tenants } },
    '/orders/tenants-optional': { options: { verifier: tenants, optional: true } },
    '/orders/user': { options: { verifier, onAuthenticated } },
    '/orders/user-optional': { options: { verifier, onAuthenticated, optional: true } },
    '/orders/user-write': { options: { verifier, onAuthenticated }, requirement: scope('orders:write') },
  }
}

const WELCOME = served('alice may orders:read orders:write')
const USER = served('alice may orders:read orders:write as {"id":"alice","tenant":"acme"}')
const UNAVAILABLE = undecided('1')

/** The faults that no function may turn into a decision. */
const UNDECIDED = [
  'throws undefined',
  'throws route',
  'throws an error',
  'rejects with undefined',
  'rejects with a token',
  'returns a thenable that throws',
  'returns a thenable that throws when it is asked',
]

export function hookRows({ good, reader, expired }: Tokens): readonly Row[] {
  return [
    ...extracting(good, expired),
    ...signedCookies(good, expired),
    ...selecting(good, expired),
    ...finding(good, reader, expired),
  ]
}

function extracting(good: string, expired: string): readonly Row[] {
  const at = '/orders/extracted'
  const row = rowOf('extractToken', `X-Token: ${good}`)
  return [
    row('returns a token', at, [], WELCOME),
    row('returns a bad token', at, [`X-Token: ${expired}`], badToken, 'alone'),
    row('returns nothing', at, [], unauthenticated(), 'alone'),
    row('is the only place', at, [`Authorization: Bearer ${good}`], unauthenticated(), 'alone'),
    row('is one of several places', '/orders/extracted-too', [], WELCOME),
    row('is the other of several places', '/orders/extracted-too', [`Authorization: Bearer ${good}`], WELCOME, 'alone'),
    row('returns the token of another place', '/orders/extracted-too', [`Authorization: Bearer ${good}`], WELCOME),
    row('returns another token', '/orders/extracted-too', [`Authorization: Bearer ${expired}`], badRequest),
    row('returns nothing if anonymous is allowed', '/orders/extracted-optional', [], served('anonymous'), 'alone'),
    ...['returns a promise', 'returns a thenable'].map((fault) => row(fault, at, [fault], WELCOME)),
    ...[
      'returns a number',
      'returns an object',
      'returns true',
      'returns null',
      'returns false',
      'returns a list',
    ].flatMap((fault) => [
      row(fault, at, [fault], badRequest),
      row(`${fault}, if anonymous is allowed`, '/orders/extracted-optional', [fault], badRequest),
    ]),
    ...UNDECIDED.flatMap((fault) => [
      row(fault, at, [fault], UNAVAILABLE),
      row(`${fault}, if anonymous is allowed`, '/orders/extracted-optional', [fault], UNAVAILABLE),
    ]),
    row('refuses', at, ['refuses'], badToken),
    row('forbids', at, ['forbids'], forbidden()),
  ]
}

function signedCookies(good: string, expired: string): readonly Row[] {
  const at = '/orders/signed-cookie'
  const row = rowOf('signedCookie', '')
  return [
    row('has a good signature', at, [`Cookie: a=b; session=${good}~signed`], WELCOME, 'alone'),
    row('has a good signature of a bad token', at, [`Cookie: session=${expired}~signed`], badToken, 'alone'),
    row('has no signature', at, [`Cookie: session=${good}`], badToken, 'alone'),
    row('has a signature of nothing', at, ['Cookie: session=~signed'], badToken, 'alone'),
    row('is there twice', at, [`Cookie: session=${good}~signed; session=${good}~signed`], badRequest, 'alone'),
    row('is empty', at, ['Cookie: session='], served('anonymous'), 'alone'),
    row('is absent', at, ['Cookie: other=1'], served('anonymous'), 'alone'),
  ]
}

function selecting(good: string, expired: string): readonly Row[] {
  const at = '/orders/tenants'
  const row = rowOf('select', `X-Tenant: acme\nAuthorization: Bearer ${good}`)
  const token = `Authorization: Bearer ${good}`
  return [
    row('returns a name', at, [], WELCOME),
    row(
      'returns a name, for a bad token',
      at,
      ['X-Tenant: acme', `Authorization: Bearer ${expired}`],
      badToken,
      'alone',
    ),
    row('returns another name', at, ['X-Tenant: umbrella', token], badToken, 'alone'),
    ...['unknown', '__proto__', 'constructor', 'ACME', 'https://attacker.example/jwks.json'].map((name) =>
      row(`returns the name ${name}`, at, [`X-Tenant: ${name}`, token], badToken, 'alone'),
    ),
    row('returns no name', at, [token], badToken, 'alone'),
    row('returns no name, if anonymous is allowed', '/orders/tenants-optional', [token], badToken, 'alone'),
    row('is not asked without a token', '/orders/tenants-optional', ['throws an error'], served('anonymous'), 'alone'),
    ...['returns a promise', 'returns a thenable'].map((fault) => row(fault, at, [fault], WELCOME)),
    ...['returns a number', 'returns an object', 'returns true', 'returns null', 'returns false', 'returns a list'].map(
      (fault) => row(fault, at, [fault], failed),
    ),
    ...UNDECIDED.map((fault) => row(fault, at, [fault], UNAVAILABLE)),
    row('refuses', at, ['refuses'], badToken),
    row('forbids', at, ['forbids'], forbidden()),
  ]
}

function finding(good: string, reader: string, expired: string): readonly Row[] {
  const at = '/orders/user'
  const row = rowOf('onAuthenticated', `Authorization: Bearer ${good}`)
  return [
    row('finds a user', at, [], USER),
    row('finds a user after a requirement', '/orders/user-write', [], USER),
    row(
      'finds a user whom a requirement refuses',
      '/orders/user-write',
      [`Authorization: Bearer ${reader}`],
      forbidden('orders:write'),
      'alone',
    ),
    row('is not asked for a bad token', at, ['throws an error', `Authorization: Bearer ${expired}`], badToken, 'alone'),
    row('is not asked without a token', '/orders/user-optional', ['throws an error'], served('anonymous'), 'alone'),
    ...['returns a promise', 'returns a thenable'].map((fault) => row(fault, at, [fault], USER)),
    row('finds anything', at, ['returns true'], served('alice may orders:read orders:write as true')),
    ...['returns undefined', 'returns null', 'returns false'].flatMap((fault) => [
      row(fault, at, [fault], badToken),
      row(`${fault}, if anonymous is allowed`, '/orders/user-optional', [fault], badToken),
    ]),
    ...UNDECIDED.map((fault) => row(fault, at, [fault], UNAVAILABLE)),
    row('refuses', at, ['refuses'], badToken),
    row('forbids', at, ['forbids'], forbidden()),
  ]
}

/** @param usual - the fields that requests have, unless they stand `alone` */
function rowOf(hook: string, usual: string) {
  return (
    does: string,
    target: HookPath,
    given: readonly string[],
    expected: Expected,
    which: 'alone' | 'with the usual fields' = 'with the usual fields',
  ): Row => {
    const fields = given.map((one) => (one in FAULTS ? `X-Fault: ${one}` : one))
    return {
      name: `${hook} ${does}`,
      request: { target, fields: which === 'alone' ? fields : [...fields, ...usual.split('\n')] },
      expected,
    }
  }
}
