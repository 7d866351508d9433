// The words of each profile: examples work, and wrong or missing words stop the start with the right ones.
import { createVerifier, type IssuerPolicy } from '@claimgate/core'
import {
  auth0,
  awsAlb,
  clerk,
  cognito,
  entra,
  githubActions,
  gitlabCi,
  kubernetes,
  profiles,
  supabase,
} from '@claimgate/core/providers'
import { describe, expect, it } from 'vitest'

const AUDIENCE = 'https://api.example.com'
const TENANT = '11111111-2222-4333-8444-555555555555'
const use = (profile: unknown, words: unknown): IssuerPolicy => (profile as (words: unknown) => IssuerPolicy)(words)

const all = profiles.map((profile) => ({
  name: profile.data.name,
  profile,
  words: profile.data.words as Record<string, { example?: unknown; required?: true }>,
}))

describe.each(all)('$name', ({ profile, words }) => {
  const examples = Object.fromEntries(
    Object.entries(words).flatMap(([name, { example }]) => (example === undefined ? [] : [[name, example]])),
  )

  it('accepts its examples, and gives the options of one issuer', () => {
    const policy = use(profile, examples)
    expect(() => createVerifier(policy)).not.toThrow()
    expect(() => createVerifier({ issuers: [policy] })).not.toThrow()
    expect(policy.provider?.name).toEqual(expect.any(String))
    expect(Object.isFrozen(policy)).toBe(true)
  })

  it.each(Object.keys(words).filter((name) => words[name]?.required))('demands %s', (name) => {
    expect(() => use(profile, { ...examples, [name]: undefined })).toThrow(
      new RegExp(`^Cannot use .*"${name}" must be .*found nothing`),
    )
  })

  it('rejects a word it does not have', () => {
    expect(() => use(profile, { ...examples, nonsense: 1 })).toThrow(/there is no option "nonsense"/)
  })

  it('ignores words on Object.prototype', () => {
    const [name = ''] = Object.keys(words).filter((word) => words[word]?.required)
    // oxlint-disable-next-line no-extend-native -- removed below
    Object.defineProperty(Object.prototype, name, { value: examples[name], configurable: true })
    try {
      expect(() => use(profile, { ...examples, [name]: undefined })).toThrow(TypeError)
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
  })
})

describe('wrong words stop the start with the right one', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a domain with its scheme',
      () => auth0({ domain: 'https://acme.eu.auth0.com/', audience: AUDIENCE }),
      /"domain" must be a host such as "acme.eu.auth0.com", without https:\/\/ and path, found "https:\/\/acme.eu.auth0.com\/"/,
    ],
    [
      'a word of another library',
      () => use(auth0, { issuerBaseURL: 'https://acme.eu.auth0.com', audience: AUDIENCE }),
      /"issuerBaseURL" is not what it needs: write "domain"/,
    ],
    ['no words', () => use(auth0, undefined), /Cannot use Auth0: give an object with "domain" and "audience"/],
    [
      'the name of a tenant',
      () => entra({ tenantId: 'contoso.onmicrosoft.com', audience: TENANT }),
      /"tenantId" must be a GUID/,
    ],
    [
      'the Application ID URI in version 2',
      () => entra({ tenantId: TENANT, audience: 'api://orders' }),
      /tokens of version 2 name the Application \(client\) ID/,
    ],
    [
      'another region than the user pool',
      () => cognito({ region: 'eu-west-1', userPoolId: 'us-east-1_example', clientId: 'c' }),
      /"userPoolId" must start with the region/,
    ],
    [
      'the ARN of a target group',
      () =>
        awsAlb({
          region: 'eu-west-1',
          loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/x/1',
          issuer: AUDIENCE,
          clientId: 'c',
        }),
      /"loadBalancerArn" must be the ARN/,
    ],
    [
      'an origin with a path',
      () => clerk({ frontendApi: 'clerk.example.com', authorizedParties: ['https://app.example.com/'] }),
      /"authorizedParties" must be a list of origins/,
    ],
    [
      'a secret without an end',
      () => supabase({ projectRef: 'abcdefgh', legacySecret: 'a'.repeat(32) }),
      /"legacySecret" and "legacyUntil" belong together/,
    ],
    [
      'an end without a secret',
      () => supabase({ projectRef: 'abcdefgh', legacyUntil: new Date(0) }),
      /belong together/,
    ],
    [
      'an end that is no date',
      () => supabase({ projectRef: 'abcdefgh', legacySecret: 'a'.repeat(32), legacyUntil: new Date('soon') }),
      /"legacyUntil" must be a Date/,
    ],
  ])('%s', (_name, start, says) => {
    expect(start).toThrow(says)
  })

  it('never shows a secret', () => {
    const secret = 'do-not-show-me'
    expect(() => supabase({ projectRef: 'abcdefgh', legacySecret: secret, legacyUntil: new Date() })).toThrow(
      /^(?!.*do-not-show-me)/,
    )
  })
})

describe('an issuer that unrelated parties share demands an owner', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['Entra ID', () => entra({ audience: TENANT }), /say whose tokens are accepted: "tenantId" .* or "tenants"/],
    [
      'Entra ID with both',
      () => entra({ tenantId: TENANT, tenants: 'any', audience: TENANT }),
      /say whose tokens are accepted/,
    ],
    [
      'Entra ID with an empty list',
      () => entra({ tenants: [], audience: TENANT }),
      /"tenants" must be a list of tenant IDs/,
    ],
    ['GitHub', () => githubActions({ audience: AUDIENCE }), /"repositoryId" or "ownerId"/],
    [
      'GitHub by name',
      () => use(githubActions, { audience: AUDIENCE, repository: 'octo-org/octo-repo' }),
      /names can be given to others: write "repositoryId"/,
    ],
    [
      'GitHub by a name as ID',
      () => githubActions({ audience: AUDIENCE, ownerId: 'octo-org' }),
      /"ownerId" must be the number/,
    ],
    ['GitLab', () => gitlabCi({ audience: AUDIENCE }), /"projectId" or "namespaceId"/],
    ['Kubernetes', () => use(kubernetes, { audience: AUDIENCE }), /"serviceAccounts" must be a list/],
    [
      'Kubernetes with an empty list',
      () => kubernetes({ audience: AUDIENCE, serviceAccounts: [] }),
      /"serviceAccounts" must be a list/,
    ],
    [
      'Kubernetes with a pattern',
      () => kubernetes({ audience: AUDIENCE, serviceAccounts: ['shop/*'] }),
      /"serviceAccounts" must be a list/,
    ],
  ])('%s', (_name, start, says) => {
    expect(start).toThrow(says)
  })
})
