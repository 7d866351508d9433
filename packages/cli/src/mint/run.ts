import { own } from '@claimgate/core/adapter'

import { askServe, readBadTokens, readMinted } from '../development/ask-serve.ts'
import type { BadTokenList } from '../development/bad-token-list.ts'
import type { Minted } from '../development/dev-issuer.ts'
import { membersOf, portOf, wholeNumber, wordsOf } from '../development/options.ts'
import type { TokenChanges } from '../development/token-plan.ts'
import { decodeToken } from '../explain/token.ts'
import { timesOf } from '../explain/times.ts'
import { type Options, SERVE_PORT } from '../options.ts'
import { CannotSay, type Outcome } from '../outcome.ts'
import { type Line, styled } from '../terminal/line.ts'
import type { Terminal } from '../terminal/terminal.ts'

/** @throws CannotSay if no `serve` answers, the key file cannot be used, or an option is wrong */
export async function runMint(options: Options, terminal: Terminal): Promise<Outcome> {
  const given = options as MintOptions
  const changes = changesOf(given)
  const minted =
    given.keyFile === undefined ? await fromServe(given, changes) : await fromFile(given, given.keyFile, changes)
  return outcomeOf(minted, terminal.interactive)
}

interface MintOptions {
  readonly port?: string
  readonly keyFile?: string
  readonly claim?: readonly string[]
  readonly without?: readonly string[]
  readonly header?: readonly string[]
  readonly audience?: string
  readonly ttl?: string
  readonly expired?: true
  readonly notYet?: true
  readonly bad?: string
  readonly issuer?: string
  readonly provider?: string
  readonly option?: readonly string[]
  readonly alg?: string
  readonly kid?: string
}

const [TEN_MINUTES, HOUR] = [600, 3600]

function changesOf({ claim, without = [], header, audience, ttl, expired, notYet }: MintOptions): TokenChanges {
  const now = Math.floor(Date.now() / 1000)
  const seconds = wholeNumber(ttl)
  if (ttl !== undefined && seconds === undefined) throw new CannotSay('--ttl must be a whole number of seconds.')
  const times = {
    ...(expired && { iat: now - HOUR - TEN_MINUTES, exp: now - TEN_MINUTES }),
    ...(notYet && { nbf: now + HOUR, exp: now + 2 * HOUR }),
  }
  return {
    claims: { ...(audience !== undefined && { aud: audience }), ...times, ...membersOf('--claim', claim ?? []) },
    header: membersOf('--header', header ?? []),
    without,
    ...(seconds !== undefined && { ttl: seconds }),
  }
}

const WITH_KEY = ['issuer', 'provider', 'alg', 'kid'] as const

async function fromServe(options: MintOptions, changes: TokenChanges): Promise<Minted> {
  const extra =
    WITH_KEY.find((name) => options[name] !== undefined) ?? ((options.option ?? []).length > 0 ? 'option' : undefined)
  if (extra !== undefined)
    throw new CannotSay(
      `--${extra} needs --key-file: the running serve has its own. Start that with the options you need.`,
    )
  const port = portOf(options.port, SERVE_PORT, 1)
  if (options.bad !== undefined)
    return badOne(options.bad, readBadTokens(await askServe(port, '/bad-tokens'), port).bad)
  return readMinted(await askServe(port, '/token', changes), port)
}

async function fromFile(options: MintOptions, path: string, changes: TokenChanges): Promise<Minted> {
  const { readKeyFile } = await import('../development/key-file.ts')
  const { mintWith, rulesOf } = await import('../development/dev-issuer.ts')
  const { planTokens, readChanges } = await import('../development/token-plan.ts')
  const { issuer, provider, audience, bad, alg, kid } = options
  if (issuer === undefined && provider === undefined)
    throw new CannotSay(
      'With --key-file, say which issuer the key is of: --issuer https://login.example, or --provider NAME',
    )
  const keys = await readKeyFile(path, { ...(alg !== undefined && { alg }), ...(kid !== undefined && { kid }) })
  const words = wordsOf({ ...options })
  try {
    const plan = planTokens({
      issuer: issuer ?? '',
      words,
      ...(provider !== undefined && { provider }),
      ...(audience !== undefined && { audience }),
    })
    const named = issuer === undefined ? changes : { ...changes, claims: { iss: issuer, ...changes.claims } }
    const minted = await mintWith(keys, plan, readChanges(named))
    if (bad === undefined) return minted
    const { listBadTokens } = await import('../development/bad-token-list.ts')
    return badOne(bad, (await listBadTokens(minted.token, keys, rulesOf(plan))).bad)
  } catch (error) {
    throw error instanceof TypeError ? new CannotSay(error.message) : error
  }
}

function badOne(name: string, bad: BadTokenList['bad']): Minted {
  const found = bad.find((one) => one.name === name)
  if (found === undefined)
    throw new CannotSay(
      `There is no bad token with that name. claimgate probe prints the names, for example: ${bad[0]?.name ?? ''}`,
    )
  const { header, claims } = decodeToken(found.token)
  return { token: found.token, header, claims }
}

// In a pipe, the token is all that the next program needs: claimgate mint | claimgate explain
function outcomeOf({ token, header, claims }: Minted, interactive: boolean): Outcome {
  const times = timesOf(claims, Math.floor(Date.now() / 1000))
  const inWords = Object.fromEntries(times.map(({ claim, words }) => [claim, words]))
  const parts = [...membersText('Header', header), ...membersText('Claims', claims, inWords)]
  return { exitCode: 0, json: { token, header, claims }, lines: interactive ? [token, ...parts] : [token] }
}

function membersText(
  title: string,
  members: Readonly<Record<string, unknown>>,
  inWords: Readonly<Record<string, string>> = {},
): readonly Line[] {
  const width = Math.max(0, ...Object.keys(members).map((name) => name.length))
  return [
    '',
    styled('bold', title),
    ...Object.entries(members).map(([name, value]): Line => {
      const words = own(inWords, name)
      const note = typeof words === 'string' ? [styled('dim', `  ${words}`)] : []
      return [styled('dim', `  ${name.padEnd(width)}  `), JSON.stringify(value), ...note]
    }),
  ]
}
