export { awsAlb, type AwsAlbWords, cognito, type CognitoWords } from './amazon.ts'
export { optionsFromEnv, policyFromTexts } from './environment.ts'
export { firebase, type FirebaseWords, google, googleIap, type GoogleIapWords, type GoogleWords } from './google.ts'
export { adfs, type AdfsWords } from './adfs.ts'
export {
  entra,
  entraB2c,
  type EntraB2cWords,
  entraExternalId,
  type EntraExternalIdWords,
  type EntraWords,
} from './microsoft.ts'
export {
  auth0,
  type Auth0Words,
  kinde,
  type KindeWords,
  okta,
  type OktaWords,
  pingone,
  type PingoneWords,
  salesforce,
  type SalesforceWords,
} from './platforms.ts'
export { type Profile, type ProfileData, type Word } from './profile.ts'
export { profiles } from './profiles.ts'
export { providerOf, type RecognisedProvider } from './recognise.ts'
export { sapIas, type SapIasWords, sapXsuaa, type SapXsuaaWords } from './sap.ts'
export {
  duende,
  type DuendeWords,
  fusionauth,
  type FusionauthWords,
  keycloak,
  type KeycloakWords,
  logto,
  type LogtoWords,
  oryHydra,
  type OryHydraWords,
  zitadel,
  type ZitadelWords,
} from './self-hosted.ts'
export {
  apple,
  type AppleWords,
  cloudflareAccess,
  type CloudflareAccessWords,
  supabase,
  type SupabaseWords,
} from './identities.ts'
export {
  clerk,
  type ClerkWords,
  descope,
  type DescopeWords,
  stytch,
  type StytchWords,
  workos,
  type WorkosWords,
} from './sessions.ts'
export {
  githubActions,
  type GithubActionsWords,
  gitlabCi,
  type GitlabCiWords,
  kubernetes,
  type KubernetesWords,
} from './workloads.ts'
