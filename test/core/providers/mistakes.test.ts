// Words that are nearly right, and what policies of providers have in common.
import { profiles } from '@claimgate/core/providers'
import { describe, expect, it } from 'vitest'
import { optionsFromEnv, policyFromTexts } from '../../../packages/core/src/providers/environment.ts'
import { hintsBy, kindBy } from '../../../packages/core/src/providers/rules.ts'
import * as words from '../../../packages/core/src/providers/words.ts'
import { policyOf } from '../../support/providers/policy-of.ts'

const TENANT = '11111111-2222-4333-8444-AAAAAAAAAAAA'
const LOWER = TENANT.toLowerCase()

describe('A list of words', () => {
  const ARN = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef'
  const CODE = '/projects/123/global/backendServices/456'
  it.each<readonly [string, string, unknown, unknown]>([
    ['aws-alb', 'loadBalancerArn', [ARN], [ARN, 'my-alb']],
    ['aws-alb', 'loadBalancerArn', ARN, [ARN, [ARN]]],
    ['clerk', 'authorizedParties', ['https://a.example'], ['https://a.example', 'a.example']],
    ['clerk', 'authorizedParties', ['https://a.example'], ['https://a.example', 'https://b.example/']],
    ['clerk', 'authorizedParties', ['https://a.example'], [new URL('https://a.example')]],
    ['clerk', 'authorizedParties', ['https://a.example'], 'https://a.example'],
    ['clerk', 'authorizedParties', ['https://a.example'], []],
    ['google-iap', 'audience', [CODE], [CODE, 'orders']],
    ['google-iap', 'audience', CODE, `x${CODE}`],
    ['google-iap', 'audience', CODE, `${CODE}?x`],
    ['google-iap', 'audience', CODE, [[CODE]]],
    ['kubernetes', 'serviceAccounts', ['shop/web', 'a/b.c'], ['shop/web', 'web']],
    ['kubernetes', 'serviceAccounts', ['shop/web'], ['x:shop/web']],
    ['kubernetes', 'serviceAccounts', ['shop/web'], ['shop/web/x']],
    ['kubernetes', 'serviceAccounts', ['shop/web'], [['shop/web']]],
    ['kubernetes', 'serviceAccounts', ['shop/web'], 'shop/web'],
    ['kubernetes', 'token', () => 'a', 'a'],
    ['stytch', 'product', 'consumer', 'c2c'],
    ['stytch', 'product', 'b2b', ''],
    ['github-actions', 'ownerId', [1, '2'], [1, 'octo-org']],
    ['github-actions', 'ownerId', 1, true],
    ['supabase', 'legacyUntil', undefined, '2027-01-31'],
  ])('has to be right as a whole: %s, %s', (name, word, right, wrong) => {
    const more = word === 'ownerId' ? { repositoryId: undefined } : {}
    expect(() => policyOf(name, { ...more, [word]: right })).not.toThrow()
    expect(() => policyOf(name, { ...more, [word]: wrong })).toThrow(`"${word}" must be`)
  })

  it('has only GUIDs for tenants, and no Application ID URI among the audiences of version 2', () => {
    const make = (more: object) => () => policyOf('entra', { tenantId: undefined, ...more })
    expect(make({ tenants: [LOWER] })).not.toThrow()
    expect(make({ tenants: [LOWER, 'acme'] })).toThrow('"tenants" must be a list of tenant IDs')
    expect(make({ tenants: [LOWER], audience: [LOWER, 'api://orders'] })).toThrow(
      'Cannot use Microsoft Entra ID: tokens of version 2 name the Application (client) ID',
    )
    expect(make({ tenants: [LOWER], version: 1, audience: ['api://orders'] })).not.toThrow()
  })

  it.each<readonly [string, object, string]>([
    ['cognito', { region: 'us-east-1' }, 'Cannot use Amazon Cognito: "userPoolId" must start with the region'],
    [
      'github-actions',
      { repositoryId: undefined },
      'Cannot use GitHub Actions: say whose workflows are accepted, with "repositoryId" or "ownerId"',
    ],
    [
      'gitlab-ci',
      { projectId: undefined },
      'Cannot use GitLab CI: say whose jobs are accepted, with "projectId" or "namespaceId"',
    ],
    [
      'supabase',
      { legacySecret: 'a'.repeat(32) },
      'Cannot use Supabase Auth: "legacySecret" and "legacyUntil" belong together',
    ],
  ])('of %s with %j does not fit together', (name, more, message) => {
    expect(() => policyOf(name, more)).toThrow(message)
  })

  it('never shows a secret that is wrong', () => {
    for (const legacySecret of ['a'.repeat(31), Array.from({ length: 32 }), { length: 32 }, 5])
      expect(() => policyOf('supabase', { legacySecret, legacyUntil: new Date(0) })).toThrow(
        'Cannot use Supabase Auth: "legacySecret" must be the legacy JWT secret, at least 32 characters, found "another value"',
      )
    expect(() => policyOf('supabase', { legacySecret: 'a'.repeat(32), legacyUntil: new Date(0) })).not.toThrow()
  })

  it('never has a word of another kind', () => {
    const wrong: unknown = Object.create(null)
    for (const word of [
      words.host('h'),
      words.label('l'),
      words.server('s'),
      words.ids('1'),
      words.address('a'),
      words.guid('g'),
    ])
      for (const value of [wrong, [wrong], ['1', 'x y'], [[1]], [LOWER], [], true, Symbol('a')])
        expect([word.be, word.fits(value)]).toEqual([word.be, false])
    expect(words.server('s').fits('httpsx://a.example')).toBe(false)
  })
})

describe('A policy', () => {
  it.each([
    ['github-actions', { repositoryId: undefined, ownerId: 7 }, 'repository_owner_id', ['7']],
    ['github-actions', { repositoryId: [1, 2], ownerId: undefined }, 'repository_id', ['1', '2']],
    ['gitlab-ci', { projectId: undefined, namespaceId: 7 }, 'namespace_id', ['7']],
  ])('of %s with %j is for one owner', (name, more, claim, values) => {
    const { requiredClaims = [] } = policyOf(name, more)
    expect(JSON.stringify(requiredClaims)).toContain(claim)
    for (const value of values) expect(JSON.stringify(requiredClaims)).toContain(value)
  })

  it('demands the zone of SAP XSUAA only if there is one', () => {
    expect(policyOf('sap-xsuaa', { zoneId: undefined }).requiredClaims).toBeUndefined()
    expect(policyOf('sap-xsuaa', { zoneId: LOWER }).requiredClaims).toHaveLength(1)
  })

  it.each(['adfs', 'google', 'logto', 'pingone'])('of %s has the roles that were named, and none without', (name) => {
    expect(policyOf(name)).not.toHaveProperty('roleSource')
    const { words: known } = profiles.find(({ data }) => data.name === name)?.data ?? { words: {} }
    if (Object.hasOwn(known, 'roles')) expect(policyOf(name, { roles: 'groups' }).roleSource).toBe('groups')
  })

  it.each<readonly [string, object, string]>([
    ['entra', { tenantId: TENANT }, `https://login.microsoftonline.com/${LOWER}/v2.0`],
    ['entra', { tenantId: TENANT, version: 1 }, `https://sts.windows.net/${LOWER}/`],
    ['entra-b2c', { tenantId: TENANT, tenant: 'acme' }, `https://acme.b2clogin.com/${LOWER}/v2.0/`],
    ['entra-external-id', { tenantId: TENANT }, `https://${LOWER}.ciamlogin.com/${LOWER}/v2.0`],
  ])('of %s with %j has the tenant in lower case in its issuer', (name, more, issuer) => {
    expect(policyOf(name, more).issuer).toBe(issuer)
  })

  it('fetches the metadata of a tenant in lower case', () => {
    expect(policyOf('entra', { tenantId: TENANT, version: 1 }).metadataUri).toBe(
      `https://login.microsoftonline.com/${LOWER}/.well-known/openid-configuration`,
    )
  })

  it.each<readonly [string, object, string | undefined, boolean]>([
    ['entra', { tenantId: LOWER }, undefined, true],
    ['entra', { tenantId: LOWER }, `https://login.microsoftonline.com/${LOWER}/v2.0`, true],
    ['entra', { tenantId: LOWER }, `https://sts.windows.net/${LOWER}/`, false],
    ['entra', { tenantId: undefined, tenants: [LOWER] }, undefined, false],
    ['entra', { tenantId: undefined, tenants: [LOWER], version: 1 }, undefined, true],
    ['entra', { tenantId: LOWER, version: 1 }, `https://sts.windows.net/${LOWER}/`, true],
    ['entra', { tenantId: LOWER, version: 1 }, `https://login.microsoftonline.com/${LOWER}/v2.0`, true],
    ['entra', { tenantId: LOWER, version: 1 }, 'https://other.example', false],
    ['entra-external-id', { tenantId: LOWER }, undefined, true],
    ['entra-external-id', { tenantId: LOWER }, `https://${LOWER}.ciamlogin.com/${LOWER}/v2.0`, true],
    ['entra-external-id', { tenantId: LOWER }, 'https://other.example', false],
  ])('of %s with %j and a key for the issuer %s: %s', (name, more, issuer, isAccepted) => {
    const check = () =>
      policyOf(name, more).provider?.checkKey?.({ tid: LOWER }, {
        kid: 'a',
        ...(issuer !== undefined && { issuer }),
      } as never)
    if (isAccepted) expect(check).not.toThrow()
    else expect(check).toThrow(expect.objectContaining({ code: 'issuer_mismatch' }))
  })
})

describe('What a token is told', () => {
  it('refuses no token for a mark that names neither', () => {
    const check = kindBy({ claim: 'use', hint: 'Hint', refuse: ['id'] })
    for (const use of [1, null, ['id'], { id: 1 }, undefined]) expect(() => check({ use })).not.toThrow()
    expect(() => kindBy({ claim: 'use', accept: ['1'], hint: 'Hint' })({ use: 1 })).toThrow('Hint')
    expect(() => kindBy({ claim: 'use', hint: 'Hint' })({ use: 'id' })).not.toThrow()
  })

  it('has a hint only for the issuer that it names', () => {
    expect(hintsBy({ a: 'Hint' })({ iss: 'a' })).toBe('Hint')
    for (const claims of [{}, { iss: '' }, { iss: 'toString' }]) expect(hintsBy({ a: 'Hint' })(claims)).toBeUndefined()
    expect(hintsBy({ '': 'Hint' })({})).toBe('Hint')
  })
})

describe('The environment', () => {
  it('names variables in errors, and keeps what the profile said', () => {
    const read = () => optionsFromEnv({ JWT_PROVIDER: 'auth0', JWT_AUDIENCE: 'a' })
    expect(read).toThrow(
      expect.objectContaining({
        name: 'TypeError',
        message: expect.stringMatching(/^Cannot use Auth0: JWT_DOMAIN must be/),
        cause: expect.objectContaining({ message: expect.stringMatching(/^Cannot use Auth0: "domain" must be/) }),
      }),
    )
  })

  it.each([
    ['12', false],
    ['v1', false],
    ['1x', false],
    ['1', true],
  ])('reads the version %s: %s', (version, isRead) => {
    const read = () =>
      optionsFromEnv({ JWT_PROVIDER: 'entra', JWT_TENANT_ID: LOWER, JWT_AUDIENCE: 'a', JWT_VERSION: version })
    if (isRead) expect(read).not.toThrow()
    else expect(read).toThrow('Cannot read the environment: "version" cannot be set through JWT_VERSION')
  })

  it('reads values that are no texts as texts', () => {
    const env = { JWT_PROVIDER: 'github-actions', JWT_AUDIENCE: 'a', JWT_OWNER_ID: 7 }
    expect(optionsFromEnv(env as never)).toMatchObject({ audience: 'a' })
  })

  it.each([
    ['keycloack', {}, 'Cannot use a profile: "provider" names no profile: did you mean keycloak?'],
    ['kc', {}, 'Cannot use a profile: "provider" names no profile: the profiles are '],
    [
      'auth0',
      { audience: 'a,,b' },
      'Cannot use a profile: the text of "audience" has an empty item between its commas',
    ],
  ])('of a command line is refused: %s with %j', (name, texts, message) => {
    expect(() => policyFromTexts(name, texts as Record<string, string>)).toThrow(message)
  })
})
