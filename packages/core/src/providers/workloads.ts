import { claim, type ClaimRequirement, type FetchLike } from '../adapter.ts'
import { keysWithToken } from './key-forms.ts'
import { type Profile, profile, wrongWords } from './profile.ts'
import { ids, idTexts, needed, server, texts } from './words.ts'

type Id = string | number

/** The settings of GitHub Actions. Give `repositoryId` or `ownerId`. */
export interface GithubActionsWords {
  /** The audience that the workflow asks for. */
  readonly audience: string | readonly string[]
  /** The IDs of the repositories whose workflows are accepted: `gh api repos/OWNER/REPO --jq .id`. */
  readonly repositoryId?: Id | readonly Id[]
  /** The IDs of the owners of such repositories: `gh api users/OWNER --jq .id`. */
  readonly ownerId?: Id | readonly Id[]
}

/** OIDC tokens of GitHub Actions workflows. */
export const githubActions: Profile<GithubActionsWords> = /* @__PURE__ */ profile<GithubActionsWords>({
  name: 'github-actions',
  title: 'GitHub Actions',
  words: {
    audience: needed(texts('https://api.example.com')),
    repositoryId: ids('456789'),
    ownerId: ids('123456', false),
  },
  wrong: {
    repository: 'names can be given to others: write "repositoryId"',
    owner: 'names can be given to others: write "ownerId"',
  },
  arrives: '`repository`, `ref`, `environment`, `job_workflow_ref`, `actor`; no scopes and no roles',
  traps: [
    'Every workflow in the world can get a token with your audience, so the owner of the repository decides.',
    'The branch is not checked. For deployments, add `requiredClaims: [claim("environment", "Production")]` and protect that environment.',
  ],
  policy: ({ audience, repositoryId, ownerId }) => {
    if (repositoryId === undefined && ownerId === undefined)
      throw wrongWords(
        'GitHub Actions',
        'say whose workflows are accepted, with "repositoryId" or "ownerId": every repository of GitHub can get a token for your audience',
      )
    return {
      issuer: 'https://token.actions.githubusercontent.com',
      audience,
      algorithms: ['RS256'],
      requiredClaims: [...owner('repository_id', repositoryId), ...owner('repository_owner_id', ownerId)],
      provider: { name: 'GitHub Actions' },
    }
  },
})

function owner(name: string, given: Id | readonly Id[] | undefined): readonly ClaimRequirement[] {
  return given === undefined ? [] : [claim(name, idTexts(given))]
}

/** The settings of GitLab CI. Give `projectId` or `namespaceId`. */
export interface GitlabCiWords {
  /** The `aud` of `id_tokens` in `.gitlab-ci.yml`. */
  readonly audience: string | readonly string[]
  /** Project → Settings → General → Project ID of each project whose jobs are accepted. */
  readonly projectId?: Id | readonly Id[]
  /** The IDs of the groups or users that own such projects. */
  readonly namespaceId?: Id | readonly Id[]
  /** The address of your GitLab. @defaultValue 'https://gitlab.com' */
  readonly url?: string
}

/** ID tokens of GitLab CI jobs. */
export const gitlabCi: Profile<GitlabCiWords> = /* @__PURE__ */ profile<GitlabCiWords>({
  name: 'gitlab-ci',
  title: 'GitLab CI',
  words: {
    audience: needed(texts('https://api.example.com')),
    projectId: ids('456789'),
    namespaceId: ids('123456', false),
    url: { ...server('https://gitlab.example.com'), example: undefined, default: 'https://gitlab.com' },
  },
  wrong: {
    project: 'paths can be given to others: write "projectId"',
    namespace: 'paths can be given to others: write "namespaceId"',
  },
  arrives: '`project_path`, `ref`, `ref_protected`, `environment`, `user_login`; no scopes and no roles',
  traps: [
    'Every project of the GitLab instance can get a token with your audience, so the project decides.',
    'In a merge request from a fork, `project_id` names the fork.',
    'For deployments, add `requiredClaims: [claim("ref_protected", "true")]`.',
  ],
  policy: ({ audience, projectId, namespaceId, url = '' }) => {
    if (projectId === undefined && namespaceId === undefined)
      throw wrongWords(
        'GitLab CI',
        'say whose jobs are accepted, with "projectId" or "namespaceId": every project of this GitLab can get a token for your audience',
      )
    return {
      issuer: url,
      audience,
      jwksUri: `${url}/oauth/discovery/keys`,
      algorithms: ['RS256'],
      requiredClaims: [...owner('project_id', projectId), ...owner('namespace_id', namespaceId)],
      provider: { name: 'GitLab CI' },
    }
  },
})

/** The settings of a Kubernetes cluster. */
export interface KubernetesWords {
  /** The service accounts that are accepted, as `namespace/name`. */
  readonly serviceAccounts: readonly string[]
  /** The `audience` of the projected volume. */
  readonly audience: string | readonly string[]
  /** `--service-account-issuer` of the API server. @defaultValue 'https://kubernetes.default.svc.cluster.local' */
  readonly issuer?: string
  /** Where the API server can be reached. @defaultValue 'https://kubernetes.default.svc' */
  readonly apiServer?: string
  /**
   * Gives the token of your own service account, because the API server demands one for its keys:
   * `() => readFile('/var/run/secrets/kubernetes.io/serviceaccount/token', 'utf8')`. Called for each request. @defaultValue no token
   */
  readonly token?: () => string | Promise<string>
  /** A `fetch` that trusts the CA of the cluster. @defaultValue the verifier's, which needs `NODE_EXTRA_CA_CERTS` */
  readonly fetch?: FetchLike
}

const isFunction = (value: unknown): boolean => typeof value === 'function'

/** Projected service account tokens of Kubernetes. */
export const kubernetes: Profile<KubernetesWords> = /* @__PURE__ */ profile<KubernetesWords>({
  name: 'kubernetes',
  title: 'Kubernetes',
  words: {
    serviceAccounts: needed({
      be: 'a list of service accounts as "namespace/name", such as ["shop/web"]: every pod of the cluster can get a token for your audience',
      fits: (value) => {
        const accounts: readonly unknown[] = Array.isArray(value) ? value : []
        return accounts.length > 0 && accounts.every((one) => typeof one === 'string' && /^[\w.-]+\/[\w.-]+$/.test(one))
      },
      example: ['shop/web'],
      variable: 'list',
    }),
    audience: needed(texts('orders-api')),
    issuer: {
      ...server('https://kubernetes.default.svc.cluster.local'),
      example: undefined,
      default: 'https://kubernetes.default.svc.cluster.local',
    },
    apiServer: {
      ...server('https://kubernetes.default.svc'),
      example: undefined,
      default: 'https://kubernetes.default.svc',
    },
    token: { be: 'a function that gives a token', fits: isFunction },
    fetch: { be: 'a function', fits: isFunction },
  },
  wrong: {
    serviceAccount: 'write "serviceAccounts", a list',
    namespace: 'write "serviceAccounts", such as ["shop/web"]',
  },
  arrives:
    '`sub` is `system:serviceaccount:<namespace>:<name>`; pod and node in `kubernetes.io`; no scopes and no roles',
  traps: [
    'The API server demands a token for its keys, unless the role `system:service-account-issuer-discovery` is bound to `system:unauthenticated`. Give `token`.',
    'The API server has a certificate of the cluster: set `NODE_EXTRA_CA_CERTS=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt`, or give a `fetch` that trusts it.',
    'Managed clusters have another issuer: `kubectl get --raw /.well-known/openid-configuration` shows it.',
  ],
  policy: ({ serviceAccounts, audience, issuer = '', apiServer = '', token, fetch }) => ({
    issuer,
    audience,
    keys: keysWithToken({ uri: `${apiServer}/openid/v1/jwks`, token, fetch }),
    requiredClaims: [
      claim(
        'sub',
        serviceAccounts.map((account) => `system:serviceaccount:${account.replace('/', ':')}`),
      ),
    ],
    provider: { name: 'Kubernetes' },
  }),
})
