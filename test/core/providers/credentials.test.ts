// Where an authenticator looks for the tokens of a profile.
import { type AuthenticatorOptions, createAuthenticator, createVerifier, type RequestView } from '@claimgate/core'
import { awsAlb, clerk, cloudflareAccess, firebase } from '@claimgate/core/providers'
import { describe, expect, it } from 'vitest'
import { network, NOW, tokenOf } from '../../support/providers/world.ts'

const alb = awsAlb({
  region: 'eu-west-1',
  loadBalancerArn: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef',
  issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example',
  clientId: 'xxxxxxxxxxxxexample',
})
const shared = { fetch: network('aws-alb').fetch, clock: { now: () => NOW } }

async function codeOf(options: object, headers: Readonly<Record<string, string>>): Promise<string> {
  const view: RequestView = {
    method: 'GET',
    target: '/',
    header: (name) => (headers[name] === undefined ? [] : [headers[name]]),
  }
  const outcome = await createAuthenticator(options as AuthenticatorOptions).authenticate(view)
  return outcome.kind === 'refused' ? outcome.error.code : outcome.kind
}

describe('a profile with a header', () => {
  const configurations: Record<string, object> = {
    options: { ...alb, ...shared },
    'one of several issuers': { issuers: [alb], ...shared },
    'a verifier': createVerifier({ ...alb, ...shared }),
    'a verifier in options': { verifier: createVerifier({ ...alb, ...shared }) },
  }

  it.each(Object.entries(configurations))('is read from it, and not from Authorization: %s', async (_name, options) => {
    const token = await tokenOf('aws-alb')
    expect(await codeOf(options, { 'x-amzn-oidc-data': token })).toBe('authenticated')
    expect(await codeOf(options, { authorization: `Bearer ${token}` })).toBe('credential_missing')
  })

  it('gives way to the option "credentials"', async () => {
    const token = await tokenOf('aws-alb')
    const options = { ...alb, ...shared, credentials: [{ from: 'header', name: 'x-other' }] }
    expect(await codeOf(options, { 'x-other': token })).toBe('authenticated')
    expect(await codeOf(options, { 'x-amzn-oidc-data': token })).toBe('credential_missing')
  })

  it('is read beside the places of other issuers', async () => {
    const issuers = [
      alb,
      firebase({ projectId: 'my-project' }),
      clerk({ frontendApi: 'clerk.example.com', authorizedParties: ['https://app.example.com'] }),
    ]
    const token = await tokenOf('aws-alb')
    const options = { issuers, ...shared }
    expect(await codeOf(options, { 'x-amzn-oidc-data': token })).toBe('authenticated')
    expect(await codeOf(options, { authorization: `Bearer ${token}` })).not.toBe('credential_missing')
    expect(await codeOf(options, { cookie: `__session=${token}` })).not.toBe('credential_missing')
    expect(await codeOf(options, { 'x-goog-iap-jwt-assertion': token })).toBe('credential_missing')
  })
})

it('names the header in lower case or as the provider writes it', async () => {
  const policy = cloudflareAccess({
    team: 'yourteam',
    audience: '32eafc7626e974616deaf0dc3ce63d7bcbed58a2731e84d06bc3cdf1b53c4228',
  })
  const options = { ...policy, fetch: network('cloudflare-access').fetch, clock: shared.clock }
  expect(await codeOf(options, { 'cf-access-jwt-assertion': await tokenOf('cloudflare-access') })).toBe('authenticated')
})
