import { randomUUID } from 'node:crypto'
import { type FakeKms, type FakeKmsKeySpec, type FakeSsm, startFakeKms, startFakeSsm } from '@claimgate/testing/aws'
import { type LambdaProcess, startLambda } from './lambda-process.ts'
import { type CustomResourceAnswer, type ResponseServer, startResponseServer } from './response-server.ts'
import { members, readTemplate, resolver, type Template, text, type Value } from './template.ts'

const EXAMPLE = new URL('../../../examples/token-issuer-stack/', import.meta.url)
const REGION = 'eu-central-1'
const ACCOUNT = '111122223333'

/** The template of the example. */
export const template: Template = await readTemplate(new URL('template.yaml', EXAMPLE))

/** The parameters of a stack. */
export interface StackParameters {
  readonly KeyCustodian: 'KMS' | 'ParameterStore'
  readonly Issuer: string
  readonly Audience: string
}

/** The services of AWS that a stack uses, as fakes. */
export interface FakeAws {
  readonly kms: FakeKms
  readonly ssm: FakeSsm
  readonly cloudFormation: ResponseServer
  /** The key function. All stacks share it, because it has no variables: everything it needs is in its events. */
  keyFunction(): Promise<LambdaProcess>
  close(): Promise<void>
}

/** Starts the fakes. */
export const startFakeAws = async (): Promise<FakeAws> => {
  const [kms, ssm, cloudFormation] = await Promise.all([startFakeKms(), startFakeSsm(), startResponseServer()])
  let keyFunction: Promise<LambdaProcess> | undefined
  return {
    kms,
    ssm,
    cloudFormation,
    keyFunction: () => {
      keyFunction ??= startFunction('KeyFunction', {}, { kms, ssm })
      return keyFunction
    },
    close: async () => {
      await (await keyFunction)?.stop()
      await Promise.all([kms.close(), ssm.close(), cloudFormation.close()])
    },
  }
}

/** A stack of the template, deployed on the fakes. */
export interface Stack {
  /** The resolved properties of a resource, with those of `Globals`. */
  properties(resource: string): Readonly<Record<string, Value>>
  /** The name of the parameter that holds the key. */
  parameter(): string
  /** A request of CloudFormation about the custom resource, without `PhysicalResourceId` for `Create`. */
  event(type: 'Create' | 'Update' | 'Delete', changes?: object): object
  /** Sends a request to the key function, and returns its answer. */
  ask(type: 'Create' | 'Update' | 'Delete', changes?: object, milliseconds?: number): Promise<CustomResourceAnswer>
  /** Creates the key, and returns the outputs. */
  create(): Promise<Readonly<Record<string, string>>>
  readonly keyFunction: LambdaProcess
  /** The token function, started at the first call. */
  tokenFunction(): Promise<LambdaProcess>
  stop(): Promise<void>
}

/** Prepares a stack: everything of the template except the custom resource and what depends on it. */
export const prepareStack = async (aws: FakeAws, given: StackParameters): Promise<Stack> => {
  const stackName = 'tokens'
  const stackId = `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/${stackName}/${randomUUID()}`
  const parameters: Readonly<Record<string, string>> = {
    'AWS::Partition': 'aws',
    'AWS::Region': REGION,
    'AWS::AccountId': ACCOUNT,
    'AWS::StackName': stackName,
    'AWS::StackId': stackId,
    ...given,
  }
  let key: CustomResourceAnswer | undefined
  const kmsKeys = new Map<string, { readonly keyId: string; readonly arn: string }>()

  const made = (name: string): string => {
    if (name === 'Key') return key?.PhysicalResourceId ?? unmade(name)
    return kmsKeys.get(name)?.keyId ?? unmade(name)
  }
  const attribute = (name: string, member: string): string => {
    if (name === 'Key') return key?.Data?.[member] ?? unmade(`${name}.${member}`)
    if (member !== 'Arn') return unmade(`${name}.${member}`)
    return kmsKeys.get(name)?.arn ?? `arn:aws:any:${REGION}:${ACCOUNT}:${name}`
  }
  const now = () => resolver(template, { parameters, ref: made, attribute })
  const properties = (name: string): Readonly<Record<string, Value>> => {
    const { Type: type, Properties: own } = template.Resources[name] ?? unmade(name)
    const shared = type === 'AWS::Serverless::Function' ? template.Globals.Function : {}
    return now().resolve({ ...shared, ...own }) as Readonly<Record<string, Value>>
  }

  for (const [name, resource] of Object.entries(template.Resources)) {
    if (resource.Type !== 'AWS::KMS::Key' || !now().exists(resource)) continue
    const { KeySpec: keySpec = 'SYMMETRIC_DEFAULT' } = properties(name)
    kmsKeys.set(name, await aws.kms.addKey({ keySpec: keySpec as FakeKmsKeySpec }))
  }

  const keyFunction = await aws.keyFunction()
  let tokenFunction: Promise<LambdaProcess> | undefined

  const event: Stack['event'] = (type, changes = {}) => {
    const { ServiceTimeout: _timeout, ...resource } = properties('Key')
    return {
      RequestType: type,
      ResponseURL: aws.cloudFormation.address(),
      StackId: stackId,
      RequestId: randomUUID(),
      ResourceType: 'Custom::SigningKey',
      LogicalResourceId: 'Key',
      ...(type !== 'Create' && { PhysicalResourceId: key?.PhysicalResourceId }),
      // CloudFormation turns every value into text.
      ResourceProperties: texts(resource),
      ...changes,
    }
  }
  const ask: Stack['ask'] = async (type, changes, milliseconds) => {
    const before = aws.cloudFormation.answers.length
    const { error } = await keyFunction.invoke(event(type, changes), milliseconds)
    if (error !== undefined) throw new Error(error.errorMessage)
    const [answer, ...more] = aws.cloudFormation.answers.slice(before)
    if (answer === undefined || more.length > 0) throw new Error(`CloudFormation got ${more.length} answers too many`)
    return answer
  }
  return {
    properties,
    parameter: () => text(properties('Key')['Parameter']),
    event,
    ask,
    create: async () => {
      const answer = await ask('Create')
      if (answer.Status === 'FAILED') throw new Error(answer.Reason)
      key = answer
      const outputs = Object.entries(template.Outputs)
      return Object.fromEntries(outputs.map(([name, { Value: value }]) => [name, text(now().resolve(value))]))
    },
    keyFunction,
    tokenFunction: () => {
      const { Variables: variables } = members(properties('TokenFunction')['Environment'])
      tokenFunction ??= startFunction('TokenFunction', texts(members(variables)), aws)
      return tokenFunction
    },
    stop: async () => {
      await (await tokenFunction)?.stop()
    },
  }
}

const texts = (values: Readonly<Record<string, Value>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, text(value)]))

/** Starts a function of the template, as built by the command of README.md, with the region and the role that Lambda gives it. */
const startFunction = async (
  name: string,
  variables: Readonly<Record<string, string>>,
  { kms, ssm }: Pick<FakeAws, 'kms' | 'ssm'>,
): Promise<LambdaProcess> =>
  startLambda({
    folder: new URL(text(template.Resources[name]?.Properties['CodeUri']), EXAMPLE),
    handler: text(template.Globals.Function['Handler']),
    environment: {
      ...variables,
      AWS_REGION: REGION,
      AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'secret-access-key',
      AWS_SESSION_TOKEN: 'session-token',
      AWS_ENDPOINT_URL_KMS: kms.endpoint,
      AWS_ENDPOINT_URL_SSM: ssm.endpoint,
    },
  })

const unmade = (name: string): never => {
  throw new TypeError(`${name} has not been created`)
}
