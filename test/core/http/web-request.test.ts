import { describe, expect, it, vi } from 'vitest'
import { metadataAnswer, resourceList } from '../../../packages/core/src/http/protected-resource.ts'
import { formFieldOf, isWebResponse, requestView, webResponse } from '../../../packages/core/src/http/web-request.ts'

const URL_ = 'https://api.example/orders?page=2'
const form = (body: BodyInit, headers: Record<string, string> = {}): Request =>
  new Request(URL_, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

describe('a web request', () => {
  it('is read as received', async () => {
    const view = requestView(new Request(URL_, { headers: { 'x-a': 'b' } }))
    expect([view.method, view.target, view.header('x-a'), view.header('x-b')]).toEqual(['GET', URL_, ['b'], []])
    expect(await view.form?.('a')).toBeUndefined()
  })

  it('can be read again after its form', async () => {
    const request = form('a=1&b=2&a=3')
    expect(await requestView(request).form?.('a')).toEqual({ a: ['1', '3'] })
    expect(await request.text()).toBe('a=1&b=2&a=3')
  })

  it.each<readonly [string, () => Request, object]>([
    [
      'a declared length beyond the limit, which is not read',
      () => form('a=1', { 'content-length': '65537' }),
      {
        code: 'form_too_large',
        expected: '"at most 65536 bytes"',
        hint: expect.stringContaining('send the token in the Authorization header') as string,
      },
    ],
    ['more bytes than declared', () => form('a'.repeat(65_537)), { code: 'form_too_large' }],
    [
      'a body that breaks off',
      () => form(new ReadableStream({ start: (controller) => controller.error(new Error('gone')) })),
      { code: 'credential_malformed', cause: expect.any(Error) as Error },
    ],
  ])('is refused for %s', async (_, request, error) => {
    await expect(requestView(request()).form?.('a')).rejects.toMatchObject(error)
  })

  it('may declare the limit', async () => {
    const request = form(`a=${'x'.repeat(65_534)}`, { 'content-length': '65536' })
    expect(await requestView(request).form?.('b')).toEqual({ b: [] })
  })

  it('that is too large is cancelled, unless other code reads it', async () => {
    let cancelled: unknown
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(40_000)),
      cancel: (reason) => void (cancelled = reason ?? 'cancelled'),
    })
    const request = form(stream)
    await expect(requestView(request).form?.('a')).rejects.toMatchObject({ code: 'form_too_large' })
    await request.body?.cancel()
    expect(cancelled).toBeDefined()
  })

  it('that was read before is a bug', async () => {
    const request = form('a=1')
    await request.text()
    await expect(requestView(request).form?.('a')).rejects.toThrow(TypeError)
  })

  it('is refused if its form does not arrive in time', async () => {
    vi.useFakeTimers()
    try {
      const fields = requestView(form(new ReadableStream({}))).form?.('a')
      const refusal = fields?.catch((error: unknown) => error)
      await vi.advanceTimersByTimeAsync(5000)
      expect(await refusal).toMatchObject({
        code: 'form_timeout',
        expected: '"a body within 5 s"',
        hint: expect.stringContaining('send the token in the Authorization header') as string,
      })
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('a form in memory', () => {
  it.each([
    ['a=1', ['1']],
    ['?a=1', []],
    ['b=1', []],
    ['', []],
    ['a=1&a=%32', ['1', '2']],
  ])('of %j has the values %j', (text, values) => {
    expect(formFieldOf(text, 'a')).toEqual({ a: values })
  })

  it('has at most 65,536 bytes and 1,000 fields', () => {
    expect(formFieldOf(`a=${'x'.repeat(65_534)}`, 'b')).toEqual({ b: [] })
    expect(formFieldOf('&'.repeat(999), 'b')).toEqual({ b: [] })
    const expected = (text: string): string | undefined => {
      try {
        formFieldOf(text, 'b')
        return undefined
      } catch (error) {
        return (error as { expected: string }).expected
      }
    }
    expect([expected('x'.repeat(65_537)), expected('&'.repeat(1000))]).toEqual([
      '"at most 65536 bytes"',
      '"at most 1000 fields"',
    ])
  })
})

describe('a web response', () => {
  it.each([
    ['GET', 'a', 'a'],
    ['HEAD', 'a', null],
    ['GET', '', null],
  ])('to %s with %j has the body %j', async (method, body, expected) => {
    const response = webResponse({ method }, { status: 200, headers: { 'x-a': 'b' }, body })
    expect([response.status, response.headers.get('x-a')]).toEqual([200, 'b'])
    expect(response.body === null ? null : await response.text()).toBe(expected)
  })

  it('with status 304 has no body', () => {
    expect(webResponse({ method: 'GET' }, { status: 304, headers: {}, body: '' }).status).toBe(304)
  })

  it('is recognized by its shape', () => {
    expect([new Response(), { status: 200, headers: {} }].map(isWebResponse)).toEqual([true, true])
    const others = [
      null,
      undefined,
      'a',
      {},
      { status: 200 },
      { status: '200', headers: {} },
      { status: 200, headers: null },
    ]
    expect([...others, { status: 200, headers: 'a' }].filter(isWebResponse)).toEqual([])
  })
})

describe('protected resources', () => {
  const resource = (more: object = {}): never =>
    ({
      resource: 'https://api.example',
      metadataUri: 'https://api.example/m',
      answer: () => {},
      learn: () => {},
      ...more,
    }) as never

  it('answer in their order, and only for their metadata', () => {
    const answers = ['a', 'b'].map((body) => ({ status: 200, headers: {}, body }) as never)
    const made = [resource(), resource({ answer: () => answers[0] }), resource({ answer: () => answers[1] })]
    const view = { method: 'GET', target: '/', header: () => [] }
    expect(metadataAnswer(made, view)).toBe(answers[0])
    expect([metadataAnswer([resource()], view), metadataAnswer([], view)]).toEqual([undefined, undefined])
  })

  it('are copied from the list', () => {
    const list = [resource()]
    const copy = resourceList(list)
    list.push(resource())
    expect(copy).toHaveLength(1)
  })

  it.each([
    ['nothing', []],
    ['an identifier', ['https://api.example']],
    ['one of two', [resource(), {}]],
    ['no identifier', [resource({ resource: undefined })]],
    ['an empty identifier', [resource({ resource: '' })]],
    ['no address', [resource({ metadataUri: undefined })]],
    ['an address with a quote', [resource({ metadataUri: 'https://a"' })]],
    ['no answer', [resource({ answer: undefined })]],
    ['nothing to learn', [resource({ learn: true })]],
    ['two wrong ones', [{}, 'a']],
  ])('are not accepted with %s', (_, list) => {
    expect(() => resourceList(list)).toThrow(
      /^Cannot serve metadata: give what is made by protectedResource\(\) of @claimgate\/core\/metadata/,
    )
  })

  it('are told apart from what was given instead', () => {
    expect(() => resourceList([resource(), 'https://api.example'])).toThrow('found "a string"')
    expect(() => resourceList([resource(), {}])).toThrow('found "an object"')
    expect(() => resourceList([])).toThrow('found "undefined"')
  })
})
