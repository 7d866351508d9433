import type { ClaimPath } from '../adapter.ts'
import { type Profile, profile } from './profile.ts'
import { hintsBy } from './rules.ts'
import { clientRules, clients, host, needed, rolesWord, text, texts, unseen } from './words.ts'

/** The settings of AD FS. */
export interface AdfsWords {
  /** The host of the federation service. */
  readonly host: string
  /** Application Groups → your Web API → Identifiers. */
  readonly audience: string | readonly string[]
  /** Client identifiers whose tokens are accepted. @defaultValue any */
  readonly clientId?: string | readonly string[]
  /** The claim with roles or groups that your issuance rules send. @defaultValue none */
  readonly roles?: ClaimPath
  /** What issuers are called, if the federation service has another identifier. @defaultValue the one of a new installation */
  readonly issuer?: string
}

/** Access tokens of AD FS. */
export const adfs: Profile<AdfsWords> = /* @__PURE__ */ profile<AdfsWords>({
  name: 'adfs',
  title: 'AD FS',
  words: {
    host: needed(host('adfs.example.com')),
    audience: needed(texts('orders-api')),
    clientId: clients('0f0f0f0f-1e1e-4d2d-8c3c-4b4b4b4b4b4b'),
    roles: rolesWord(),
    issuer: unseen(text('http://adfs.example.com/adfs/services/trust')),
  },
  wrong: { domain: 'write "host"', url: 'write "host"' },
  arrives: '`scopes` from `scp`; the client in `appid`; `roles` if you name their claim',
  traps: [
    'The issuer of access tokens starts with `http:`, and the metadata names another one for ID tokens.',
    'An identifier that is no URL arrives as `microsoft:identityserver:<identifier>`. Both forms are accepted.',
  ],
  policy: ({ host: name, audience, clientId, roles, issuer = `http://${name}/adfs/services/trust` }) => ({
    issuer,
    audience: [audience].flat().flatMap((id) => [id, `microsoft:identityserver:${id}`]),
    jwksUri: `https://${name}/adfs/discovery/keys`,
    ...clientRules(clientId, 'appid'),
    scopeSources: ['scp'],
    ...(roles !== undefined && { roleSource: roles }),
    provider: {
      name: 'AD FS',
      hintOf: hintsBy({ [`https://${name}/adfs`]: 'This is an ID token of AD FS. Send the access token instead' }),
    },
  }),
})
