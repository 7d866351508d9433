import {
  allOf,
  anyOf,
  type AuthorizationDetail,
  authorizationDetails,
  type AuthorizationDetailsOptions,
  createAuthenticator,
  not,
  type Requirement,
  scope,
  stepUp,
} from '@claimgate/core'
import { createTestKeys } from '@claimgate/testing'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const { publicJwk } = await createTestKeys('ES256')
const { authorize } = createAuthenticator({ issuer: null, audience: null, jwks: { keys: [publicJwk] } })

async function answer(requirement: Requirement, details: unknown): Promise<string> {
  const claims = details === undefined ? {} : { authorization_details: details }
  const outcome = await authorize({ claims, token: 'x', scopes: new Set() }, requirement)
  return outcome.kind === 'refused'
    ? `${outcome.response.status} ${outcome.response.headers['www-authenticate']}`
    : 'met'
}

const is = async (requirement: Requirement, details: unknown): Promise<string> =>
  (await answer(requirement, details)) === 'met' ? 'met' : 'refused'

// RFC 9396 section 2, figure 2.
const EXAMPLE = {
  type: 'account_information',
  actions: ['list_accounts', 'read_balances', 'read_transactions'],
  locations: ['https://example.com/accounts'],
}

// RFC 9396 section 3, figure 5: amounts are text.
const PAYMENT = {
  type: 'payment_initiation',
  locations: ['https://example.com/payments'],
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: 'Merchant A',
  creditorAccount: { bic: 'ABCIDEFF', iban: 'DE02100100109307118603' },
}

describe('51. authorization details', () => {
  const accounts = (more: Partial<AuthorizationDetailsOptions> = {}): Requirement =>
    authorizationDetails({ type: 'account_information', ...more })

  it.each<readonly [string, Partial<AuthorizationDetailsOptions>, unknown, 'met' | 'refused']>([
    ['the type', {}, [EXAMPLE], 'met'],
    ['the type among others', {}, [PAYMENT, EXAMPLE], 'met'],
    ['another type', {}, [PAYMENT], 'refused'],
    ['an unknown type with all members', {}, [{ ...EXAMPLE, type: 'unknown' }], 'refused'],
    ['a type in another case', {}, [{ type: 'Account_Information' }], 'refused'],
    ['a type in a list', {}, [{ type: ['account_information'] }], 'refused'],
    ['no type', {}, [{ actions: ['read_balances'] }], 'refused'],
    ['no details', {}, undefined, 'refused'],
    ['an empty list', {}, [], 'refused'],
    ['null', {}, null, 'refused'],
    ['an object in place of a list', {}, EXAMPLE, 'refused'],
    ['text', {}, JSON.stringify([EXAMPLE]), 'refused'],
    ['a list in a list', {}, [[EXAMPLE]], 'refused'],
    ['a null among them', {}, [null, EXAMPLE], 'met'],
    ['an inherited type', {}, [Object.create(EXAMPLE)], 'refused'],
    ['all actions', { actions: ['read_balances', 'list_accounts'] }, [EXAMPLE], 'met'],
    ['an action that is missing', { actions: ['read_balances', 'delete'] }, [EXAMPLE], 'refused'],
    ['a part of an action', { actions: ['read'] }, [EXAMPLE], 'refused'],
    [
      'actions of two details together',
      { actions: ['a', 'b'] },
      [
        { ...EXAMPLE, actions: ['a'] },
        { ...EXAMPLE, actions: ['b'] },
      ],
      'refused',
    ],
    ['no actions', { actions: ['a'] }, [{ type: EXAMPLE.type }], 'refused'],
    ['actions that are text', { actions: ['a'] }, [{ ...EXAMPLE, actions: 'a' }], 'refused'],
    ['a number among the actions', { actions: ['a'] }, [{ ...EXAMPLE, actions: ['a', 1] }], 'refused'],
    ['actions that are null', { actions: ['a'] }, [{ ...EXAMPLE, actions: null }], 'refused'],
    ['the location', { locations: ['https://example.com/accounts'] }, [EXAMPLE], 'met'],
    ['the location with a slash', { locations: ['https://example.com/accounts/'] }, [EXAMPLE], 'refused'],
    ['datatypes', { datatypes: ['contacts'] }, [{ ...EXAMPLE, datatypes: ['contacts', 'photos'] }], 'met'],
    ['other datatypes', { datatypes: ['contacts'] }, [{ ...EXAMPLE, datatypes: ['photos'] }], 'refused'],
    ['privileges', { privileges: ['admin'] }, [{ ...EXAMPLE, privileges: ['admin'] }], 'met'],
    ['no privileges', { privileges: ['admin'] }, [EXAMPLE], 'refused'],
    ['the identifier', { identifier: 'account-1' }, [{ ...EXAMPLE, identifier: 'account-1' }], 'met'],
    ['another identifier', { identifier: 'account-1' }, [{ ...EXAMPLE, identifier: 'account-2' }], 'refused'],
    ['a list of identifiers', { identifier: 'account-1' }, [{ ...EXAMPLE, identifier: ['account-1'] }], 'refused'],
    ['one member of several', { actions: ['read_balances'], privileges: ['admin'] }, [EXAMPLE], 'refused'],
  ])('with %s', async (_, more, details, expected) => {
    expect(await is(accounts(more), details)).toBe(expected)
  })

  it.each<readonly [string, unknown, 'met' | 'refused']>([
    ['true', () => true, 'met'],
    ['false', () => false, 'refused'],
    ['1', () => 1, 'refused'],
    ['an object', () => ({}), 'refused'],
    ['nothing', () => undefined, 'refused'],
    ['a promise of true', async () => true, 'refused'],
    ['a promise that rejects', () => Promise.reject(new Error('no')), 'refused'],
    ['new Boolean(true)', () => Object(true) as unknown, 'refused'],
    [
      'an exception',
      () => {
        throw new Error('no')
      },
      'refused',
    ],
    [
      'an exception of undefined',
      () => {
        throw undefined as unknown as Error
      },
      'refused',
    ],
  ])('are not covered by anything but true: %s', async (_, covers, expected) => {
    expect(await is(accounts({ covers: covers as () => boolean }), [EXAMPLE])).toBe(expected)
  })

  it('grant nothing by their negation if they cannot be decided', async () => {
    const negated = (covers: () => unknown): Promise<string> =>
      is(not(accounts({ covers: covers as () => boolean })), [EXAMPLE])
    expect(await negated(() => false)).toBe('met')
    expect(await negated(() => true)).toBe('refused')
    for (const covers of [() => undefined, async () => false, () => Promise.reject(new Error('no'))])
      expect(await negated(covers)).toBe('refused')
    const schema = {
      '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('no')) },
    } as never
    expect(await is(not(accounts({ schema })), [EXAMPLE])).toBe('refused')
  })

  it.each<readonly [string, unknown, 'met' | 'refused']>([
    ['issues', { issues: [{ message: 'no' }] }, 'met'],
    ['issues and a value', { issues: [], value: EXAMPLE }, 'met'],
    ['a value', { value: EXAMPLE }, 'refused'],
    ['a value and no issues', { issues: undefined, value: EXAMPLE }, 'refused'],
    ['issues that are no list', { issues: 'no' }, 'refused'],
    ['neither', {}, 'refused'],
    ['nothing', undefined, 'refused'],
    ['null', null, 'refused'],
    ['text', 'issues', 'refused'],
  ])('grant by their negation only what a schema rejects: it answers with %s', async (_, result, expected) => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => result } } as never
    expect(await is(not(accounts({ schema })), [EXAMPLE])).toBe(expected)
  })

  it.each([
    [[false, false], 'met'],
    [[undefined, false], 'refused'],
    [[false, undefined], 'refused'],
    [[false, true], 'refused'],
  ])('grant nothing by their negation if one of several is covered or undecided: %j', async (answers, expected) => {
    const left = [...answers]
    const covers = (): boolean => left.shift() as boolean
    expect(await is(not(accounts({ covers })), [EXAMPLE, EXAMPLE])).toBe(expected)
  })

  it('say in the log that they cannot be decided', async () => {
    const token = { claims: { authorization_details: [EXAMPLE] }, token: 'x', scopes: new Set<string>() }
    const remediation = [{ type: 'account_information' }]
    const covers = (): boolean => {
      throw new Error('a secret')
    }
    const outcome = await authorize(token, accounts({ covers, remediation }))
    expect(outcome).toMatchObject({
      error: {
        code: 'requirement_not_met',
        actual: '"a \\"covers\\" or a \\"schema\\" that failed, or did not answer with true or false"',
      },
      response: { status: 401 },
    })
  })

  it('are each asked until one covers the request, and only those that match', async () => {
    const asked: unknown[] = []
    const covers = ({ identifier }: AuthorizationDetail): boolean => {
      asked.push(identifier)
      if (identifier === 1) throw new Error('the first one fails')
      return identifier === 2
    }
    const details = [0, 1, 2, 3].map((identifier) => ({ ...EXAMPLE, identifier }))
    expect(await is(accounts({ covers }), [PAYMENT, ...details])).toBe('met')
    expect(asked).toEqual([0, 1, 2])
  })

  const cents = (amount: string): number => Math.round(Number(amount) * 100)
  const schemas = {
    zod: z.object({
      instructedAmount: z.object({ currency: z.string(), amount: z.string().regex(/^\d{1,9}\.\d\d$/) }),
    }),
    'zod, asynchronous': z.object({
      instructedAmount: z
        .object({ currency: z.string(), amount: z.string() })
        .refine(async ({ amount }) => /^\d{1,9}\.\d\d$/.test(amount)),
    }),
    valibot: v.object({
      instructedAmount: v.object({ currency: v.string(), amount: v.pipe(v.string(), v.regex(/^\d{1,9}\.\d\d$/)) }),
    }),
    arktype: type({ instructedAmount: { currency: 'string', amount: /^\d{1,9}\.\d\d$/ } }),
  }

  it.each(Object.entries(schemas))('are typed and checked by a schema of %s', async (_, schema) => {
    const pay = (currency: string, amount: number): Requirement =>
      authorizationDetails({
        type: 'payment_initiation',
        schema,
        covers: ({ instructedAmount }) =>
          instructedAmount.currency === currency && cents(instructedAmount.amount) >= amount,
      })
    expect(await is(pay('EUR', 12_350), [PAYMENT])).toBe('met')
    expect(await is(pay('EUR', 12_351), [PAYMENT])).toBe('refused')
    expect(await is(pay('USD', 1), [PAYMENT])).toBe('refused')
    for (const amount of ['1e9', 'Infinity', '', '123', 123.5, undefined])
      expect(await is(pay('EUR', 1), [{ ...PAYMENT, instructedAmount: { currency: 'EUR', amount } }])).toBe('refused')
  })

  it.each<readonly [string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['answers with nothing', () => undefined],
    ['answers with true', () => true],
    ['answers with issues and a value', () => ({ issues: [{ message: 'no' }], value: EXAMPLE })],
    ['answers with no value', () => ({})],
  ])('are refused if the schema %s', async (_, validate) => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate } } as never
    expect(await is(accounts({ schema }), [EXAMPLE])).toBe('refused')
  })

  it('refuse with 403 by default, and say in the log which types there are', async () => {
    expect(await answer(accounts({ covers: () => false }), [EXAMPLE, PAYMENT])).toMatch(
      /^403 Bearer .*"insufficient_scope"/,
    )
    const token = { claims: { authorization_details: [PAYMENT, EXAMPLE, {}] }, token: 'x', scopes: new Set<string>() }
    const outcome = await authorize(token, accounts({ covers: () => false, actions: ['read_balances'] }))
    expect(outcome).toMatchObject({
      error: {
        code: 'requirement_not_met',
        expected: '"authorization details of type account_information, actions read_balances"',
        actual: '["payment_initiation","account_information, which does not cover the request","no type"]',
      },
    })
    const several = accounts({ actions: ['a', 'b'], privileges: ['c'] })
    expect(several.description).toBe('authorization details of type account_information, actions a and b, privileges c')
    expect(several.documentation).toBe(several.description)
    for (const details of [undefined, 'text', []])
      expect(several.found?.({ ...token, claims: { authorization_details: details } })).toEqual({
        authorization_details: [],
      })
    expect(Object.isFrozen(several) && Object.isFrozen(several.scopes)).toBe(true)
    expect('refusal' in several).toBe(false)
  })

  it('refuse with 401 and the details to request, if they are given', async () => {
    const remediation = [{ ...PAYMENT, creditorName: 'Bäcker "A"' }]
    const challenge = await answer(authorizationDetails({ type: 'payment_initiation', remediation }), [])
    const [, encoded = ''] = /authorization_remediation="([\w-]+)"$/.exec(challenge) ?? []
    expect(challenge).toMatch(/^401 Bearer realm="api", error="insufficient_authorization", error_description="/)
    expect(JSON.parse(Buffer.from(encoded, 'base64url').toString())).toEqual({ authorization_details: remediation })
  })

  it('are composed with scopes and step-ups', async () => {
    const remediation = [{ type: 'payment_initiation' }]
    const pay = authorizationDetails({ type: 'payment_initiation', remediation })
    expect(await answer(allOf(scope('payments'), pay), [])).toContain('error="insufficient_authorization"')
    expect(await answer(allOf(scope('payments'), pay), [PAYMENT])).toContain('error="insufficient_scope", ')
    expect(await answer(allOf(stepUp({ maxAge: 5 }), pay), [])).toContain('error="insufficient_user_authentication"')
    expect(await is(anyOf(scope('payments'), pay), [PAYMENT])).toBe('met')
  })

  it.each<readonly [string, object, RegExp]>([
    ['no options', undefined as unknown as object, /give an object, such as \{ type: "payment" \}/],
    ['no type', {}, /"type" must be the type of the details/],
    ['an empty list', { type: 'a', actions: [] }, /"actions" must not be empty/],
    ['a text', { type: 'a', locations: 'b' }, /"locations" must be a list/],
    ['a number', { type: 'a', datatypes: [1] }, /each of "datatypes" must be text/],
    ['an undefined list', { type: 'a', privileges: undefined }, /"privileges" must not be undefined/],
    ['an undefined predicate', { type: 'a', covers: undefined }, /"covers" must not be undefined/],
    ['no predicate', { type: 'a', covers: true }, /"covers" must be a function/],
    ['no schema', { type: 'a', schema: {} }, /"schema" must be a Standard Schema validator/],
    ['no details to request', { type: 'a', remediation: [] }, /"remediation" must be a list/],
    ['details without a type', { type: 'a', remediation: [{}] }, /"remediation" must be a list/],
    ['an empty type', { type: '' }, /"type" must be the type of the details, such as "payment"/],
    ['a number as type', { type: 1 }, /"type" must be the type of the details/],
    ['an empty identifier', { type: 'a', identifier: '' }, /"identifier" must be text that is not empty/],
    ['an empty action', { type: 'a', actions: ['b', ''] }, /each of "actions" must be text that is not empty/],
    ['text as actions', { type: 'a', actions: 'b' }, /"actions" must be a list of strings, such as \["initiate"\]/],
    ['no privileges', { type: 'a', privileges: [] }, /require authorization details: "privileges" must not be empty/],
    [
      'one detail without a type',
      { type: 'a', remediation: [{ type: 'a' }, {}] },
      /must be a list of details to request/,
    ],
    ['an empty type to request', { type: 'a', remediation: [{ type: '' }] }, /"remediation" must be a list/],
    ['a null to request', { type: 'a', remediation: [null] }, /"remediation" must be a list/],
    ['an object to request', { type: 'a', remediation: { type: 'a' } }, /"remediation" must be a list/],
    ...['text', 1, { '~standard': null }, { '~standard': {} }, { '~standard': { validate: true } }].map(
      (schema): [string, object, RegExp] => [
        `the schema ${JSON.stringify(schema)}`,
        { type: 'a', schema },
        /"schema" must be a Standard Schema validator, for example of zod, valibot or arktype/,
      ],
    ),
    ['an unknown option', { type: 'a', action: ['b'] }, /there is no option "action"; did you mean "actions"/],
  ])('stop the start with %s', (_, options, message) => {
    expect(() => authorizationDetails(options as AuthorizationDetailsOptions)).toThrow(TypeError)
    expect(() => authorizationDetails(options as AuthorizationDetailsOptions)).toThrow(message)
  })
})
