import { readFile } from 'node:fs/promises'
import { parse, type ScalarTag, type CollectionTag, YAMLMap, YAMLSeq } from 'yaml'

/** Anything that YAML or JSON can hold. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value }

/** A value that must be text or a number, as text. */
export const text = (value: Value | undefined): string => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new TypeError(`Expected text, found ${JSON.stringify(value)}`)
}

/** The members of a value that must be an object. */
export const members = (value: Value | undefined): { readonly [name: string]: Value } => {
  if (isObject(value)) return value
  throw new TypeError(`Expected an object, found ${JSON.stringify(value)}`)
}

/** Whether a value is an object, not an array. */
export const isObject = (value: Value | undefined): value is { readonly [name: string]: Value } =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A resource of a template. */
export interface TemplateResource {
  readonly Type: string
  readonly Condition?: string
  readonly DeletionPolicy?: string
  readonly UpdateReplacePolicy?: string
  readonly Properties: { readonly [name: string]: Value }
}

/** The parts of a CloudFormation template that `resolve` uses. */
export interface Template {
  readonly Transform: string
  readonly Parameters: Readonly<
    Record<string, { readonly Default?: Value; readonly AllowedValues?: readonly string[] }>
  >
  readonly Conditions: Readonly<Record<string, Value>>
  readonly Globals: { readonly Function: { readonly [name: string]: Value } }
  readonly Resources: Readonly<Record<string, TemplateResource>>
  readonly Outputs: Readonly<Record<string, { readonly Description: string; readonly Value: Value }>>
}

const FUNCTIONS = ['Equals', 'GetAtt', 'If', 'Sub']
const nameOf = (tag: string): string => (tag === 'Ref' ? 'Ref' : `Fn::${tag}`)
const TAGS: (ScalarTag | CollectionTag)[] = ['Ref', ...FUNCTIONS].flatMap((tag) => [
  { tag: `!${tag}`, resolve: (argument: string) => ({ [nameOf(tag)]: argument }) },
  {
    tag: `!${tag}`,
    collection: 'seq' as const,
    resolve: (list: unknown) => {
      const map = new YAMLMap()
      if (list instanceof YAMLSeq) map.set(nameOf(tag), list)
      return map
    },
  },
])

/** Reads a template. Short forms such as `!Ref` become objects such as `{ Ref: … }`. */
export const readTemplate = async (file: URL): Promise<Template> =>
  parse(await readFile(file, 'utf8'), { customTags: TAGS, merge: false }) as Template

/** What a deployment knows about the names in a template. */
export interface Deployment {
  /** The parameters, and pseudo parameters such as `AWS::Region`. */
  readonly parameters: Readonly<Record<string, string>>
  /** What `Ref` of a resource gives. */
  ref(resource: string): string
  attribute(resource: string, name: string): string
}

const REMOVED = Symbol('AWS::NoValue')

/** Creates a function that replaces the intrinsic functions in a value, as CloudFormation does. */
export const resolver = (template: Template, deployment: Deployment) => {
  const reference = (name: string): string | typeof REMOVED => {
    if (name === 'AWS::NoValue') return REMOVED
    if (Object.hasOwn(deployment.parameters, name)) return deployment.parameters[name] ?? ''
    return deployment.ref(known(name))
  }
  const known = (name: string): string => {
    const resource = template.Resources[name]
    if (resource === undefined) throw new TypeError(`There is no resource ${name}`)
    if (!exists(resource)) throw new TypeError(`${name} does not exist in this deployment`)
    return name
  }
  const attribute = (path: string): string => {
    const [name = '', member = ''] = path.split('.')
    return deployment.attribute(known(name), member)
  }
  const condition = (name: string): boolean => {
    const value = template.Conditions[name]
    if (value === undefined) throw new TypeError(`There is no condition ${name}`)
    const [left, right] = (value as { readonly 'Fn::Equals': readonly Value[] })['Fn::Equals'].map(replaced)
    return left === right
  }
  const exists = ({ Condition: name }: TemplateResource): boolean => name === undefined || condition(name)

  const replaced = (value: Value): Value | typeof REMOVED => {
    if (Array.isArray(value)) return value.map(replaced).filter((each) => each !== REMOVED)
    if (typeof value !== 'object' || value === null) return value
    const all = Object.entries(value)
    const [name, argument] = all[0] ?? ['', null]
    if (name === 'Ref') return reference(text(argument))
    if (name === 'Fn::GetAtt') return attribute(text(argument))
    if (name === 'Fn::If') {
      const [test, yes = null, no = null] = argument as readonly Value[]
      return replaced(condition(text(test ?? null)) ? yes : no)
    }
    if (name === 'Fn::Sub') {
      return text(argument).replaceAll(/\$\{([^}]+)\}/g, (_all, path: string) =>
        path.includes('.') ? attribute(path) : String(reference(path)),
      )
    }
    const kept = all.map(([key, member]) => [key, replaced(member)] as const)
    return Object.fromEntries(kept.filter(([, member]) => member !== REMOVED)) as Value
  }

  return { exists, resolve: (value: Value): Value => replaced(value) as Value }
}
