import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'

/** The same rules in three libraries: a text, a number parsed from text, and a list with a default. */
export const zodClaims = z.object({
  tenant: z.string(),
  level: z.string().transform(Number),
  groups: z.array(z.string()).default([]),
})

export const valibotClaims = v.object({
  tenant: v.string(),
  level: v.pipe(v.string(), v.transform(Number)),
  groups: v.optional(v.array(v.string()), []),
})

export const arktypeClaims = type({
  tenant: 'string',
  level: type('string').pipe((text) => Number(text)),
  groups: type('string[]').default(() => []),
})

/** The output type of all three. */
export interface TenantClaims {
  tenant: string
  level: number
  groups: string[]
}
