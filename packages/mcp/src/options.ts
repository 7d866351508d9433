import type { AuthenticatorOptions, IssuerPolicy } from '@claimgate/core'
import {
  ADAPTER_OPTIONS,
  bare,
  type Clock,
  clockOption,
  type Filled,
  isOptions,
  isRequirementRule,
  listOf,
  isScope,
  misconfigured,
  narrowing,
  numberIn,
  optionsOf,
  type OptionRule,
  type OptionTable,
  own,
  ownOptions,
  readOptions,
  required,
  type RequirementRule,
} from '@claimgate/core/adapter'
import type { ProtectedResourceOptions } from '@claimgate/core/metadata'
import type { ToolCall } from './message.ts'

/** What an MCP server needs from a token. */
export interface McpOptions {
  /**
   * The URL of the MCP endpoint as clients use it, https without fragment, or http on a loopback address. Tokens must have it in `aud`
   * (RFC 8707 section 2), or another name in `audience`.
   */
  readonly resource: string
  /** The scopes that every request needs. They are in challenges and in the metadata. An empty list requires none. */
  readonly scopes: readonly string[]
  /**
   * What a call of a tool needs besides `scopes`, by the name of the tool: a requirement, or a function that returns the requirement of a
   * call. Other tools need only `scopes`. @defaultValue none
   */
  readonly tools?: Readonly<Record<string, RequirementRule<ToolCall>>>
  /** Scopes that a scope includes, as `scopeHierarchy` of a verifier: `{ 'mcp:admin': ['mcp:tools'] }`. @defaultValue none */
  readonly implies?: Readonly<Record<string, readonly string[]>> | undefined
  /** The names of this server in `aud`. They must include `resource`. @defaultValue `resource`, as written and as URL parsers write it */
  readonly audience?: string | readonly string[]
  /** More options of `protectedResource`, such as `{ resourceName: 'Orders' }`. @defaultValue none */
  readonly metadata?: Omit<ProtectedResourceOptions, 'resource' | 'scopesSupported'> | undefined
  /** The path at which requests for the endpoint reach your application, if a proxy changes it. @defaultValue the path of `resource` */
  readonly path?: string | undefined
  /** Bytes of a message. A longer one is refused with status 413. From 1,024 to 67,108,864. @defaultValue 4194304 */
  readonly bodyLength?: number | undefined
  /** Seconds in which a message must arrive. A slower one is refused with status 408. From 0.1 to 300. @defaultValue 10 */
  readonly bodyTimeout?: number | undefined
  /**
   * The origins of web pages that may call the server, such as `https://app.example.com`. Requests with another `Origin` are refused with
   * status 403. @defaultValue any, because a page needs a token, too
   */
  readonly origins?: readonly string[]
}

/** Options for `mcpResource`: what tokens need, how they are verified, and how refused requests are answered. */
export type McpResourceOptions<C extends object = object> = McpOptions & Without<AuthenticatorOptions<C>, Fixed>

/** Tokens come from the `Authorization` header, as MCP demands; the others follow from `McpOptions`. */
type Fixed = 'audience' | 'credentials' | 'extractToken' | 'optional' | 'resource' | 'challenge' | 'scopeHierarchy'

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never

const FIXED: readonly string[] = [
  'audience',
  'credentials',
  'extractToken',
  'optional',
  'resource',
  'challenge',
  'scopeHierarchy',
]
/** What messages about options say. */
export const ACTION = 'create MCP resource'

const scopeRule: OptionRule = {
  be: 'one scope without spaces, and not "offline_access", which is for the authorization server',
  fits: (value) => isScope(value) && value !== 'offline_access',
}
const text = (be: string, fits: (value: string) => boolean): OptionRule => ({
  be,
  fits: (value) => typeof value === 'string' && fits(value),
})

/** The options of `mcpResource`. */
export const MCP: OptionTable<McpOptions> = {
  resource: required(text('the URL of the MCP endpoint, such as "https://mcp.example.com/mcp"', URL.canParse)),
  scopes: required(listOf('a list of scopes, such as ["mcp:tools"]', scopeRule)),
  tools: { ...narrowing(optionsOf('an object such as { purge: scope("mcp:admin") }')), read: readTools, default: {} },
  implies: { ...optionsOf('an object such as { "mcp:admin": ["mcp:tools"] }'), read: readImplied },
  audience: narrowing({
    be: 'the names of this server in "aud", as text or a list',
    fits: (value) => [value].flat().length > 0 && [value].flat().every((one) => typeof one === 'string' && one !== ''),
  }),
  metadata: { ...optionsOf('an object such as { resourceName: "Orders" }'), default: {} },
  path: text('a path such as "/mcp"', (value) => /^\/[\x21-\x7e]*$/.test(value) && !/[?#]/.test(value)),
  bodyLength: numberIn({ least: 1024, most: 67_108_864, whole: true, default: 4_194_304 }),
  bodyTimeout: numberIn({ least: 0.1, most: 300, default: 10 }),
  origins: narrowing(
    listOf(
      'a list of origins, such as ["https://app.example.com"]',
      text(
        'an origin, such as "https://app.example.com"',
        (value) => URL.canParse(value) && new URL(value).origin === value,
      ),
    ),
  ),
}

/** Options with their defaults filled in, checked and frozen. */
export interface ResolvedMcpOptions extends Filled<
  McpOptions,
  'tools' | 'metadata' | 'path' | 'bodyLength' | 'bodyTimeout'
> {
  /** The names of the server in `aud`, if the verifier does not check them. */
  readonly audiences: readonly string[] | undefined
  readonly clock: Clock
  /** The options of the authenticator, without `resource`. */
  readonly authenticator: AuthenticatorOptions
}

/** @throws TypeError for options that are missing or wrong */
export function resolveMcpOptions(given: McpResourceOptions): ResolvedMcpOptions {
  const beside = ADAPTER_OPTIONS.filter((name) => !FIXED.includes(name))
  const form = 'give options with "resource", "issuer" and "scopes"'
  if (isOptions(given) && own(given, 'scopeHierarchy') !== undefined)
    throw misconfigured(ACTION, 'write "implies" instead of "scopeHierarchy"')
  const all = readOptions(ACTION, given, MCP, { beside, form }) as ReadMcpOptions
  const { resource, implies } = all
  const audience = [all.audience ?? spellingsOf(resource)].flat()
  const rest = Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(MCP, name)))
  const clock = own(rest, 'clock')
  const isReady = Object.hasOwn(rest, 'verifier')
  if (isReady && implies !== undefined)
    throw misconfigured(ACTION, 'with "verifier", "implies" belongs to its options, as "scopeHierarchy"')
  const rules = { audience, ...(implies && { scopeHierarchy: implies }) }
  const verifierOptions = isReady ? rest : withRules(rest, rules)
  const more = {
    ...all,
    path: all.path ?? new URL(resource).pathname,
    audiences: isReady ? audience : undefined,
    authenticator: bare({ ...verifierOptions, ...challengesUnless(verifierOptions) }) as AuthenticatorOptions,
    ...(readOptions(ACTION, { clock }, { clock: clockOption }) as { readonly clock: Clock }),
  }
  return Object.freeze(bare(more))
}

const CHALLENGES = { exposeChallenge: true, scopesInChallenge: 'invalid_token' }

/** The defaults of MCP for options that are not set. */
function challengesUnless(options: object): object {
  return Object.fromEntries(Object.entries(CHALLENGES).filter(([name]) => own(options, name) === undefined))
}

type ReadMcpOptions = Filled<McpOptions, 'tools' | 'metadata' | 'bodyLength' | 'bodyTimeout'>

/** The resource as written, and as clients write it that parse it first: host in lower case, and a slash for an empty path. */
function spellingsOf(resource: string): readonly string[] {
  const { href, origin } = new URL(resource)
  return [...new Set([resource, href, ...(href === `${origin}/` ? [origin] : [])])]
}

type Rules = Partial<Pick<IssuerPolicy, 'audience' | 'scopeHierarchy'>>

/** The options of a verifier, with these rules for every issuer that has no others. */
function withRules(options: object, rules: Rules): object {
  const issuers = own(options, 'issuers')
  if (issuers === undefined) return { ...rules, ...options }
  const ruled = (policy: unknown): unknown =>
    isOptions(policy) ? bare({ ...rules, ...ownOptions(policy, ADAPTER_OPTIONS) }) : policy
  if (Array.isArray(issuers)) return { ...options, issuers: issuers.map(ruled) }
  if (typeof issuers !== 'function') return options
  return { ...options, issuers: async (iss: string) => ruled(await (issuers as (iss: string) => unknown)(iss)) }
}

function readTools(action: string, tools: object, name: string): object {
  for (const [tool, rule] of Object.entries(tools))
    if (!isRequirementRule(rule))
      throw misconfigured(
        action,
        `"${name}.${tool}" must be a requirement such as scope("mcp:admin"), or a function`,
        rule,
      )
  return Object.freeze(bare({ ...tools }))
}

function readImplied(action: string, implied: object, name: string): object {
  for (const [scope, list] of Object.entries(implied))
    if (!Array.isArray(list) || list.length === 0 || !list.every(isScope))
      throw misconfigured(action, `"${name}.${scope}" must be a list of scopes`, list)
  return Object.freeze(bare({ ...implied }))
}
