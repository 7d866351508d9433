import { type ClaimPath, claim } from '../adapter.ts'
import { certificateMap } from './key-forms.ts'
import { type Profile, profile } from './profile.ts'
import { hintsBy, kindBy } from './rules.ts'
import { choice, like, needed, rolesWord, text, texts, unseen } from './words.ts'

/** The settings of Google sign-in. */
export interface GoogleWords {
  /** Google Cloud → APIs & Services → Credentials → Client ID of each app whose users are accepted. */
  readonly clientId: string | readonly string[]
  /** The Workspace domain whose users are accepted. @defaultValue any Google account */
  readonly hostedDomain?: string
}

/** ID tokens of Google sign-in. */
export const google: Profile<GoogleWords> = /* @__PURE__ */ profile<GoogleWords>({
  name: 'google',
  title: 'Google ID tokens',
  words: {
    clientId: needed(texts('1234.apps.googleusercontent.com')),
    hostedDomain: unseen(text('example.com')),
  },
  wrong: { audience: 'write "clientId"', domain: 'write "hostedDomain"', hd: 'write "hostedDomain"' },
  arrives: '`sub` identifies the user; `email` and `hd` if the app asked for them; no scopes and no roles',
  traps: [
    'Access tokens of Google are opaque. Apps send the ID token instead.',
    'Any Google account can sign in to your app. `hostedDomain` accepts only your Workspace; never derive it from `email`.',
  ],
  policy: ({ clientId, hostedDomain }) => ({
    issuer: 'https://accounts.google.com',
    audience: clientId,
    jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
    algorithms: ['RS256'],
    idTokens: 'accept',
    ...(hostedDomain !== undefined && { requiredClaims: [claim('hd', hostedDomain)] }),
    provider: {
      name: 'Google',
      hintOf: hintsBy({
        'accounts.google.com':
          'This is the short issuer of old Google libraries: write { ...google(…), issuer: "accounts.google.com" }',
      }),
    },
  }),
})

/** The settings of Google Cloud Identity-Aware Proxy. */
export interface GoogleIapWords {
  /** Security → Identity-Aware Proxy → your backend → Get JWT audience code. */
  readonly audience: string | readonly string[]
}

/** What Google Cloud Identity-Aware Proxy says about a user (`x-goog-iap-jwt-assertion`). */
export const googleIap: Profile<GoogleIapWords> = /* @__PURE__ */ profile<GoogleIapWords>({
  name: 'google-iap',
  title: 'Google Cloud IAP',
  words: {
    audience: needed({
      be: 'the audience code, such as "/projects/123/global/backendServices/456"',
      fits: (value) => {
        const codes: readonly unknown[] = Array.isArray(value) ? value : [value]
        return (
          codes.length > 0 &&
          codes.every((code) => typeof code === 'string' && /^\/projects\/\d+\/[\w./-]+$/.test(code))
        )
      },
      example: '/projects/123/global/backendServices/456',
      variable: 'list',
    }),
  },
  arrives: '`sub` and `email` of the user; `hd` for a Workspace account; no scopes and no roles',
  traps: [
    'Requests carry the token in `x-goog-iap-jwt-assertion`, which the profile reads, and not in `Authorization`.',
  ],
  policy: ({ audience }) => ({
    issuer: 'https://cloud.google.com/iap',
    audience,
    jwksUri: 'https://www.gstatic.com/iap/verify/public_key-jwk',
    algorithms: ['ES256'],
    provider: { name: 'Google Cloud IAP', credentials: [{ from: 'header', name: 'x-goog-iap-jwt-assertion' }] },
  }),
})

/** The settings of Firebase Authentication. */
export interface FirebaseWords {
  /** Project settings → General → Project ID. */
  readonly projectId: string
  /** The tenant of Identity Platform whose users are accepted. @defaultValue any */
  readonly tenantId?: string
  /** The form in which keys are fetched: a JWK Set, or the certificates that Firebase documents. @defaultValue 'jwk' */
  readonly keys?: 'jwk' | 'x509'
  /** The custom claim with roles. @defaultValue none */
  readonly roles?: ClaimPath
}

const FIREBASE = 'securetoken@system.gserviceaccount.com'

/** ID tokens of Firebase Authentication. */
export const firebase: Profile<FirebaseWords> = /* @__PURE__ */ profile<FirebaseWords>({
  name: 'firebase',
  title: 'Firebase Authentication',
  words: {
    projectId: needed(
      like(
        /^[a-z][a-z\d-]{4,28}[a-z\d]$/,
        'the project ID, such as "my-project", and not its name or number',
        'my-project',
      ),
    ),
    tenantId: unseen(text('t-1')),
    keys: { ...choice('jwk', 'x509'), default: 'jwk' },
    roles: rolesWord(),
  },
  wrong: { audience: 'write "projectId"', project: 'write "projectId"' },
  arrives:
    '`sub` is the user ID; custom claims as your program set them, for example `admin: true` for `claim("admin", true)`; `roles` if you name their claim',
  traps: [
    'Session cookies of Firebase have another issuer and other keys. This profile is for ID tokens.',
    'With `keys: "x509"`, a certificate counts only while it is valid, with 5 minutes of tolerance. Its chain is not checked: only the address vouches for it.',
  ],
  policy: ({ projectId, tenantId, keys, roles }) => {
    const issuer = `https://securetoken.google.com/${projectId}`
    return {
      issuer,
      audience: projectId,
      algorithms: ['RS256'],
      idTokens: 'accept',
      ...(keys === 'x509'
        ? { keys: certificateMap(`https://www.googleapis.com/robot/v1/metadata/x509/${FIREBASE}`) }
        : { jwksUri: `https://www.googleapis.com/service_accounts/v1/jwk/${FIREBASE}` }),
      requiredClaims: ['sub', ...(tenantId === undefined ? [] : [claim(['firebase', 'tenant'], tenantId)])],
      ...(roles !== undefined && { roleSource: roles }),
      provider: {
        name: 'Firebase',
        checkKind: kindBy({ claim: 'sub', refuse: [''], hint: 'An ID token of Firebase names its user' }),
        hintOf: hintsBy({
          [`https://session.firebase.google.com/${projectId}`]:
            'This is a session cookie of Firebase. Send the ID token instead',
        }),
      },
    }
  },
})
