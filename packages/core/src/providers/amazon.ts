import { AuthError, type ClaimPath, type JoseHeader } from '../adapter.ts'
import { keyPerKid } from './key-forms.ts'
import { type Profile, profile, wrongWords } from './profile.ts'
import { kindBy } from './rules.ts'
import { address, choice, like, needed, rolesWord, text, texts } from './words.ts'

const REGION = /^[a-z]{2}(?:-[a-z]+)+-\d$/
const regionWord = like(REGION, 'a region such as "eu-west-1"', 'eu-west-1')

/** The settings of Amazon Cognito. */
export interface CognitoWords {
  /** The region of the user pool. */
  readonly region: string
  /** User pools → your pool → User pool ID. */
  readonly userPoolId: string
  /** App clients → Client ID of each client whose tokens are accepted. */
  readonly clientId: string | readonly string[]
  /** Which tokens are accepted. @defaultValue 'access' */
  readonly tokenUse?: 'access' | 'id'
  /** The resource server in `aud`, if clients ask for tokens bound to it. @defaultValue not checked, because usual access tokens have no aud */
  readonly audience?: string | readonly string[]
  /** Another claim with roles. @defaultValue 'cognito:groups' */
  readonly roles?: ClaimPath
}

/** Tokens of an Amazon Cognito user pool. */
export const cognito: Profile<CognitoWords> = /* @__PURE__ */ profile<CognitoWords>({
  name: 'cognito',
  title: 'Amazon Cognito',
  words: {
    region: needed(regionWord),
    userPoolId: needed(
      like(
        /^[a-z\d-]+_\w+$/,
        'the ID of a user pool, such as "eu-west-1_example", not its name or ARN',
        'eu-west-1_example',
      ),
    ),
    clientId: needed(texts('xxxxxxxxxxxxexample')),
    tokenUse: { ...choice('access', 'id'), default: 'access' },
    audience: texts('https://api.acme.example', false),
    roles: rolesWord(),
  },
  wrong: { poolId: 'write "userPoolId"', clientID: 'write "clientId"', token_use: 'write "tokenUse"' },
  arrives:
    '`scopes` from `scope`, `roles` from `cognito:groups`; the client in `client_id` (access) or `aud` (ID); `username`',
  traps: [
    'Access tokens have no `aud`, so the client is checked instead. ID tokens name the client in `aud`.',
    'ID tokens carry no scopes.',
  ],
  policy: ({ region, userPoolId, clientId, tokenUse, audience, roles }) => {
    if (!userPoolId.startsWith(`${region}_`))
      throw wrongWords(
        'Amazon Cognito',
        `"userPoolId" must start with the region, as in "${region}_example"`,
        userPoolId,
      )
    const issuer = `https://cognito-idp.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}/${userPoolId}`
    const isId = tokenUse === 'id'
    return {
      issuer,
      audience: isId ? clientId : (audience ?? null),
      jwksUri: `${issuer}/.well-known/jwks.json`,
      algorithms: ['RS256'],
      ...(isId ? { idTokens: 'accept' } : { clientId, clientClaims: ['client_id'] }),
      roleSource: roles ?? 'cognito:groups',
      provider: {
        name: 'Amazon Cognito',
        checkKind: kindBy({
          claim: 'token_use',
          accept: [isId ? 'id' : 'access'],
          hint: isId
            ? 'Send the ID token, or set "tokenUse" to "access"'
            : 'Send the access token, not the ID token, or set "tokenUse" to "id"',
        }),
      },
    }
  },
})

/** The settings of an AWS Application Load Balancer that authenticates users. */
export interface AwsAlbWords {
  /** The region of the load balancer. */
  readonly region: string
  /** Load balancers → yours → ARN of each that may send requests. */
  readonly loadBalancerArn: string | readonly string[]
  /** The Issuer of the listener rule; for a user pool, its address. */
  readonly issuer: string
  /** The client ID of the listener rule. */
  readonly clientId: string
}

const ARN = /^arn:aws[\w-]*:elasticloadbalancing:[\w-]+:\d{12}:loadbalancer\/app\/[\w-]+\/[\da-f]+$/
const KID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/

/** What an AWS Application Load Balancer says about a user it has authenticated (`x-amzn-oidc-data`). */
export const awsAlb: Profile<AwsAlbWords> = /* @__PURE__ */ profile<AwsAlbWords>({
  name: 'aws-alb',
  title: 'AWS Application Load Balancer',
  words: {
    region: needed(regionWord),
    loadBalancerArn: needed({
      be: 'the ARN of an application load balancer, or a list of them',
      fits: (value) => {
        const arns: readonly unknown[] = Array.isArray(value) ? value : [value]
        return arns.length > 0 && arns.every((arn) => typeof arn === 'string' && ARN.test(arn))
      },
      example: 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/my-alb/0123456789abcdef',
      variable: 'list',
    }),
    issuer: needed(address('https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_example')),
    clientId: needed(text('xxxxxxxxxxxxexample')),
  },
  wrong: {
    albArn: 'write "loadBalancerArn"',
    signer: 'write "loadBalancerArn"',
    audience: 'these tokens have no aud: write "clientId"',
  },
  arrives:
    'The claims that the user info endpoint gave the load balancer, such as `sub` and `email`; no scopes and no roles',
  traps: [
    'Requests carry the token in `x-amzn-oidc-data`, which the profile reads. Let only the load balancer reach your service.',
    'Any customer of AWS can make a load balancer that signs for your issuer, so the ARN (`signer`) is checked before a key is fetched.',
    '`x-amzn-oidc-accesstoken` is a token of the identity provider: verify it with that profile.',
  ],
  policy: ({ region, loadBalancerArn, issuer, clientId }) => {
    const signers = new Set([loadBalancerArn].flat())
    return {
      issuer,
      audience: null,
      algorithms: ['ES256'],
      padding: 'accept',
      keys: keyPerKid({
        base: albKeys(region),
        kid: KID,
        name: JSON.stringify([...signers, clientId]),
        checkHeader: (header) => {
          checkMember(header, 'signer', signers)
          checkMember(header, 'client', new Set([clientId]))
        },
      }),
      provider: { name: 'AWS Application Load Balancer', credentials: [{ from: 'header', name: 'x-amzn-oidc-data' }] },
    }
  },
})

function albKeys(region: string): string {
  if (region.startsWith('us-gov-')) return `https://s3-${region}.amazonaws.com/aws-elb-public-keys-prod-${region}/`
  return `https://public-keys.auth.elb.${region}.amazonaws.com/`
}

function checkMember(header: JoseHeader, name: string, accepted: ReadonlySet<string>): void {
  const actual = Object.hasOwn(header, name) ? header[name] : undefined
  if (typeof actual === 'string' && accepted.has(actual)) return
  throw new AuthError('claim_mismatch', { expected: accepted, actual, hint: `It is "${name}" in the header` })
}
