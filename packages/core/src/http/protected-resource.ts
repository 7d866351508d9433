import { isPlainText } from '../model/http-text.ts'
import type { RequestView } from '../model/token.ts'
import { own } from '../model/values.ts'
import { kindOf, misconfigured, objectWith, type OptionRule } from '../options/option-rules.ts'

/** A resource that tells clients what it needs (RFC 9728). `protectedResource` of `@claimgate/core/metadata` creates one. */
export interface ProtectedResource {
  /** The resource identifier: the audience of its tokens (RFC 8707 section 2). */
  readonly resource: string
  /** Where clients find the metadata. It is the `resource_metadata` of challenges (RFC 9728 section 5.1). */
  readonly metadataUri: string
  /** The paths at which the application receives requests for the metadata. */
  readonly paths: readonly string[]
  /** Answers a GET, HEAD or OPTIONS request for the metadata. `undefined` for every other request. */
  answer(view: Pick<RequestView, 'method' | 'target' | 'header'>): Promise<ResourceResponse> | undefined
  /** Adds to the metadata what an authenticator or an adapter knows. What the resource itself states is kept. */
  learn(facts: ResourceFacts): void
}

/** What an authenticator or an adapter knows about a resource. */
export interface ResourceFacts {
  /** The issuers whose tokens are accepted. */
  readonly issuers?: readonly string[]
  /** Scopes that routes require. */
  readonly scopes?: readonly string[]
  /** How tokens may be sent: `header`, `body` or `query` (RFC 6750 section 2). */
  readonly bearerMethods?: readonly string[]
  /** The members of `cnf` that can be confirmed. */
  readonly confirmations?: readonly string[]
  /** The challenge parameters of each accepted scheme. */
  readonly challenges?: ReadonlyMap<string, Readonly<Record<string, string>>>
  /** What happens to tokens without `cnf`. */
  readonly unboundTokens?: 'accept' | 'refuse'
}

/** The response with the metadata. Header names are in lower case. */
export interface ResourceResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Empty for OPTIONS, and if the client has the current document. Not sent in answer to HEAD. */
  readonly body: string
}

/** The option `resource`. */
export const resourceRule: OptionRule = {
  be: 'made by protectedResource() of @claimgate/core/metadata, such as protectedResource({ resource: "https://api.example.com" })',
  fits: isProtectedResource,
}

/** Whether a value is a protected resource, and not, for example, its identifier. */
function isProtectedResource(value: unknown): value is ProtectedResource {
  if (!objectWith('', 'answer', 'learn').fits(value)) return false
  const { resource, metadataUri } = {
    resource: own(value as object, 'resource'),
    metadataUri: own(value as object, 'metadataUri'),
  }
  return typeof resource === 'string' && resource !== '' && isPlainText(metadataUri)
}

/** The answer of the first resource whose metadata a request asks for. `undefined` for every other request. */
export function metadataAnswer(
  resources: readonly ProtectedResource[],
  view: Pick<RequestView, 'method' | 'target' | 'header'>,
): Promise<ResourceResponse> | undefined {
  for (const resource of resources) {
    const answer = resource.answer(view)
    if (answer !== undefined) return answer
  }
  return undefined
}

/** Checks the arguments of `resourceMetadata`. @throws TypeError for anything but a list of protected resources */
export function resourceList(resources: readonly unknown[]): readonly ProtectedResource[] {
  if (resources.length > 0 && resources.every(isProtectedResource)) return [...resources]
  throw misconfigured(
    'serve metadata',
    `give what is ${resourceRule.be}`,
    kindOf(resources.find((one) => !isProtectedResource(one))),
  )
}
