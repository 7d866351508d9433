import { awsAlb, cognito } from './amazon.ts'
import { firebase, google, googleIap } from './google.ts'
import { adfs } from './adfs.ts'
import { entra, entraB2c, entraExternalId } from './microsoft.ts'
import { auth0, kinde, okta, pingone, salesforce } from './platforms.ts'
import type { Profile } from './profile.ts'
import { sapIas, sapXsuaa } from './sap.ts'
import { duende, fusionauth, keycloak, logto, oryHydra, zitadel } from './self-hosted.ts'
import { clerk, descope, stytch, workos } from './sessions.ts'
import { apple, cloudflareAccess, supabase } from './identities.ts'
import { githubActions, gitlabCi, kubernetes } from './workloads.ts'

/** All profiles, in the order of `docs/providers.md`. A program that names one profile should import only that one. */
export const profiles: readonly Profile<never>[] = /* @__PURE__ */ Object.freeze([
  adfs,
  apple,
  auth0,
  awsAlb,
  entraB2c,
  clerk,
  cloudflareAccess,
  cognito,
  descope,
  duende,
  entra,
  entraExternalId,
  firebase,
  fusionauth,
  githubActions,
  gitlabCi,
  google,
  googleIap,
  keycloak,
  kinde,
  kubernetes,
  logto,
  okta,
  oryHydra,
  pingone,
  salesforce,
  sapIas,
  sapXsuaa,
  stytch,
  supabase,
  workos,
  zitadel,
])
