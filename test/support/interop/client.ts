import { createHash, randomBytes } from 'node:crypto'

export const CLIENT_ID = 'orders-client'
export const CLIENT_SECRET = 'a secret for clients of tests'
/** No server listens there: the client reads the answer from the redirect. */
export const REDIRECT_URI = 'https://client.example/callback'

/** The answer of the token endpoint (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3). */
export interface TokenAnswer {
  readonly access_token: string
  readonly id_token?: string
}

/** Requests an access token for the client itself, over HTTP (RFC 6749 section 4.4). */
export async function clientCredentials(issuer: string, resource: string, scope = 'orders:read'): Promise<string> {
  const { access_token: token } = await askForTokens(issuer, {
    grant_type: 'client_credentials',
    scope,
    resource,
  })
  return token
}

/** The cookies of a browser, by name. */
export type Cookies = Map<string, string>

/** Logs in like a browser (OpenID Connect Core section 3.1) and returns the access token and the ID token. */
export async function authorizationCode(
  issuer: string,
  resource: string,
  cookies: Cookies = new Map(),
): Promise<Required<TokenAnswer>> {
  const verifier = randomBytes(32).toString('base64url')
  const start = new URL(`${issuer}/auth`)
  start.search = new URLSearchParams({
    client_id: CLIENT_ID,
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid orders:read',
    nonce: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    resource,
  }).toString()
  const answer = await askForTokens(issuer, {
    grant_type: 'authorization_code',
    code: await followToCode(start, cookies),
    redirect_uri: REDIRECT_URI,
    code_verifier: verifier,
    resource,
  })
  if (answer.id_token === undefined) throw new Error('The answer holds no ID token')
  return { ...answer, id_token: answer.id_token }
}

/** Logs out like a browser (OpenID Connect RP-Initiated Logout 1.0), and confirms it. */
export async function logOut(issuer: string, idToken: string, cookies: Cookies): Promise<void> {
  const page = await browse(new URL(`${issuer}/session/end?id_token_hint=${idToken}`), cookies)
  const [, xsrf = ''] = /name="xsrf" value="([^"]+)"/.exec(await page.text()) ?? []
  const confirmed = await browse(new URL(`${issuer}/session/end/confirm`), cookies, { xsrf, logout: 'yes' })
  if (confirmed.status !== 303) throw new Error(`No redirect but ${confirmed.status}: ${await confirmed.text()}`)
}

/** Follows the redirects of a log-in like a browser. Returns the address with the code. */
export async function followToCallback(start: URL, cookies: Cookies = new Map()): Promise<URL> {
  let next = start
  for (let hops = 0; hops < 8 && !next.href.startsWith(REDIRECT_URI); hops += 1) {
    const response = await browse(next, cookies)
    const location = response.headers.get('location')
    if (location === null) throw new Error(`No redirect but ${response.status}: ${await response.text()}`)
    next = new URL(location, next)
  }
  return next
}

async function followToCode(start: URL, cookies: Cookies): Promise<string> {
  const callback = await followToCallback(start, cookies)
  const code = callback.searchParams.get('code')
  if (code === null) throw new Error(`No code at ${callback.href}`)
  return code
}

async function browse(url: URL, cookies: Cookies, form?: Readonly<Record<string, string>>): Promise<Response> {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const sent = form && { method: 'POST', body: new URLSearchParams(form) }
  const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...sent })
  for (const field of response.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(field) ?? []
    cookies.set(name, value)
  }
  return response
}

async function askForTokens(issuer: string, form: Readonly<Record<string, string>>): Promise<TokenAnswer> {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa([CLIENT_ID, CLIENT_SECRET].map(encodeURIComponent).join(':'))}` },
    body: new URLSearchParams(form),
  })
  if (!response.ok) throw new Error(`The token endpoint answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as TokenAnswer
}
