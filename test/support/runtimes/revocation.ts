import type { TokenCheck, VerifierOptions } from '@claimgate/core'
import { createMemoryDenylist, denylist } from '@claimgate/core/denylist'
import { sharedBearer } from '@claimgate/core/revocation'
import { statusList } from '@claimgate/core/status-list'
import { backchannelLogout, createGate, securityEvents } from '@claimgate/fetch'

import type { Answers, RevocationCommand } from './command.ts'

const SECRET = 'a secret of the transmitter, 32 letters'.replaceAll(/[ ,]/g, '-')

/** Ends a session and the tokens of a user by the handlers of `@claimgate/fetch`, and asks a status list about two other tokens. */
export async function revoke(command: RevocationCommand): Promise<Answers['revocation']> {
  const { options, clientId, logoutToken, event, tokens } = command
  const { issuer, audience, jwksUri } = options as { readonly [name in 'issuer' | 'audience' | 'jwksUri']: string }
  const revoked = denylist({ store: createMemoryDenylist() })
  const common = { denylist: revoked, issuer, jwksUri }
  const receiveLogout = backchannelLogout({ ...common, clientId })
  const receiveEvent = securityEvents({ ...common, audience, authenticate: sharedBearer(SECRET) })
  const read = reader(options, revoked)

  const post = async (receive: (request: Request) => Promise<Response>, body: string, headers: HeadersInit) =>
    (await receive(new Request(audience, { method: 'POST', headers, body }))).status
  const logOut = async (): Promise<number> =>
    post(receiveLogout, `logout_token=${logoutToken}`, { 'content-type': 'application/x-www-form-urlencoded' })
  const push = async (secret: string): Promise<number> =>
    post(receiveEvent, event, { 'content-type': 'application/secevent+jwt', authorization: `Bearer ${secret}` })

  return {
    session: [await read(tokens.session), await logOut(), await read(tokens.session), await logOut()],
    user: [await read(tokens.user), await push(`${SECRET}x`), await push(SECRET), await read(tokens.user)],
    list: await askList(options, tokens),
  }
}

async function askList(
  options: VerifierOptions,
  tokens: RevocationCommand['tokens'],
): Promise<readonly number[] | string> {
  try {
    const read = reader(options, statusList({ hosts: ['127.0.0.1'] }))
    return [await read(tokens.valid), await read(tokens.revoked)]
  } catch (error) {
    return String(error)
  }
}

function reader(options: VerifierOptions, check: TokenCheck): (token: string) => Promise<number> {
  const gate = createGate({ ...options, checks: [check] } as VerifierOptions)
  return async (token) => {
    const auth = await gate(new Request('https://api.example/', { headers: { authorization: `Bearer ${token}` } }))
    return auth instanceof Response ? auth.status : 200
  }
}
