import {
  AuthError,
  isObject,
  own,
  ownKeySource,
  signedClaims,
  type TokenCheck,
  type TokenCheckContext,
  uriFlaw,
  type VerifiedToken,
} from '../adapter.ts'
import { statusLists } from './lists.ts'
import { resolveStatusListOptions, type StatusListOptions } from './options.ts'
import { statusAt } from './status-list-token.ts'

/**
 * A token check that refuses tokens whose status is not VALID in the status list that they name (IETF Token Status List, JWT form):
 * `createVerifier({ …, checks: [statusList({ hosts: ['status.example.com'] })] })`.
 *
 * Lists are signed by the issuer of the token, whose keys the verifier has. They are cached for their `ttl`. Without a usable list, requests
 * get status 503. Tokens without a `status` claim are accepted: `requiredClaims: [['status', 'status_list', 'uri']]` refuses them.
 *
 * @throws TypeError for options that are missing or out of range
 */
export function statusList(options: StatusListOptions): TokenCheck {
  const rules = resolveStatusListOptions(options)
  const { hosts, allowHttpHosts, keys, algorithms, accept = [VALID] } = rules
  const accepted = new Set(accept)
  const lists = statusLists(rules)
  const ownKeys = keys && algorithms && { keys: ownKeySource(keys), algorithms }
  const plainHttp = { loopback: 'allowed', hosts: allowHttpHosts } as const

  const assertAllowed = (url: URL): void => {
    const flaw = hosts.some((host) => host === url.hostname || host.replace(/:443$/, '') === url.host)
      ? uriFlaw(url, plainHttp)
      : 'must be on a host of "hosts"'
    if (flaw === undefined) return
    throw new AuthError('claim_mismatch', {
      expected: `status: a list that ${flaw}`,
      actual: `${url.protocol}//${url.host}`,
    })
  }

  return Object.freeze<TokenCheck>({
    name: 'status list',
    check: async (token: VerifiedToken, context?: TokenCheckContext) => {
      const claims = signedClaims(token)
      const reference = referenceOf(own(claims, 'status'))
      if (reference === undefined) return
      const { url, uri, index } = reference
      assertAllowed(url)
      const trusted = ownKeys ?? context
      if (trusted === undefined)
        throw new TypeError('A status list needs the keys of the issuer: give "keys" and "algorithms"')
      const list = await lists.get({ ...trusted, url, uri, issuer: own(claims, 'iss') })
      const status = statusAt(list, index)
      if (status !== undefined && accepted.has(status)) return
      throw new AuthError('token_refused', {
        expected: 'a token whose status is valid',
        actual: status === undefined ? 'an index beyond the end of its list' : (MEANINGS[status] ?? `status ${status}`),
        hint: 'The issuer publishes the status of the token',
      })
    },
  })
}

const VALID = 0
const MEANINGS: Readonly<Record<number, string>> = Object.freeze({ 1: 'a revoked token', 2: 'a suspended token' })

interface Reference {
  readonly url: URL
  /** As in the token. */
  readonly uri: string
  readonly index: number
}

/** The list and the index of a token. Any other kind of status cannot be checked here, so it is refused. @throws AuthError */
function referenceOf(status: unknown): Reference | undefined {
  if (status === undefined) return undefined
  const reference = membersOf(own(membersOf(status, 'status'), 'status_list'), 'status.status_list')
  const [uri, index] = [own(reference, 'uri'), own(reference, 'idx')]
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw malformed('status.status_list.uri: a URL', typeof uri)
  if (typeof index !== 'number' || !Number.isSafeInteger(index) || index < 0)
    throw malformed('status.status_list.idx: a whole number from 0', typeof index === 'number' ? index : typeof index)
  return { url: new URL(uri), uri, index }
}

function membersOf(value: unknown, name: string): object {
  if (isObject(value) && !Array.isArray(value)) return value
  throw malformed(`${name}: an object`, value === undefined ? 'none' : typeof value)
}

function malformed(expected: string, actual: unknown): AuthError {
  return new AuthError('claim_malformed', { expected, actual })
}
