import { createVerifier, type IssuerPolicy } from '@claimgate/core'
import * as providers from '@claimgate/core/providers'
import { network, NOW, type TokenChanges, tokenOf } from '../providers/world.ts'
import { outcome, type Scenario, stringify } from './scenario.ts'

const API = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const TENANT = '66666666-7777-4888-8999-aaaaaaaaaaaa'
const PROJECT = 'my-project'
const account = { serviceAccounts: ['shop/web'], audience: 'orders-api', apiServer: 'https://10.0.0.1:6443' }
const alb = {
  region: 'eu-west-1',
  loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef',
  issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example',
  clientId: 'xxxxxxxxxxxxexample',
}

/** Profiles that differ in what they check and where their keys are, each with a token that it must refuse. */
const ROWS: readonly (readonly [id: string, policy: () => IssuerPolicy, refused: TokenChanges])[] = [
  ['aws-alb', () => providers.awsAlb(alb), { header: { client: 'other' } }],
  [
    'clerk',
    () => providers.clerk({ frontendApi: 'clerk.example.com', authorizedParties: ['https://app.example.com'] }),
    { claims: { sts: 'pending' } },
  ],
  ['entra-multitenant', () => providers.entra({ tenants: [TENANT], audience: API }), { claims: { tid: API } }],
  ['firebase-x509', () => providers.firebase({ projectId: PROJECT, keys: 'x509' }), { claims: { sub: '' } }],
  ['kubernetes', () => providers.kubernetes({ ...account, token: () => 'own-token' }), { claims: { sub: 'other' } }],
]

/** The profiles of providers, with their tokens and those of others. */
export async function providerScenarios(): Promise<readonly Scenario[]> {
  const made = await Promise.all(
    ROWS.map(async ([id, policy, refused]) => ({
      id,
      policy,
      fetch: network(id).fetch,
      tokens: { accepted: await tokenOf(id), refused: await tokenOf(id, refused) },
    })),
  )
  return [
    {
      name: 'profiles of providers',
      start: () => {
        const clock = { now: () => NOW }
        const verifiers = made.map(({ id, policy, fetch, tokens }) => {
          const options = { ...policy(), clock, fetch } as Parameters<typeof createVerifier>[0]
          return { id, tokens: Object.entries(tokens), verifier: createVerifier(options) }
        })
        return async () => {
          const answers: Record<string, string> = {}
          for (const { id, tokens, verifier } of verifiers)
            for (const [name, token] of tokens)
              answers[`${id} ${name}`] = await outcome(async () => {
                const { claims, roles = new Set() } = await verifier.verify(token)
                return `accepted ${stringify(claims)} ${[...roles].join()}`
              })
          return answers
        }
      },
    },
    {
      name: 'providers of the environment',
      start: () => async () => {
        const answers: Record<string, string> = {}
        const whole = { JWT_PROVIDER: 'github-actions', JWT_AUDIENCE: 'orders-api', JWT_OWNER_ID: '1' }
        for (const missing of ['none', ...Object.keys(whole)]) {
          const env = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== missing))
          answers[`without ${missing}`] = await outcome(() => stringify(providers.optionsFromEnv(env)))
        }
        return answers
      },
    },
  ]
}
