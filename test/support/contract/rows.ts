import type { Tokens } from './credentials.ts'
import {
  badProof,
  badRequest,
  badToken,
  challenging,
  type Expected,
  failed,
  forbidden,
  refusedByServer,
  remediable,
  served,
  unauthenticated,
  undecided,
  withHeaders,
  withoutBody,
} from './expected.ts'
import { hookRows } from './hooks.ts'
import type { RawRequest } from './raw-request.ts'
import type { ServicePath } from './services.ts'

export interface Row {
  readonly name: string
  readonly request: RawRequest
  readonly expected: Expected
}

const WELCOME = served('alice may orders:read orders:write')

/** The requests of the contract. */
export function contractRows(tokens: Tokens): readonly Row[] {
  return [
    ...goodRequests(tokens),
    ...fieldsOfAuthorization(tokens),
    ...badTokens(tokens),
    ...requirements(tokens),
    ...optional(tokens),
    ...otherPlaces(tokens),
    ...answers(tokens),
    ...boundTokens(tokens),
    ...challenges(tokens),
    ...hookRows(tokens),
  ]
}

function goodRequests({ good, withoutScope }: Tokens): readonly Row[] {
  return [
    row('a good token', '/orders', [bearer(good)], WELCOME),
    row('a good token without scopes', '/orders', [bearer(withoutScope)], served('alice may ')),
    row('a scheme in lower case', '/orders', [`Authorization: bearer ${good}`], WELCOME),
    row('a scheme in upper case', '/orders', [`Authorization: BEARER ${good}`], WELCOME),
    row('a field name in lower case', '/orders', [`authorization: Bearer ${good}`], WELCOME),
    row('a field name in upper case', '/orders', [`AUTHORIZATION: Bearer ${good}`], WELCOME),
    row('white space around the field value', '/orders', [`Authorization: \t Bearer ${good} \t`], WELCOME),
    row('no white space after the colon', '/orders', [`Authorization:Bearer ${good}`], WELCOME),
    row('a good token and a query', '/orders?page=2&access_token=ignored', [bearer(good)], WELCOME),
    row('HEAD with a good token', '/orders', [bearer(good)], withoutBody(WELCOME), { method: 'HEAD' }),
    row('OPTIONS with a good token', '/orders', [bearer(good)], WELCOME, { method: 'OPTIONS' }),
    row('POST with a good token', '/orders', [bearer(good), FORM], WELCOME, { method: 'POST', body: 'a=b' }),
  ]
}

function fieldsOfAuthorization({ good, forged }: Tokens): readonly Row[] {
  const bare = unauthenticated()
  return [
    row('no credentials', '/orders', [], bare),
    row('HEAD without credentials', '/orders', [], withoutBody(bare), { method: 'HEAD' }),
    row('OPTIONS without credentials', '/orders', [], bare, { method: 'OPTIONS' }),
    row('the preflight of a browser', '/orders', [...PREFLIGHT], bare, { method: 'OPTIONS' }),
    row('POST without credentials', '/orders', [FORM], bare, { method: 'POST', body: 'a=b' }),
    row('another scheme', '/orders', ['Authorization: Basic YWxpY2U6c2VjcmV0'], bare),
    row('a scheme with parameters', '/orders', [DIGEST], bare),
    row('a DPoP token', '/orders', [`Authorization: DPoP ${good}`], bare),
    row('a token without a scheme', '/orders', [`Authorization: ${good}`], bare),
    row('an empty field', '/orders', ['Authorization:'], bare),
    row('a field of white space', '/orders', ['Authorization: \t '], bare),
    row('two empty fields', '/orders', ['Authorization:', 'Authorization:'], badRequest),
    row('a token before its scheme', '/orders', [`Authorization: ${good} Bearer`], bare),
    row('a scheme without a token', '/orders', ['Authorization: Bearer'], badRequest),
    row('a scheme and a space', '/orders', ['Authorization: Bearer '], badRequest),
    row('two spaces', '/orders', [`Authorization: Bearer  ${good}`], badRequest),
    row('a tab after the scheme', '/orders', [`Authorization: Bearer\t${good}`], badRequest),
    row('a scheme twice', '/orders', [`Authorization: Bearer Bearer ${good}`], badRequest),
    row('a token in quotes', '/orders', [`Authorization: Bearer "${good}"`], badRequest),
    row('a token and a parameter', '/orders', [`Authorization: Bearer ${good}; charset=utf-8`], badRequest),
    row('a token with a space in it', '/orders', [`Authorization: Bearer ${good.replace('.', ' .')}`], badRequest),
    row('bytes above ASCII', '/orders', [`Authorization: Bearer ${good}\xff`], badRequest),
    row('two fields', '/orders', [bearer(good), bearer(forged)], badRequest),
    row('two fields that are equal', '/orders', [bearer(good), bearer(good)], badRequest),
    row('two fields in different case', '/orders', [bearer(good), `aUTHORIZATION: Bearer ${good}`], badRequest),
    row('two fields apart', '/orders', [bearer(good), 'X-Between: yes', bearer(good)], badRequest),
    row('two fields, the second one empty', '/orders', [bearer(good), 'Authorization:'], badRequest),
    row('two fields, the first one empty', '/orders', ['Authorization:', bearer(good)], badRequest),
    row('another scheme, then a good token', '/orders', ['Authorization: Basic YTpi', bearer(good)], badRequest),
    row('a good token, then another scheme', '/orders', [bearer(good), 'Authorization: Basic YTpi'], badRequest),
    row('another scheme twice', '/orders', ['Authorization: Basic YTpi', 'Authorization: Basic YTpi'], badRequest),
    row('tokens joined by a comma', '/orders', [`Authorization: Bearer ${good},${good}`], badRequest),
    row('credentials joined by a comma', '/orders', [`Authorization: Bearer ${good}, Bearer ${good}`], badRequest),
    row('a token and a comma', '/orders', [`Authorization: Bearer ${good},`], badRequest),
    row('a control byte in the token', '/orders', [`Authorization: Bearer ${good}\x01`], refusedByServer(400)),
    row('a null byte in the token', '/orders', [`Authorization: Bearer ${good}\0`], refusedByServer(400)),
    row('a line feed in the token', '/orders', [`Authorization: Bearer ${good}\nX-Injected yes`], refusedByServer(400)),
    row('white space before the colon', '/orders', [`Authorization : Bearer ${good}`], refusedByServer(400)),
    row(
      'a header section over 16 KiB',
      '/orders',
      [`Authorization: Bearer ${'a'.repeat(17_000)}`],
      refusedByServer(431),
    ),
  ]
}

function badTokens(tokens: Tokens): readonly Row[] {
  return [
    row('text that is not a token', '/orders', [bearer('nonsense')], badToken),
    row('two parts', '/orders', [bearer(tokens.good.slice(0, tokens.good.lastIndexOf('.')))], badToken),
    row('four parts', '/orders', [bearer(`${tokens.good}.a`)], badToken),
    row('padding', '/orders', [bearer(`${tokens.good}=`)], badToken),
    row('an expired token', '/orders', [bearer(tokens.expired)], badToken),
    row('a token that is not valid yet', '/orders', [bearer(tokens.notYetValid)], badToken),
    row('a token without expiry', '/orders', [bearer(tokens.withoutExpiry)], badToken),
    row('a token of another issuer', '/orders', [bearer(tokens.wrongIssuer)], badToken),
    row('a token for another audience', '/orders', [bearer(tokens.wrongAudience)], badToken),
    row('a token by another key', '/orders', [bearer(tokens.forged)], badToken),
    row('a token with other claims', '/orders', [bearer(tokens.tampered)], badToken),
    row('a token with alg none', '/orders', [bearer(tokens.unsigned)], badToken),
    row('a token with an unknown key ID', '/orders', [bearer(tokens.unknownKey)], badToken),
    row('an ID token', '/orders', [bearer(tokens.idToken)], badToken),
    row('a token bound to a key', '/orders', [bearer(tokens.senderConstrained)], badToken),
    row('HEAD with a bad token', '/orders', [bearer(tokens.expired)], withoutBody(badToken), { method: 'HEAD' }),
    row('OPTIONS with a bad token', '/orders', [bearer(tokens.expired)], badToken, { method: 'OPTIONS' }),
  ]
}

function requirements({ good, reader, withoutScope, expired }: Tokens): readonly Row[] {
  const both = 'orders:read orders:write'
  return [
    row('the scope', '/orders/write', [bearer(good)], WELCOME),
    row('another scope', '/orders/write', [bearer(reader)], forbidden('orders:write')),
    row('no scope', '/orders/write', [bearer(withoutScope)], forbidden('orders:write')),
    row('no credentials if a scope is required', '/orders/write', [], unauthenticated('orders:write')),
    row('a bad token if a scope is required', '/orders/write', [bearer(expired)], badToken),
    row('two fields if a scope is required', '/orders/write', [bearer(good), bearer(good)], badRequest),
    row('both scopes', '/orders/both', [bearer(good)], WELCOME),
    row('one of two required scopes', '/orders/both', [bearer(reader)], forbidden(both)),
    row('no credentials if two scopes are required', '/orders/both', [], unauthenticated(both)),
    row('either scope', '/orders/either', [bearer(good)], WELCOME),
    row('neither scope', '/orders/either', [bearer(reader)], forbidden('orders:admin orders:write')),
    row('the claim', '/orders/acme', [bearer(good)], WELCOME),
    row('another value of the claim', '/orders/acme', [bearer(reader)], forbidden()),
    row('no credentials if a claim is required', '/orders/acme', [], unauthenticated()),
    row('a requirement that is met later', '/orders/later', [bearer(good)], WELCOME),
    row('a requirement that is refused later', '/orders/later', [bearer(reader)], forbidden()),
    row('a requirement that fails later', '/orders/later', [bearer(withoutScope)], failed),
    row('HEAD with another scope', '/orders/write', [bearer(reader)], withoutBody(forbidden('orders:write')), {
      method: 'HEAD',
    }),
  ]
}

function optional({ good, reader, expired }: Tokens): readonly Row[] {
  return [
    row('anonymous if that is allowed', '/orders/optional', [], served('anonymous')),
    row('a good token if anonymous is allowed', '/orders/optional', [bearer(good)], WELCOME),
    row('a bad token if anonymous is allowed', '/orders/optional', [bearer(expired)], badToken),
    row('an empty field if anonymous is allowed', '/orders/optional', ['Authorization:'], served('anonymous')),
    row(
      'two empty fields if anonymous is allowed',
      '/orders/optional',
      ['Authorization:', 'Authorization:'],
      badRequest,
    ),
    row('only a scheme if anonymous is allowed', '/orders/optional', ['Authorization: Bearer'], badRequest),
    row(
      'another scheme if anonymous is allowed',
      '/orders/optional',
      ['Authorization: Basic YTpi'],
      served('anonymous'),
    ),
    row('a scheme of several parts if anonymous is allowed', '/orders/optional', [DIGEST], unauthenticated()),
    row('DPoP if anonymous is allowed', '/orders/optional', ['Authorization: DPoP abc'], unauthenticated()),
    row(
      'a token under another scheme if anonymous is allowed',
      '/orders/optional',
      [`Authorization: Token ${good}`],
      unauthenticated(),
    ),
    row(
      'a token without a scheme if anonymous is allowed',
      '/orders/optional',
      [`Authorization: ${good}`],
      unauthenticated(),
    ),
    row(
      'a token before its scheme if anonymous is allowed',
      '/orders/optional',
      ['Authorization: opaque Bearer'],
      unauthenticated(),
    ),
    row(
      'another scheme twice if anonymous is allowed',
      '/orders/optional',
      ['Authorization: Basic YTpi', 'Authorization: Basic YTpi'],
      badRequest,
    ),
    row(
      'another scheme if a scope is required',
      '/orders/optional-write',
      ['Authorization: Basic YTpi'],
      unauthenticated('orders:write'),
    ),
    row('two fields if anonymous is allowed', '/orders/optional', [bearer(good), bearer(good)], badRequest),
    row('anonymous if a scope is required', '/orders/optional-write', [], unauthenticated('orders:write')),
    row('a good token if anonymous is not sufficient', '/orders/optional-write', [bearer(good)], WELCOME),
    row(
      'another scope if anonymous is not sufficient',
      '/orders/optional-write',
      [bearer(reader)],
      forbidden('orders:write'),
    ),
  ]
}

function otherPlaces({ good, reader, expired }: Tokens): readonly Row[] {
  const at = '/orders/places'
  const post = (body: string): Partial<RawRequest> => ({ method: 'POST', body })
  return [
    row('a cookie that is not configured', '/orders', [`Cookie: token=${good}`], unauthenticated()),
    row('a query that is not configured', `/orders?access_token=${good}`, [], unauthenticated()),
    row('a form that is not configured', '/orders', [FORM], unauthenticated(), post(`access_token=${good}`)),
    row('a custom header', at, [`x-access-token: ${good}`], WELCOME),
    row('a custom header twice', at, [`X-Access-Token: ${good}`, `X-Access-Token: ${good}`], badRequest),
    row('an empty custom header', at, ['X-Access-Token:'], unauthenticated()),
    row('an empty custom header twice', at, ['X-Access-Token:', 'X-Access-Token:'], badRequest),
    row('a cookie', at, [`Cookie: theme=dark; token=${good}`], WELCOME),
    row('a cookie that is expired', at, [`Cookie: token=${expired}`], badToken),
    row('a cookie twice', at, [`Cookie: token=${good}; token=${good}`], badRequest),
    row('two fields with a cookie each', at, [`Cookie: token=${good}`, `Cookie: token=${reader}`], badRequest),
    row('a cookie of a longer name', at, [`Cookie: xtoken=${good}`], unauthenticated()),
    row('a query', `${at}?page=2&access_token=${good}`, [], WELCOME),
    row('a query twice', `${at}?access_token=${good}&access_token=${good}`, [], badRequest),
    row('a query that is empty', `${at}?access_token=`, [], unauthenticated()),
    row('a cookie that is empty', at, ['Cookie: token='], unauthenticated()),
    row('a cookie that is empty twice', at, ['Cookie: token=; token=', bearer(good)], badRequest),
    row('a cookie of empty quotes', at, ['Cookie: token=""'], unauthenticated()),
    row('an emptied cookie and a header', at, ['Cookie: token=', bearer(good)], WELCOME),
    row('an empty header and a cookie', at, [`Cookie: token=${good}`, 'Authorization:'], WELCOME),
    row('a cookie after a no-break space', at, [`Cookie: a=1;\xa0token=${good}`], unauthenticated()),
    row('a cookie after a tab', at, [`Cookie: a=1;\ttoken=${good}`], WELCOME),
    row('a form with an empty token', at, [FORM], unauthenticated(), post('access_token=&a=b')),
    row('a form with two empty tokens', at, [FORM], badRequest, post('access_token=&access_token=')),
    row('a form', at, [FORM], WELCOME, post(`a=b&access_token=${good}`)),
    row('a form with a charset', at, [`${FORM}; charset=UTF-8`], WELCOME, post(`access_token=${good}`)),
    row('a form with the token twice', at, [FORM], badRequest, post(`access_token=${good}&access_token=${good}`)),
    row('a form with a token that is too long', at, [FORM], badToken, post(`access_token=${'a'.repeat(17_000)}`)),
    row('a form without a token', at, [FORM], unauthenticated(), post('a=b')),
    row('a form with GET', at, [FORM], unauthenticated(), { method: 'GET', body: `access_token=${good}` }),
    row('the same in a header and a form', at, [bearer(good), FORM], WELCOME, post(`access_token=${good}`)),
    row('the same in a header and a query', `${at}?access_token=${good}`, [bearer(good)], WELCOME),
    row('the same in a header and a cookie', at, [bearer(good), `Cookie: token=${good}`], WELCOME),
    row('two in a header and a form', at, [bearer(good), FORM], badRequest, post(`access_token=${reader}`)),
    row('two in a header and a query', `${at}?access_token=${reader}`, [bearer(good)], badRequest),
    row('two in a header and a cookie', at, [bearer(good), `Cookie: token=${reader}`], badRequest),
    row('another scheme and a cookie', at, ['Authorization: Basic YTpi', `Cookie: token=${good}`], WELCOME),
    row('another scheme and a bad cookie', at, ['Authorization: Basic YTpi', `Cookie: token=${expired}`], badToken),
    row(
      'another scheme and an empty cookie',
      '/orders/optional-places',
      ['Authorization: Basic YTpi', 'Cookie: token='],
      served('anonymous'),
    ),
    row(
      'another scheme and a cookie if anonymous is allowed',
      '/orders/optional-places',
      ['Authorization: Basic YTpi', `Cookie: token=${good}`],
      WELCOME,
    ),
    row(
      'another scheme and a bad cookie if anonymous is allowed',
      '/orders/optional-places',
      ['Authorization: Basic YTpi', `Cookie: token=${expired}`],
      badToken,
    ),
    row('a forwarded header', '/orders/forwarded', [`X-Forwarded-Authorization: Bearer ${good}`], WELCOME),
    row(
      'a forwarded header without a scheme',
      '/orders/forwarded',
      [`X-Forwarded-Authorization: ${good}`],
      unauthenticated(),
    ),
    row(
      'the same, forwarded',
      '/orders/forwarded',
      [bearer(good), `X-Forwarded-Authorization: Bearer ${good}`],
      WELCOME,
    ),
    row(
      'another, forwarded',
      '/orders/forwarded',
      [bearer(good), `X-Forwarded-Authorization: Bearer ${reader}`],
      badRequest,
    ),
    row(
      'another scheme, forwarded',
      '/orders/forwarded',
      [bearer(good), 'X-Forwarded-Authorization: Basic YTpi'],
      WELCOME,
    ),
    row('no credentials in any place', at, [], unauthenticated()),
    row('a token without a scheme if that is allowed', '/orders/bare', [`Authorization: ${good}`], WELCOME),
    row('a token with its scheme if none is required', '/orders/bare', [bearer(good)], WELCOME),
    row('another scheme if none is required', '/orders/bare', ['Authorization: Basic YTpi'], unauthenticated()),
  ]
}

function answers({ good, expired }: Tokens): readonly Row[] {
  const bare = unauthenticated()
  return [
    row(
      'a realm, and a challenge that scripts may read',
      '/orders/browser',
      [],
      withHeaders(bare, {
        'www-authenticate': 'Bearer realm="orders"',
        'access-control-expose-headers': 'WWW-Authenticate',
      }),
    ),
    row('a custom body', '/orders/plain-text', [bearer(expired)], {
      ...withHeaders(badToken, { 'content-type': 'text/plain' }),
      body: Buffer.from('No: 401 – sorry').toString('latin1'),
    }),
    row('unavailable keys', '/orders/undecided', [bearer(good)], undecided('7')),
    row('HEAD with unavailable keys', '/orders/undecided', [bearer(good)], withoutBody(undecided('7')), {
      method: 'HEAD',
    }),
    row('no credentials with unavailable keys', '/orders/undecided', [], bare),
    row('a key endpoint that is down', '/orders/endpoint-down', [bearer(good)], undecided(/^[1-9]\d*$/)),
    row('an expired token while the endpoint is down', '/orders/endpoint-down', [bearer(expired)], badToken),
    row('a bug', '/orders/bug', [bearer(good)], failed),
    row('no credentials before a bug', '/orders/bug', [], bare),
  ]
}

function boundTokens({ good, senderConstrained }: Tokens): readonly Row[] {
  const at = '/orders/bound'
  const dpop = `Authorization: DPoP ${senderConstrained}`
  const proof = 'DPoP: thumbprint'
  const exposed = (expected: Expected, names = 'WWW-Authenticate'): Expected =>
    withHeaders(expected, { 'access-control-expose-headers': names })
  const inDpop = (expected: Expected, names?: string): Expected =>
    exposed(
      challenging(expected, (bearerOne) => {
        const parameters = bearerOne.slice('Bearer '.length)
        return `Bearer realm="api", DPoP ${parameters}, algs="ES256"`
      }),
      names,
    )
  const inBearer = (expected: Expected): Expected =>
    exposed(challenging(expected, (bearerOne) => `${bearerOne}, DPoP realm="api", algs="ES256"`))
  const nonce = { 'dpop-nonce': 'nonce-2', 'access-control-expose-headers': 'dpop-nonce' }
  const metadata = 'resource_metadata="https://orders.example.com/metadata"'
  const withMetadata = (expected: Expected): Expected =>
    challenging(expected, (bearerOne) => `${bearerOne}, ${metadata}, DPoP realm="api", algs="ES256", ${metadata}`)
  return [
    row('a bound token with its proof', at, [dpop, proof], withHeaders(WELCOME, nonce)),
    row(
      'a bound token in a scheme in lower case',
      at,
      [dpop.replace('DPoP', 'dpop'), proof],
      withHeaders(WELCOME, nonce),
    ),
    row('a plain token if bound ones are accepted', at, [bearer(good)], WELCOME),
    row('a bound token as Bearer', at, [bearer(senderConstrained), proof], inBearer(badToken)),
    row('a plain token as DPoP', at, [`Authorization: DPoP ${good}`, proof], inDpop(badToken)),
    row('a bound token without a proof', at, [dpop], inDpop(badProof('invalid_dpop_proof'))),
    row("a bound token with another key's proof", at, [dpop, 'DPoP: other'], inDpop(badToken)),
    row(
      'a proof without a nonce',
      at,
      [dpop, 'DPoP: stale'],
      withHeaders(inDpop(badProof('use_dpop_nonce'), 'WWW-Authenticate, DPoP-Nonce'), { 'dpop-nonce': 'nonce-1' }),
    ),
    row(
      'no credentials if two schemes are accepted',
      at,
      [],
      exposed(
        challenging(
          unauthenticated('orders:read'),
          (one) => `${one}, DPoP ${one.slice('Bearer '.length)}, algs="ES256"`,
        ),
      ),
    ),
    row('a plain token if only bound ones are accepted', '/orders/bound-only', [bearer(good)], withMetadata(badToken)),
    row('no credentials if only bound tokens are accepted', '/orders/bound-only', [], withMetadata(unauthenticated())),
    row(
      'a bound token if only bound ones are accepted',
      '/orders/bound-only',
      [dpop, proof],
      withHeaders(WELCOME, { 'dpop-nonce': 'nonce-2' }),
    ),
  ]
}

function challenges({ good, reader, steppedUp, senderConstrained }: Tokens): readonly Row[] {
  const dpop = [`Authorization: DPoP ${senderConstrained}`, 'DPoP: thumbprint']
  /** The challenge of one scheme has these parameters, and that of the other one has none. */
  const inScheme = (expected: Expected, scheme: 'Bearer' | 'DPoP', more: string): Expected =>
    challenging(expected, (bearerOne) =>
      scheme === 'Bearer'
        ? `${bearerOne}, ${more}, DPoP realm="api", algs="ES256"`
        : `Bearer realm="api", DPoP ${bearerOne.slice('Bearer '.length)}, algs="ES256", ${more}`,
    )
  const admin = 'orders:admin'
  const stepUp = remediable('insufficient_user_authentication', admin)
  const demanded = 'acr_values="mfa hwk", max_age="300"'
  const details = remediable('insufficient_authorization')
  const detailsToRequest = `authorization_remediation="${Buffer.from('{"authorization_details":[{"type":"payment"}]}').toString('base64url')}"`
  const metadata = 'resource_metadata="https://orders.example.com/.well-known/oauth-protected-resource"'
  const inBoth = (expected: Expected, dpopOne: string): Expected =>
    challenging(expected, (bearerOne) => `${bearerOne}, ${metadata}, ${dpopOne}, algs="ES256", ${metadata}`)
  const withNonce = (expected: Expected): Expected => withHeaders(expected, { 'dpop-nonce': 'nonce-2' })
  return [
    row('a step-up before a missing scope', '/orders/step-up', [bearer(good)], inScheme(stepUp, 'Bearer', demanded)),
    row('HEAD with a step-up', '/orders/step-up', [bearer(good)], withoutBody(inScheme(stepUp, 'Bearer', demanded)), {
      method: 'HEAD',
    }),
    row('a step-up with DPoP', '/orders/step-up', dpop, withNonce(inScheme(stepUp, 'DPoP', demanded))),
    row(
      'a missing scope after a step-up',
      '/orders/step-up',
      [bearer(steppedUp)],
      challenging(forbidden(admin), (bearerOne) => `${bearerOne}, DPoP realm="api", algs="ES256"`),
    ),
    row('authorization details that cover the request', '/orders/payment', [bearer(steppedUp)], WELCOME),
    row('no authorization details', '/orders/payment', [bearer(good)], forbidden()),
    row(
      'authorization details to request',
      '/orders/payment-details',
      [bearer(steppedUp)],
      inScheme(details, 'Bearer', detailsToRequest),
    ),
    row(
      'authorization details to request, with DPoP',
      '/orders/payment-details',
      dpop,
      withNonce(inScheme(details, 'DPoP', detailsToRequest)),
    ),
    row(
      'no credentials for a resource with metadata',
      '/orders/resource',
      [],
      inBoth(unauthenticated('orders:write'), 'DPoP realm="api", scope="orders:write"'),
    ),
    row(
      'two fields for a resource with metadata',
      '/orders/resource',
      [bearer(good), bearer(reader)],
      challenging(
        badRequest,
        (one) => `${one}, ${metadata}, DPoP ${one.slice('Bearer '.length)}, algs="ES256", ${metadata}`,
      ),
    ),
    row(
      'a missing scope for a resource with metadata',
      '/orders/resource',
      [bearer(reader)],
      inBoth(forbidden('orders:write'), 'DPoP realm="api"'),
    ),
    row('a good token for a resource with metadata', '/orders/resource', [bearer(good)], WELCOME),
  ]
}

const DIGEST = 'Authorization: Digest username="alice", realm="orders"'
const FORM = 'Content-Type: application/x-www-form-urlencoded'
const PREFLIGHT = [
  'Origin: https://shop.example.com',
  'Access-Control-Request-Method: GET',
  'Access-Control-Request-Headers: authorization',
]

const bearer = (token: string): string => `Authorization: Bearer ${token}`

type Target = ServicePath | `${ServicePath}?${string}`

function row(
  name: string,
  target: Target,
  fields: readonly string[],
  expected: Expected,
  more: Partial<RawRequest> = {},
): Row {
  return { name, request: { target, fields, ...more }, expected }
}
