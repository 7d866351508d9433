import { loadAwsServiceSpec } from '@aws-cdk/aws-service-spec'
import { isObject, type Value } from './template.ts'

// The parts of the database that are used. Its own types need a package that is not installed.
interface PropertyType {
  readonly type: string
  readonly element?: PropertyType
  readonly types?: readonly PropertyType[]
  readonly reference?: { readonly $ref: string }
}
interface Described {
  readonly properties: Readonly<Record<string, { readonly type: PropertyType; readonly required?: boolean }>>
}
interface Specification {
  lookup(entity: 'resource', index: 'cloudFormationType', is: 'equals', type: string): readonly Described[]
  get(entity: 'typeDefinition', id: { readonly $ref: string }): Described
}

const specification = (await loadAwsServiceSpec()) as unknown as Specification

/** Resource types of a template's own, which have the properties of `AWS::CloudFormation::CustomResource` and any others. */
const CUSTOM = 'Custom::'

/**
 * What is wrong with the resources of a template, judged by the CloudFormation resource specification: unknown resource types and
 * properties, missing properties, and values of the wrong type. Intrinsic functions must have been resolved.
 */
export const specificationProblems = (
  resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Readonly<Record<string, Value>> }>>,
): readonly string[] =>
  Object.entries(resources).flatMap(([name, { Type: type, Properties: properties }]) => {
    const isCustom = type.startsWith(CUSTOM)
    const known = isCustom ? 'AWS::CloudFormation::CustomResource' : type
    const [described] = specification.lookup('resource', 'cloudFormationType', 'equals', known)
    if (described === undefined) return [`${name}: there is no resource type ${type}`]
    const standard = Object.entries(properties).filter(([key]) => !isCustom || Object.hasOwn(described.properties, key))
    return problemsOf(name, Object.fromEntries(standard), described)
  })

const problemsOf = (place: string, given: Readonly<Record<string, Value>>, { properties }: Described): string[] => [
  ...Object.entries(properties)
    .filter(([name, { required }]) => required === true && !Object.hasOwn(given, name))
    .map(([name]) => `${place}.${name} is missing`),
  ...Object.entries(given).flatMap(([name, value]) => {
    const property = properties[name]
    return property === undefined
      ? [`${place}.${name} is unknown`]
      : valueProblems(`${place}.${name}`, value, property.type)
  }),
]

const valueProblems = (place: string, value: Value, type: PropertyType): string[] => {
  const wrong = [`${place} must be a ${type.type}`]
  switch (type.type) {
    case 'union': {
      const all = (type.types ?? []).map((each) => valueProblems(place, value, each))
      return all.find(({ length }) => length === 0) ?? all.flat()
    }
    case 'ref':
      if (!isObject(value) || type.reference === undefined) return wrong
      return problemsOf(place, value, specification.get('typeDefinition', type.reference))
    case 'array':
      if (!Array.isArray(value) || type.element === undefined) return wrong
      return value.flatMap((each: Value, index) => valueProblems(`${place}.${index}`, each, type.element ?? type))
    case 'map':
      if (!isObject(value) || type.element === undefined) return wrong
      return Object.entries(value).flatMap(([key, each]) =>
        valueProblems(`${place}.${key}`, each, type.element ?? type),
      )
    case 'json':
      return isObject(value) ? [] : wrong
    case 'integer':
      return Number.isInteger(value) ? [] : wrong
    case 'number':
      return typeof value === 'number' ? [] : wrong
    case 'boolean':
      return typeof value === 'boolean' ? [] : wrong
    default:
      return typeof value === 'string' || typeof value === 'number' ? [] : wrong
  }
}
