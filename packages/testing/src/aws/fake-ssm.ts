import { randomBytes } from 'node:crypto'

import { type AwsEndpoint, type AwsInput, AwsRefusal, startAwsEndpoint } from './aws-endpoint.ts'

/** One version of a parameter. */
export interface FakeParameter {
  readonly type: 'String' | 'StringList' | 'SecureString'
  /** Unencrypted, for every type. */
  readonly value: string
}

/** Options for a fake Parameter Store. */
export interface FakeSsmOptions {
  /** Initial parameters by name, each at version 1. A string becomes a SecureString. @defaultValue none */
  readonly parameters?: Readonly<Record<string, string | FakeParameter>>
}

/** A fake Parameter Store. */
export interface FakeSsm extends AwsEndpoint {
  /** Stores the next version of a parameter, as another process would. A string becomes a SecureString. */
  put(name: string, parameter: string | FakeParameter): void
  /** The newest version, or `undefined`. */
  parameter(name: string): (FakeParameter & { readonly version: number }) | undefined
  /** Moves a label of a parameter to a version. @throws RangeError if there is no such version. */
  label(name: string, label: string, version: number): void
  /** Deletes a parameter with all its versions and labels. */
  remove(name: string): void
}

/**
 * Starts a fake AWS Systems Manager Parameter Store: `GetParameter` (also by `name:version`, `name:label` and ARN) and `PutParameter` over
 * HTTP on 127.0.0.1, with the protocol of the SDK's `SSMClient`. A SecureString is returned unencrypted only `WithDecryption`. There
 * is no access control, and there are no other operations.
 */
export async function startFakeSsm({ parameters = {} }: FakeSsmOptions = {}): Promise<FakeSsm> {
  const stored = new Map<string, readonly FakeParameter[]>()
  const labels = new Map<string, number>()
  const put = (name: string, parameter: string | FakeParameter): number => {
    const versions = [...(stored.get(name) ?? []), whole(parameter)]
    stored.set(name, versions)
    return versions.length
  }
  for (const [name, parameter] of Object.entries(parameters)) put(name, parameter)

  const endpoint = await startAwsEndpoint({
    target: 'AmazonSSM',
    operations: {
      GetParameter: (input) => {
        const [name, selector] = locate(text(input, 'Name'))
        const versions = stored.get(name)
        if (versions === undefined) throw new AwsRefusal('ParameterNotFound', 'There is no such parameter.')
        const version =
          selector === undefined ? versions.length : (labels.get(`${name}:${selector}`) ?? Number(selector))
        const parameter = versions[version - 1]
        if (parameter === undefined) throw new AwsRefusal('ParameterVersionNotFound', 'There is no such version.')
        return { Parameter: described(name, parameter, version, selector, input['WithDecryption'] === true) }
      },
      PutParameter: (input) => {
        const name = text(input, 'Name')
        const parameter = { type: typeOf(input), value: text(input, 'Value') }
        if (!/^[\w./-]{1,1011}$/.test(name)) throw new AwsRefusal('ValidationException', 'Parameter name is not valid.')
        if (Buffer.byteLength(parameter.value) > (input['Tier'] === 'Advanced' ? 8192 : 4096)) {
          throw new AwsRefusal('ValidationException', 'The value is longer than the tier allows.')
        }
        if (stored.has(name) && input['Overwrite'] !== true) {
          throw new AwsRefusal('ParameterAlreadyExists', 'The parameter already exists.')
        }
        return { Version: put(name, parameter), Tier: input['Tier'] === 'Advanced' ? 'Advanced' : 'Standard' }
      },
    },
  })

  return Object.freeze({
    ...endpoint,
    put: (name: string, parameter: string | FakeParameter) => void put(name, parameter),
    parameter: (name: string) => {
      const versions = stored.get(name) ?? []
      const newest = versions.at(-1)
      return newest && { ...newest, version: versions.length }
    },
    label: (name: string, label: string, version: number) => {
      if (stored.get(name)?.[version - 1] === undefined) {
        throw new RangeError(`Cannot label parameter: there is no version ${version} of ${JSON.stringify(name)}`)
      }
      labels.set(`${name}:${label}`, version)
    },
    remove: (name: string) => {
      stored.delete(name)
      for (const label of labels.keys()) if (label.startsWith(`${name}:`)) labels.delete(label)
    },
  })
}

const ARN = /^arn:[\w-]+:ssm:[\w-]*:\d*:parameter(\/.*)$/

function whole(parameter: string | FakeParameter): FakeParameter {
  return typeof parameter === 'string' ? { type: 'SecureString', value: parameter } : parameter
}

/** The name and the version of `name`, `name:version`, or an ARN of either. */
function locate(reference: string): readonly [name: string, selector: string | undefined] {
  const [name = '', selector] = (ARN.exec(reference)?.[1] ?? reference).split(':')
  return [name, selector]
}

function text(input: AwsInput, member: string): string {
  const value = input[member]
  if (typeof value === 'string' && value !== '') return value
  throw new AwsRefusal('ValidationException', `1 validation error detected: '${member}' must not be empty.`)
}

function typeOf(input: AwsInput): FakeParameter['type'] {
  const type = input['Type']
  if (type === 'String' || type === 'StringList' || type === 'SecureString') return type
  throw new AwsRefusal('ValidationException', 'A parameter type is required when you create a parameter.')
}

function described(
  name: string,
  { type, value }: FakeParameter,
  version: number,
  selector: string | undefined,
  decrypted: boolean,
): object {
  return {
    Name: name,
    ARN: `arn:aws:ssm:eu-central-1:000000000000:parameter${name.startsWith('/') ? '' : '/'}${name}`,
    Type: type,
    Value: type === 'SecureString' && !decrypted ? randomBytes(96).toString('base64') : value,
    Version: version,
    DataType: 'text',
    LastModifiedDate: 1_700_000_000,
    ...(selector !== undefined && { Selector: `:${selector}` }),
  }
}
