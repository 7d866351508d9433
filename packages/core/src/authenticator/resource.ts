import type { BindingRules } from '../confirmation/binding.ts'
import type { TokenPlace } from '../http/credential-sources.ts'
import type { ProtectedResource } from '../http/protected-resource.ts'
import { bare, isObject, own, ownOptions } from '../model/values.ts'
import { misconfigured } from '../options/option-rules.ts'
import type {
  IssuerPolicy,
  IssuerResolver,
  ManyIssuersOptions,
  SharedOptions,
  SingleIssuerOptions,
} from '../pipeline/options.ts'
import { POLICY_OPTIONS } from '../pipeline/options.ts'
import type { Verifier } from '../pipeline/verifier.ts'

/** Verifier options of a protected resource. Without an `audience`, tokens must name the resource in `aud` (RFC 8707 section 2). */
export type ResourceVerifierOptions<C extends object = object> = (
  | OptionalAudience<SingleIssuerOptions<C>>
  | (SharedOptions<C> & {
      readonly issuers: readonly OptionalAudience<IssuerPolicy>[] | ResourceIssuerResolver
      readonly issuer?: never
    })
) & { readonly resource: ProtectedResource }

/** Like `IssuerResolver`, for policies that may have no `audience`. */
type ResourceIssuerResolver = (iss: string) => Promise<OptionalAudience<IssuerPolicy> | undefined>

type OptionalAudience<T extends IssuerPolicy> = Omit<T, 'audience'> & Partial<Pick<T, 'audience'>>

/** The verifier options with the resource as the audience of each issuer that has none. */
export function withAudience(options: object, { resource }: ProtectedResource): object {
  const issuers: unknown = own(options as Partial<ManyIssuersOptions>, 'issuers')
  if (issuers === undefined) return filled(options, resource)
  if (Array.isArray(issuers))
    return bare({ ...options, issuers: issuers.map((policy) => filledPolicy(policy, resource)) })
  if (typeof issuers !== 'function') return options
  const resolver = issuers as IssuerResolver
  const resolve: IssuerResolver = async (iss) => {
    const policy = filledPolicy(await resolver(iss), resource) as IssuerPolicy | undefined
    if (policy !== undefined && policy !== null) assertAudience(policy.audience, resource)
    return policy
  }
  return bare({ ...options, issuers: resolve })
}

function filledPolicy(policy: unknown, resource: string): unknown {
  return isObject(policy) ? filled(ownOptions(policy, POLICY_OPTIONS), resource) : policy
}

function filled(options: object, resource: string): object {
  return own(options, 'audience') === undefined ? bare({ ...options, audience: resource }) : options
}

/** What is known of a protected resource from the options of its authenticator. */
interface Known {
  readonly verifier: Verifier
  readonly sources: readonly TokenPlace[]
  readonly binding: BindingRules
}

/**
 * Tells a resource what its metadata can say.
 *
 * @throws TypeError if the verifier accepts tokens of another audience only
 */
export function describeResource(resource: ProtectedResource, { verifier, sources, binding }: Known): void {
  const policies = own(verifier, 'accepts')?.call(verifier) ?? []
  for (const { audience } of policies) assertAudience(audience, resource.resource)
  resource.learn({
    issuers: policies.flatMap(({ issuer }) => (issuer?.includes('{') ? [] : (issuer ?? []))),
    bearerMethods: sources.flatMap(({ from }) => BEARER_METHODS[from] ?? []),
    confirmations: [...binding.understood],
    challenges: binding.challenges,
    unboundTokens: binding.unbound,
  })
}

// The ways of RFC 6750 section 2.
const BEARER_METHODS: Readonly<Partial<Record<TokenPlace['from'], string>>> = bare({
  authorization: 'header',
  form: 'body',
  query: 'query',
})

function assertAudience(audience: IssuerPolicy['audience'], resource: string): void {
  if (audience === null || [audience].flat().includes(resource)) return
  throw misconfigured(
    'create authenticator',
    `"audience" must include the "resource" ${JSON.stringify(resource)}: leave "audience" out, or list both`,
    audience,
  )
}
