import { startServers } from '@claimgate-examples/opaque-tokens'
import { type Answer, answerOf, createDpopClient, send, startDpopApi } from '@claimgate-examples/sender-constrained'
import { createAuthenticator, type ErrorCode, scope } from '@claimgate/core'
import type { Expected, Narrator } from './narrator.ts'
import { logIn, type Stage } from './stage.ts'
import { claimsOf, headerOf, signedWithPublicKey, tampered, unsigned } from './tokens.ts'

/** One step of the demo. */
export interface Step {
  readonly title: string
  run(stage: Stage, narrator: Narrator): Promise<void>
}

const PROTECTED = 'GET /api/v1/protected'
const [ORDERS, PAYMENTS] = ['GET /orders', 'POST /payments']
const ADA: Expected = { status: 200, body: '"caller":"ada"' }
const BOB: Expected = { status: 200, body: '"caller":"bob"' }
// The response to every bad token. It is always the same, so that an attacker learns nothing from it.
const BAD_TOKEN: Expected = { status: 401, challenge: ['Bearer realm="api"', 'error="invalid_token"'] }

/** The steps of the demo, in order. The auth service is running at the start of every step. */
export const STORY: readonly Step[] = [
  {
    title: 'Ada, who may write orders, logs in',
    run: async (stage, narrator) => {
      const token = await logIn(stage, 'ada')
      const { alg, typ } = headerOf(token)
      const { iss, sub, aud, role, scope: scopes, iat, exp } = claimsOf(token)
      const problems = iss === stage.auth().url ? [] : ['expected its iss to be the auth service']
      const minutes = (Number(exp) - Number(iat)) / 60
      narrator.got(`POST /api/v1/auth, her password → auth: 200 {"jwt":"…"}, valid for ${minutes} minutes`, problems)
      narrator.say(`${JSON.stringify({ alg, typ })} ${JSON.stringify({ sub, aud, role, scope: scopes })}`)
    },
  },
  {
    title: 'Her token is valid on Express, on Fastify and in the worker',
    run: async (stage, narrator) => {
      const credential = { token: await logIn(stage, 'ada'), with: "Ada's token" }
      await narrator.ask(stage.servers, { line: PROTECTED, ...credential }, ADA)
      const written = { status: 201, body: '"orderedBy":"ada"' }
      await narrator.ask(stage.servers, { line: 'POST /api/v1/orders', ...credential }, written)
    },
  },
  {
    title: 'Without a token only open routes answer',
    run: async (stage, narrator) => {
      await narrator.ask(stage.servers, { line: 'GET /health' }, { status: 200 })
      const challenge = 'Bearer realm="api"'
      await narrator.ask(stage.servers, { line: PROTECTED }, { status: 401, challenge })
    },
  },
  {
    title: 'A token of the same auth service, but for another API',
    run: async (stage, narrator) => {
      const { issuer } = stage.auth()
      const token = await issuer.issue({ sub: 'ada', client_id: 'demo-client' }, { audience: 'billing-api' })
      await refusedEverywhere(stage, narrator, { token, name: 'a token for billing-api', code: 'audience_mismatch' })
    },
  },
  {
    title: 'An expired token (the demo moves its clock by 21 minutes instead of waiting)',
    run: async (stage, narrator) => {
      const token = await logIn(stage, 'ada')
      stage.clock.pass(21 * 60)
      await refusedEverywhere(stage, narrator, { token, name: 'a token of 21 minutes ago', code: 'token_expired' })
    },
  },
  {
    title: 'Three forgeries: no signature, the public key used as a shared secret, changed claims',
    run: async (stage, narrator) => {
      const bob = await logIn(stage, 'bob')
      const [publicJwk = {}] = stage.auth().issuer.jwks().keys
      const none = { token: unsigned(bob), name: 'alg none', code: 'algorithm_not_allowed' } as const
      await refusedEverywhere(stage, narrator, none)
      const confused = await signedWithPublicKey(bob, publicJwk)
      await narrator.ask(stage.servers, { line: PROTECTED, token: confused, with: 'alg HS256' }, BAD_TOKEN)
      const writer = tampered(bob, { role: 'writer', scope: 'orders:read orders:write' })
      await refusedEverywhere(stage, narrator, { token: writer, name: 'other claims', code: 'signature_invalid' })
    },
  },
  {
    title: 'Bob, who may only read, tries to write',
    run: async (stage, narrator) => {
      const token = await logIn(stage, 'bob')
      const credential = { token, with: "Bob's token" }
      await narrator.ask(stage.servers, { line: PROTECTED, ...credential }, BOB)
      const forbidden = { status: 403, challenge: ['error="insufficient_scope"', 'scope="orders:write"'] }
      await narrator.ask(stage.servers, { line: 'POST /api/v1/orders', ...credential }, forbidden)

      const { authorize } = createAuthenticator(stage.verifier)
      const outcome = await authorize(await stage.verifier.verify(token), scope('orders:write'))
      if (outcome.kind !== 'refused') narrator.got('found to be enough', ['expected it not to be enough'])
      else narrator.say(`why: Refused (${outcome.error.code}): ${outcome.error.message}`)
    },
  },
  {
    title: 'Ada logs out on her laptop, and stays logged in on her phone',
    run: async (stage, narrator) => {
      const laptop = { line: PROTECTED, token: await logIn(stage, 'ada'), with: "the laptop's token" } as const
      const phone = { line: PROTECTED, token: await logIn(stage, 'ada'), with: "the phone's token" } as const
      const [withDenylist, without] = [stage.servers.slice(0, 2), stage.servers.slice(2)]
      const auth = { name: 'auth', url: stage.auth().url }
      await narrator.ask([auth], { ...laptop, line: 'POST /api/v1/logout' }, { status: 204 })
      await narrator.ask(withDenylist, laptop, BAD_TOKEN)
      await narrator.ask(withDenylist, phone, ADA)
      await narrator.ask(without, { ...laptop, with: "the laptop's token, as it has no denylist" }, ADA)
    },
  },
  {
    title: 'A thief has a token that is bound to a key (DPoP), and gets nothing',
    run: async (stage, narrator) => {
      const { url: issuer, issuer: auth } = stage.auth()
      const jwksUri = `${issuer}/.well-known/jwks.json`
      const verifier = { issuer, jwksUri, audience: 'orders-api', clock: stage.clock }
      const api = await startDpopApi(verifier, 'a secret of at least thirty-two bytes')
      try {
        const url = `${api.url}/orders`
        const [ada, thief] = [await createDpopClient(), await createDpopClient()]
        const token = await auth.issue({ sub: 'ada', client_id: 'demo-client', cnf: { jkt: ada.jkt } })
        const first = await ada.get(token, url)
        const sent = { authorization: `DPoP ${token}`, dpop: await ada.proof(token, url) }
        const second = answerOf(await send(url, sent))
        told(narrator, "Ada's client, with its key", [...first, second], '401 use_dpop_nonce, 200, 200')
        const plain = answerOf(await send(url, { authorization: `Bearer ${token}` }))
        const [other] = await thief.get(token, url)
        const again = answerOf(await send(url, sent))
        const refused = '401 invalid_token, 401 invalid_token, 401 invalid_dpop_proof'
        told(narrator, 'stolen: as Bearer, other key, used proof', [plain, other, again], refused)
      } finally {
        await api.close()
      }
    },
  },
  {
    title: 'Opaque tokens: the API asks the authorization server, remembers the answer, and asks again for payments',
    run: async (_stage, narrator) => {
      const servers = await startServers()
      const { authorization } = servers
      const show = async (what: string, lines: readonly string[], token: string, expected: string): Promise<void> => {
        const before = authorization.introspections()
        const statuses: number[] = []
        for (const line of lines) {
          const [method, path = '/'] = line.split(' ')
          statuses.push(await servers.send(method as 'GET' | 'POST', path, token))
        }
        const found = `${statuses.join(', ')}; asked ${authorization.introspections() - before}×`
        const problems = found === expected ? [] : [`expected ${expected}`]
        narrator.got(`${lines.join(', ')}, ${what} → ${found}`, problems)
      }
      try {
        const token = await authorization.issue('opaque', 'orders:read payments')
        await show('an opaque token', [ORDERS, ORDERS, ORDERS], token, '200, 200, 200; asked 1×')
        await show('the same token', [PAYMENTS, PAYMENTS], token, '201, 201; asked 2×')
        authorization.revoke(token)
        await show('the token is revoked', [ORDERS, PAYMENTS, ORDERS], token, '200, 401, 401; asked 1×')
      } finally {
        servers.close()
      }
    },
  },
  {
    title: 'The auth service is down for ten minutes, and every user stays logged in',
    run: async (stage, narrator) => {
      const question = { line: PROTECTED, token: await logIn(stage, 'ada'), with: "Ada's token" } as const
      await stage.auth().pause()
      try {
        narrator.got(`auth ${await reach(stage.auth().url)}`, [])
        await narrator.ask(stage.servers, question, ADA)
        stage.clock.pass(10 * 60)
        await narrator.ask(stage.servers, { ...question, with: '10 minutes later, keys not refreshed' }, ADA)
        stage.worker.startCold()
        await narrator.ask(stage.servers.slice(-1), { ...question, with: 'a new worker, keys of its KV store' }, ADA)
      } finally {
        await stage.auth().resume()
      }
    },
  },
  {
    title: 'The auth service restarts with the same keys',
    run: async (stage, narrator) => {
      const before = await logIn(stage, 'ada')
      await stage.restartAuth()
      const after = await logIn(stage, 'ada')
      await narrator.ask(stage.servers, { line: PROTECTED, token: before, with: 'a token from before' }, ADA)
      await narrator.ask(stage.servers, { line: PROTECTED, token: after, with: 'a token from after' }, ADA)
    },
  },
  {
    title: 'The auth service rotates its key, and no server restarts',
    run: async (stage, narrator) => {
      const before = await logIn(stage, 'ada')
      stage.clock.pass(2 * 60)
      await stage.auth().rotate({ publishAhead: 0 })
      const after = await logIn(stage, 'bob')
      const [oldKid, newKid] = [headerOf(before)['kid'], headerOf(after)['kid']]
      narrator.got(`auth signs with key ${String(newKid)} now`, oldKid === newKid ? ['expected another key'] : [])
      await narrator.ask(stage.servers, { line: PROTECTED, token: after, with: "Bob's token, new key" }, BOB)
      await narrator.ask(stage.servers, { line: PROTECTED, token: before, with: "Ada's token, old key" }, ADA)
    },
  },
  {
    title: 'An unknown key while the auth service is down: 503, because the token may be valid',
    run: async (stage, narrator) => {
      stage.clock.pass(2 * 60)
      await stage.auth().rotate({ publishAhead: 0 })
      const token = await logIn(stage, 'ada')
      const question = { line: PROTECTED, token, with: 'a token of the newest key' } as const
      await stage.auth().pause()
      try {
        await narrator.ask(stage.servers, question, { status: 503 })
        await explain(stage, narrator, token, 'keys_unavailable')
      } finally {
        await stage.auth().resume()
      }
      stage.clock.pass(2 * 60)
      await narrator.ask(stage.servers, { ...question, with: 'the same token 2 minutes later, auth is back' }, ADA)
    },
  },
]

/** Runs the steps one by one. A step that throws counts as a failure and does not stop the next step. */
export async function tellStory(stage: Stage, narrator: Narrator): Promise<void> {
  for (const { title, run } of STORY) {
    narrator.step(title)
    try {
      await run(stage, narrator)
    } catch (error) {
      narrator.got('the step stopped', [error instanceof Error ? error.message : String(error)])
    }
  }
}

/** Prints the answers of the API with DPoP to a client, and checks them. */
function told(narrator: Narrator, who: string, answers: readonly (Answer | undefined)[], expected: string): void {
  const found = answers.map((answer) => [answer?.status, answer?.error].filter(Boolean).join(' ')).join(', ')
  narrator.got(`GET /orders, ${who} → ${found}`, found === expected ? [] : [`expected ${expected}`])
}

interface RefusedToken {
  readonly token: string
  /** The name of the token in the output. */
  readonly name: string
  readonly code: ErrorCode
}

/** Sends a token to all servers, checks that they refuse it, and explains why. */
async function refusedEverywhere(stage: Stage, narrator: Narrator, { token, name, code }: RefusedToken): Promise<void> {
  await narrator.ask(stage.servers, { line: PROTECTED, token, with: name }, BAD_TOKEN)
  await explain(stage, narrator, token, code)
}

/** Explains why a token is refused, and checks that it is the expected reason. */
async function explain(stage: Stage, narrator: Narrator, token: string, code: ErrorCode): Promise<void> {
  const explanation = await stage.verifier.explain(token)
  narrator.say(`why: ${explanation.summary}`)
  if (explanation.code !== code) narrator.got(`explained with ${explanation.code}`, [`expected ${code}`])
}

async function reach(url: string): Promise<string> {
  return fetch(url).then(
    ({ status }) => {
      throw new Error(`Cannot show an outage: the auth service answers ${status}`)
    },
    () => 'refuses connections',
  )
}
