import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createWorker } from '@claimgate-examples/cloudflare-worker/worker'
import { createApi } from '@claimgate-examples/kms-issuer'
import { startApi } from '@claimgate-examples/parameter-store-issuer'
import { createMemoryQueue, createQueueWorker } from '@claimgate-examples/queue-worker'
import { startExpressServer } from '@claimgate-examples/resource-server-express'
import { startFastifyServer } from '@claimgate-examples/resource-server-fastify'
import { createVerifier, optionsFromEnv, type Verifier } from '@claimgate/core'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'

import {
  type FakeAws,
  prepareStack,
  type Stack,
  type StackParameters,
  startFakeAws,
  template,
} from '../../../test/support/token-issuer-stack/deploy.ts'
import { specificationProblems } from '../../../test/support/token-issuer-stack/specification.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const page = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const snippet = (name: string): string => {
  const [, code] = new RegExp(`<!-- run: ${name} -->\\n+\`\`\`\\w+\\n([^]*?)\`\`\``).exec(page) ?? []
  return code ?? expect.fail(`README.md has no "${name}"`)
}
const CUSTODIANS = ['KMS', 'ParameterStore'] as const
const SETTINGS = { Issuer: 'https://tokens.example', Audience: 'orders-api' }

let aws: FakeAws
beforeAll(async () => {
  aws = await startFakeAws()
  // The command of the page, after the installation, which has been done.
  const [, build = ''] = snippet('build').split('npm run setup && npm run build\n')
  await promisify(execFile)('sh', ['-c', build], { cwd: root })
})
afterAll(() => aws.close())

const prepared = async (KeyCustodian: StackParameters['KeyCustodian']): Promise<Stack> => {
  const stack = await prepareStack(aws, { ...SETTINGS, KeyCustodian })
  onTestFinished(stack.stop)
  return stack
}

const CLAIMS = { sub: 'ada', scope: 'orders:read orders:write' }
const decoded = (token: string, part: number): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[part] ?? '', 'base64url').toString()) as Record<string, unknown>

describe.each(CUSTODIANS)('a stack with its key in %s', (custodian) => {
  let stack: Stack
  let outputs: Readonly<Record<string, string>>
  beforeAll(async () => {
    stack = await prepareStack(aws, { ...SETTINGS, KeyCustodian: custodian })
    outputs = await stack.create()
  })
  afterAll(() => stack.stop())
  const tokenFor = async (event: object): Promise<string> => {
    const { value, error } = await (await stack.tokenFunction()).invoke(event)
    return (value as { readonly token?: string } | undefined)?.token ?? expect.fail(error?.errorMessage)
  }

  it('has the outputs that the page lists', () => {
    expect(outputs).toEqual({
      FunctionArn: expect.stringMatching(/TokenFunction$/),
      KmsKeyArn: aws.kms.keys.at(-1)?.arn,
      KeyId: custodian === 'KMS' ? aws.kms.keys.at(-1)?.keyId : expect.stringMatching(/^[\w-]{43}$/),
      PublicKey: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
      Algorithm: 'ES256',
      KeyVersion: '1',
      ...SETTINGS,
    })
    expect(Buffer.from(outputs['PublicKey'] ?? '', 'base64').toString()).toMatch(/^-----BEGIN PUBLIC KEY-----\n/)
    const [, , rows = ''] = /\| output([^]*?)-- \|\n([^]*?)\n\n/.exec(page) ?? []
    const listed = [...rows.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
    expect(listed.toSorted()).toEqual(Object.keys(outputs).toSorted())
  })

  it('signs the claims of an event with its key', async () => {
    const token = await tokenFor({ claims: { ...CLAIMS, aud: 'billing-api' }, ttl: 300, setIat: true, setJti: true })
    expect(decoded(token, 0)).toEqual({ alg: outputs['Algorithm'], typ: 'JWT', kid: outputs['KeyId'] })
    const { iat, exp, jti, ...claims } = decoded(token, 1)
    expect(claims).toEqual({ ...CLAIMS, iss: 'https://tokens.example', aud: 'billing-api' })
    expect([Number(exp) - Number(iat), jti]).toEqual([300, expect.stringMatching(/^[\da-f-]{36}$/)])
    const set = decoded(await tokenFor({ claims: {}, ttl: 60, setIat: 1_700_000_000, setJti: 'once' }), 1)
    expect(set).toMatchObject({ iat: 1_700_000_000, exp: 1_700_000_060, jti: 'once', aud: 'orders-api' })
  })

  it.each([
    ['would never expire', { claims: { sub: 'ada' } }],
    ['has no claims', { ttl: 60 }],
    ['has an unknown member', { claims: {}, ttl: 60, expiresIn: 60 }],
  ])('refuses an event whose token %s', async (_what, event) => {
    const { error } = await (await stack.tokenFunction()).invoke(event)
    expect(error).toEqual({ errorType: 'TypeError', errorMessage: expect.stringMatching(/^Cannot issue token: /) })
  })

  it('is trusted by every example API that is given its outputs, and nothing else', async () => {
    const env = {
      JWT_PUBLIC_KEY: outputs['PublicKey'] ?? '',
      JWT_ISSUER: outputs['Issuer'] ?? '',
      JWT_AUDIENCE: outputs['Audience'] ?? '',
    }
    const servers = await Promise.all([
      startExpressServer({ env }),
      startFastifyServer({ env }),
      startApi({ env }),
      listening(createApi(env)),
    ])
    onTestFinished(async () => {
      await Promise.all(servers.map(({ close }) => close()))
    })
    const worker = createWorker()
    const call = async (headers: Record<string, string>): Promise<readonly number[]> => {
      const answers = servers.map(({ url }) => fetch(`${url}/api/v1/protected`, { headers }))
      const request = new Request('https://api.example/api/v1/protected', { headers })
      return (await Promise.all([...answers, worker.fetch(request, env, { waitUntil: () => {} })])).map(
        ({ status }) => status,
      )
    }
    const token = await tokenFor({ claims: { ...CLAIMS, client_id: 'log-in' }, ttl: 60, setIat: true, setJti: true })
    expect(await call({ authorization: `Bearer ${token}` })).toEqual([200, 200, 200, 200, 200])
    expect(await call({})).toEqual([401, 401, 401, 401, 401])
    const other = await tokenFor({ claims: { ...CLAIMS, aud: 'billing-api' }, ttl: 60, setIat: true })
    expect(await call({ authorization: `Bearer ${other}` })).toEqual([401, 401, 401, 401, 401])

    const verifier = createVerifier(optionsFromEnv(env))
    onTestFinished(() => verifier.close())
    const queue = createMemoryQueue<string>({ now: () => Date.now() })
    const done: unknown[] = []
    const carryOut = async (order: string): Promise<void> => void done.push(order)
    const jobs = createQueueWorker({ verifier, queue, maxLag: 60, scope: 'orders:write', carryOut })
    queue.enqueue(token, 'tea')
    queue.enqueue(other, 'coffee')
    expect([(await jobs.next())?.kind, (await jobs.next())?.kind, done]).toEqual(['done', 'set aside', ['tea']])
  })

  it('lets its functions do what they do, and nothing else', async () => {
    aws.kms.forget()
    aws.ssm.forget()
    const fresh = await prepareStack(aws, { ...SETTINGS, KeyCustodian: custodian })
    onTestFinished(fresh.stop)
    const made = await fresh.create()
    const used = (): readonly string[] => {
      const calls = [
        ...aws.kms.calls().map(({ operation }) => `kms:${operation}`),
        ...aws.ssm.calls().map(({ operation }) => `ssm:${operation}`),
      ]
      aws.kms.forget()
      aws.ssm.forget()
      return [...new Set(calls)].toSorted()
    }
    // Parameter Store encrypts and decrypts with the permissions of its caller.
    const [encrypts, decrypts] = custodian === 'KMS' ? [[], []] : [['kms:Decrypt', 'kms:Encrypt'], ['kms:Decrypt']]
    const logs = ['logs:CreateLogStream', 'logs:PutLogEvents']
    const key = fresh.properties('KeyRole')
    expect(allowed(key).actions).toEqual([...logs, ...encrypts, ...used()].toSorted())
    await (await fresh.tokenFunction()).invoke({ claims: CLAIMS, ttl: 60 })
    const token = fresh.properties('TokenRole')
    expect(allowed(token).actions).toEqual([...logs, ...decrypts, ...used()].toSorted())

    const store = custodian === 'KMS' ? '' : `arn:aws:ssm:eu-central-1:111122223333:parameter${fresh.parameter()}`
    for (const { resources } of [allowed(key), allowed(token)]) {
      const [logGroup, ...others] = resources
      expect(logGroup).toMatch(/:(Key|Token)Logs$/)
      expect(new Set(others)).toEqual(new Set(custodian === 'KMS' ? [made['KmsKeyArn']] : [store, made['KmsKeyArn']]))
    }
    expect(JSON.stringify(key).includes('"Deny"')).toBe(custodian === 'ParameterStore')
    if (custodian === 'ParameterStore') {
      const deny = { Effect: 'Deny', Action: 'ssm:PutParameter', Resource: '*' }
      expect(statements(key)).toContainEqual({ ...deny, Condition: { StringEquals: { 'ssm:Overwrite': 'true' } } })
      const context = { StringEquals: { 'kms:EncryptionContext:PARAMETER_ARN': store } }
      const onKms = [...statements(key), ...statements(token)].filter(({ Resource }) => Resource === made['KmsKeyArn'])
      expect(onKms.map(({ Condition }) => Condition)).toEqual([context, context])
    }
  })

  it('meets the CloudFormation resource specification', () => {
    const names = Object.entries(template.Resources).filter(([, { Condition: name }]) =>
      [undefined, `In${custodian === 'KMS' ? 'Kms' : custodian}`].includes(name),
    )
    const resources = Object.fromEntries(
      names.map(([name, { Type }]) => [name, { Type, Properties: stack.properties(name) }]),
    )
    expect(Object.keys(resources)).toHaveLength(8)
    expect(specificationProblems(resources)).toEqual([])
    expect(specificationProblems({ Key: { Type: 'AWS::KMS::Key', Properties: { KeySpecs: 'RSA_2048' } } })).toEqual([
      'Key.KeySpecs is unknown',
    ])
    for (const name of ['KeyFunction', 'TokenFunction']) {
      expect(stack.properties(name)).toMatchObject({ Runtime: 'nodejs24.x', Architectures: ['arm64'] })
    }
  })
})

const statements = (role: object): readonly Record<string, unknown>[] => {
  const { Policies: policies } = role as {
    readonly Policies: readonly {
      readonly PolicyDocument: { readonly Statement: readonly Record<string, unknown>[] }
    }[]
  }
  return policies.flatMap(({ PolicyDocument: { Statement: all } }) => all)
}
const allowed = (role: object): { readonly actions: readonly unknown[]; readonly resources: readonly unknown[] } => {
  const allow = statements(role).filter(({ Effect: effect }) => effect === 'Allow')
  return { actions: allow.flatMap(({ Action }) => Action).toSorted(), resources: allow.map(({ Resource }) => Resource) }
}

describe('the key of a stack', () => {
  it('is kept by policy when the stack is deleted or a resource is replaced', () => {
    for (const name of ['SigningKey', 'EncryptionKey', 'Key']) {
      const { DeletionPolicy: deletion, UpdateReplacePolicy: replacement } = template.Resources[name] ?? {}
      expect([deletion, replacement]).toEqual([expect.stringMatching(/^Retain/), 'Retain'])
    }
  })

  it.each(CUSTODIANS)(
    'stays the same in %s when CloudFormation sends its request twice, also at once',
    async (name) => {
      const stack = await prepared(name)
      const [one, two] = [stack.event('Create'), stack.event('Create')]
      const before = aws.cloudFormation.answers.length
      await Promise.all([stack.keyFunction.invoke(one), stack.keyFunction.invoke(two), stack.keyFunction.invoke(one)])
      const [first, ...others] = aws.cloudFormation.answers.slice(before)
      expect(first).toMatchObject({ Status: 'SUCCESS', Data: { KeyId: expect.any(String) } })
      expect(others).toHaveLength(2)
      for (const { Data, PhysicalResourceId } of others) {
        expect({ Data, PhysicalResourceId }).toEqual({
          Data: first?.Data,
          PhysicalResourceId: first?.PhysicalResourceId,
        })
      }
      if (name === 'ParameterStore') expect(aws.ssm.parameter(stack.parameter())?.version).toBe(1)
      expect(stack.keyFunction.log()).not.toMatch(/PRIVATE|secret-signature/)
    },
  )

  it('is created with the permissions and the encryption that the template gives', async () => {
    aws.ssm.forget()
    const stack = await prepared('ParameterStore')
    const { KmsKeyArn: kmsKey } = await stack.create()
    const put = aws.ssm.calls().find(({ operation }) => operation === 'PutParameter')
    expect(put?.input).toMatchObject({ Name: stack.parameter(), KeyId: kmsKey, Type: 'SecureString', Overwrite: false })
  })

  it.each(CUSTODIANS)('is only read in %s by an update, even if the parameter has a new version', async (name) => {
    const stack = await prepared(name)
    const { KeyId: kid } = await stack.create()
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    if (name === 'ParameterStore') {
      aws.ssm.put(stack.parameter(), privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())
    }
    aws.ssm.forget()
    const answer = await stack.ask('Update')
    expect(answer).toMatchObject({ Status: 'SUCCESS', Data: { KeyId: kid, Version: '1' } })
    expect(aws.ssm.requests('PutParameter')).toBe(0)
    expect(decoded(await tokenOf(stack), 0)['kid']).toBe(kid)
    // A late second request to create it.
    expect(await stack.ask('Create')).toMatchObject({ Data: { KeyId: kid } })
  })

  it('does not move when the custodian changes, and the rollback succeeds', async () => {
    const stack = await prepared('ParameterStore')
    await stack.create()
    const { ResourceProperties: old } = stack.event('Update') as { readonly ResourceProperties: object }
    const changed = { ...old, KeyCustodian: 'KMS' }
    const refused = await stack.ask('Update', { ResourceProperties: changed, OldResourceProperties: old })
    expect(refused).toMatchObject({ Status: 'FAILED', Reason: expect.stringContaining('create a second stack') })
    const rolledBack = await stack.ask('Update', { ResourceProperties: old, OldResourceProperties: changed })
    expect(rolledBack).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: refused.PhysicalResourceId })
  })

  it.each(CUSTODIANS)('remains in %s after a request to delete it, whatever that says', async (name) => {
    const stack = await prepared(name)
    await stack.create()
    aws.kms.forget()
    aws.ssm.forget()
    const { PhysicalResourceId: id } = stack.event('Delete') as { readonly PhysicalResourceId: string }
    for (const changes of [{}, { ResourceProperties: {} }, { PhysicalResourceId: 'unknown' }]) {
      const { Status, PhysicalResourceId } = await stack.ask('Delete', changes)
      expect([Status, PhysicalResourceId]).toEqual(['SUCCESS', changes.PhysicalResourceId ?? id])
    }
    expect([aws.kms.requests(), aws.ssm.requests()]).toEqual([0, 0])
    expect(await tokenOf(stack)).toMatch(/^eyJ/)
  })
})

const tokenOf = async (stack: Stack): Promise<string> => {
  const { value } = await (await stack.tokenFunction()).invoke({ claims: CLAIMS, ttl: 60 })
  return (value as { readonly token: string }).token
}

describe('the key function answers CloudFormation', () => {
  const failed = (reason: string | RegExp) => ({ Status: 'FAILED', Reason: expect.stringMatching(reason) })

  it.each([
    ['denies', { kind: 'denied' } as const, /^ParameterStoreError: .*AccessDeniedException/],
    ['resets', { kind: 'reset' } as const, /^ParameterStoreError: /],
    ['answers garbage', { kind: 'garbage' } as const, /^ParameterStoreError: /],
  ])('when Parameter Store %s, and creates the key at the next attempt', async (_what, fault, reason) => {
    const stack = await prepared('ParameterStore')
    aws.ssm.at('PutParameter').behave(fault)
    const first = await stack.ask('Create')
    aws.ssm.at('PutParameter').behave({ kind: 'ok' })
    expect(first).toMatchObject(failed(reason))
    expect(JSON.stringify(first)).not.toMatch(/PRIVATE|BEGIN/)
    const second = await stack.ask('Create')
    expect(second).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId: first.PhysicalResourceId })
  })

  it('when the key is stored too late for the answer, and finds it at the next attempt', async () => {
    const stack = await prepared('ParameterStore')
    aws.ssm.forget()
    aws.ssm.at('PutParameter').once({ kind: 'ok', delay: 400 })
    expect(await stack.ask('Create', {}, 15_200)).toMatchObject(failed(/^TimeoutError: /))
    await expect.poll(() => aws.ssm.parameter(stack.parameter())).toMatchObject({ version: 1 })
    expect(await stack.ask('Create')).toMatchObject({ Status: 'SUCCESS' })
    expect(aws.ssm.requests('PutParameter')).toBe(1)
  })

  it('when KMS denies it', async () => {
    const stack = await prepared('KMS')
    aws.kms.once({ kind: 'denied' })
    expect(await stack.ask('Create')).toMatchObject(failed(/^KmsError: .*kms:GetPublicKey/))
    expect(await stack.ask('Create')).toMatchObject({ Status: 'SUCCESS' })
  })

  it.each(CUSTODIANS)('before Lambda stops the function, when %s hangs', async (name) => {
    const stack = await prepared(name)
    const service = name === 'KMS' ? aws.kms : aws.ssm
    service.once({ kind: 'hang' })
    expect(await stack.ask('Create', {}, 15_200)).toMatchObject(failed(/^TimeoutError: The key was not ready/))
    expect(await stack.ask('Create')).toMatchObject({ Status: 'SUCCESS' })
  })

  it.each([
    ['an unknown custodian', { KeyCustodian: 'HSM' }, '"KeyCustodian" must be'],
    ['no KMS key', { KeyCustodian: 'KMS' }, '"KmsKey" must be'],
    ['no parameter', { KeyCustodian: 'ParameterStore', KmsKey: 'arn' }, '"Parameter" must be'],
    ['no properties', undefined, '"KeyCustodian" must be'],
  ])('when there is %s, with an ID', async (_what, ResourceProperties, reason) => {
    const stack = await prepared('KMS')
    const answer = await stack.ask('Create', { ResourceProperties })
    expect(answer).toMatchObject(failed(reason))
    expect(answer.PhysicalResourceId).toMatch(/^arn:aws:cloudformation:.*\/Key$/)
    const { PhysicalResourceId } = answer
    expect(await stack.ask('Delete', { PhysicalResourceId })).toMatchObject({ Status: 'SUCCESS', PhysicalResourceId })
  })

  it('when the type of the request is unknown', async () => {
    const stack = await prepared('KMS')
    expect(await stack.ask('Create', { RequestType: 'Import' })).toMatchObject(failed('"RequestType" must be'))
  })

  it('after its address has failed for a moment', async () => {
    const stack = await prepared('KMS')
    aws.cloudFormation.fail('reset')
    expect(await stack.ask('Create')).toMatchObject({ Status: 'SUCCESS' })
  })

  it('or fails without the address in the error, so that Lambda calls it again', async () => {
    const stack = await prepared('KMS')
    const before = aws.cloudFormation.requests()
    aws.cloudFormation.fail(403)
    const { error } = await stack.keyFunction.invoke(stack.event('Create'))
    expect(error?.errorMessage).toBe(
      'Cannot answer CloudFormation: its address must accept the answer, found status 403',
    )
    expect(aws.cloudFormation.requests() - before, 'an address that refuses is not asked again').toBe(1)
    const unusable = await stack.keyFunction.invoke(stack.event('Create', { ResponseURL: 'secret-signature' }))
    expect(unusable.error?.errorMessage).not.toContain('secret-signature')
    expect(stack.keyFunction.log()).not.toContain('secret-signature')
  })
})

describe('the token function', () => {
  it.each(CUSTODIANS)('reports an outage of %s, and recovers', async (name) => {
    const stack = await prepared(name)
    await stack.create()
    const service = name === 'KMS' ? aws.kms : aws.ssm
    service.once({ kind: 'denied' })
    const { error } = await (await stack.tokenFunction()).invoke({ claims: CLAIMS, ttl: 60 })
    expect(error?.errorType).toMatch(/^(Kms|ParameterStore)Error$/)
    expect(await tokenOf(stack)).toMatch(/^eyJ/)
    // KMS signs every token; the key of Parameter Store is in memory.
    service.behave({ kind: 'denied' })
    const later = await (await stack.tokenFunction()).invoke({ claims: CLAIMS, ttl: 60 })
    service.behave({ kind: 'ok' })
    expect(later.error === undefined).toBe(name === 'ParameterStore')
  })
})

describe('the page', () => {
  it('rotates with a second stack: APIs accept tokens of both', async () => {
    const [one, two] = [await prepared('KMS'), await prepared('ParameterStore')]
    const outputs = [await one.create(), await two.create()]
    const file = new URL('../dist/rotate.mjs', import.meta.url)
    await writeFile(file, snippet('rotate'))
    vi.stubEnv('TOKEN_STACKS', JSON.stringify(outputs))
    onTestFinished(() => void vi.unstubAllEnvs())
    const { verifier } = (await import(fileURLToPath(file))) as { readonly verifier: Verifier }
    onTestFinished(() => verifier.close())
    for (const stack of [one, two]) {
      expect((await verifier.verify(await tokenOf(stack))).claims.sub).toBe('ada')
    }
  })

  it('deploys what the template declares', () => {
    const [, overrides = ''] = /--parameter-overrides (.*)\n/.exec(page) ?? []
    const given = overrides.split(' ').map((pair) => pair.split('=')[0])
    expect(given.toSorted()).toEqual(Object.keys(template.Parameters).toSorted())
    expect(template.Parameters['KeyCustodian']?.AllowedValues).toEqual(['ParameterStore', 'KMS'])
    expect(page.split('\n').length).toBeLessThanOrEqual(130)
  })
})

async function listening(application: RequestListener): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer(application).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
