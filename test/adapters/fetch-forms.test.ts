import { createServer } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { VerifiedToken } from '@claimgate/core'
import { createGate } from '@claimgate/fetch'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { listen } from '../support/contract/started-adapter.ts'
import { createAuthority } from '../support/adapters/authority.ts'

const authority = await createAuthority()
const token = await authority.token()
const credentials = [{ from: 'authorization' }, { from: 'form' }] as const
const gates = [
  ['that requires a token', createGate({ ...authority.options, credentials })],
  ['that allows anonymous requests', createGate({ ...authority.options, credentials, optional: true })],
] as const
const [[, gate]] = gates

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const post = (body: BodyInit, headers: Record<string, string> = {}): Request =>
  new Request('https://api.example.com/orders', {
    method: 'POST',
    headers: { ...FORM, ...headers },
    body,
    duplex: 'half',
  } as RequestInit)

async function shown(result: Promise<VerifiedToken | Response | undefined>): Promise<unknown> {
  const answer = await result
  if (!(answer instanceof Response)) return answer === undefined ? 'anonymous' : answer.claims.sub
  return [answer.status, answer.headers.get('www-authenticate'), JSON.parse(await answer.text()).detail]
}

const TOO_LARGE = [413, null, 'The form is too large to look for an access token']
const TOO_SLOW = [408, null, 'The form did not arrive in time to look for an access token']
const UNREADABLE = [
  400,
  expect.stringContaining('error="invalid_request"'),
  'The request does not carry exactly one well-formed access token',
]

/** A body that counts the bytes read from it. */
function counted(next: (index: number) => Uint8Array | undefined): { body: ReadableStream; taken: () => number } {
  let bytes = 0
  let index = 0
  const pull = (controller: ReadableStreamDefaultController): void => {
    const chunk = next(index++)
    if (chunk === undefined) return controller.close()
    bytes += chunk.byteLength
    controller.enqueue(chunk)
  }
  const body = new ReadableStream({ pull }, { highWaterMark: 0 })
  return { body, taken: () => bytes }
}

const KIB = new Uint8Array(1024).fill(97)

afterEach(() => {
  vi.useRealTimers()
})

describe.each(gates)('a form in front of a gate %s', (_kind, form) => {
  it('is read up to 64 KiB, and refused with status 413 beyond that', async () => {
    const padding = 'a'.repeat(65_536 - `access_token=${token}&x=`.length)
    expect(await shown(form(post(`access_token=${token}&x=${padding}`)))).toBe('alice')
    expect(await shown(form(post(`access_token=${token}&x=${padding}a`)))).toEqual(TOO_LARGE)
    expect(await shown(form(post(`x=${padding}${padding}`)))).toEqual(TOO_LARGE)
  })

  it("is named in the log with Claimgate's limit and a hint", async () => {
    const lines: string[] = []
    const logging = createGate({
      ...authority.options,
      credentials,
      log: { warn: (line: string) => void lines.push(line) },
    })
    await logging(post('&'.repeat(1000)))
    expect(lines.join('\n')).toContain(
      'The limit is that of Claimgate and cannot be raised: send the token in the Authorization header, or the form as multipart/form-data',
    )
  })

  it('is read up to 1,000 fields, and refused with status 413 beyond that', async () => {
    const others = 'x&'.repeat(999)
    expect(await shown(form(post(`${others}access_token=${token}`)))).toBe('alice')
    expect(await shown(form(post(`${others}&access_token=${token}`)))).toEqual(TOO_LARGE)
    expect(await shown(form(post('&'.repeat(1000))))).toEqual(TOO_LARGE)
  })

  it('is also refused with status 413 if there is a good token, because the form may contain another', async () => {
    const large = post('x'.repeat(65_537), { authorization: `Bearer ${token}` })
    expect(await shown(form(large))).toEqual(TOO_LARGE)
  })

  it('is not read if its Content-Length is too large', async () => {
    const { body, taken } = counted(() => KIB)
    const request = post(body, { 'content-length': '65537' })
    expect(await shown(form(request))).toEqual(TOO_LARGE)
    expect([request.bodyUsed, taken()]).toEqual([false, 0])
  })

  it('is limited even if its Content-Length is small', async () => {
    expect(await shown(form(post(counted(() => KIB).body, { 'content-length': '10' })))).toEqual(TOO_LARGE)
  })

  it.each([
    ['that never ends', () => KIB],
    ['of empty chunks that never ends', () => new Uint8Array(0)],
  ])('%s is refused with status 413', async (_name, next) => {
    expect(await shown(form(post(counted(next).body)))).toEqual(TOO_LARGE)
  })

  it.each([
    ['that never starts', () => new ReadableStream()],
    [
      'that stops halfway',
      () => new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('access_to')) }),
    ],
    [
      'with a byte in every second chunk',
      () =>
        new ReadableStream({
          pull: (controller) =>
            new Promise((resolve) => {
              setTimeout(() => {
                controller.enqueue(Uint8Array.of(97))
                resolve()
              }, 1000)
            }),
        }),
    ],
  ])('%s is refused with status 408 after 5 s', async (_name, body) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    let answered = false
    const answer = shown(form(post(body()))).finally(() => (answered = true))
    await vi.advanceTimersByTimeAsync(4900)
    expect(answered).toBe(false)
    await vi.advanceTimersByTimeAsync(100)
    expect(await answer).toEqual(TOO_SLOW)
  })

  it.each([
    ['fails', () => new ReadableStream({ pull: () => Promise.reject(new Error('broken')) })],
    ['fails without a reason', () => new ReadableStream({ start: (controller) => controller.error() })],
    ['holds text', () => new ReadableStream({ start: (controller) => controller.enqueue('access_token=x') })],
    ['contains an object', () => new ReadableStream({ start: (controller) => controller.enqueue({ byteLength: 1 }) })],
  ])('that %s is refused with status 400', async (_name, body) => {
    expect(await shown(form(post(body())))).toEqual(UNREADABLE)
  })

  it('leaves no timer running', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    for (const body of [`access_token=${token}`, 'x', 'x'.repeat(70_000)]) await form(post(body))
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a form', () => {
  it('is cheap, however many names it has', async () => {
    const names = Array.from({ length: 26_551 }, (_, index) => index.toString(36)).join('&')
    const fits = Array.from({ length: 1000 }, (_, index) => `${index}=${'%41'.repeat(20)}`).join('&')
    await gate(post('warm=up'))
    const began = performance.now()
    expect(await shown(gate(post(names)))).toEqual(TOO_LARGE)
    expect(await shown(gate(post(names.slice(0, 65_000))))).toEqual(TOO_LARGE)
    for (let round = 0; round < 10; round += 1) expect(await shown(gate(post(fits)))).toContain(401)
    expect(performance.now() - began).toBeLessThan(2000)
  })

  it('can still be read after a refusal, and is buffered only as far as it was read', async () => {
    const { body, taken } = counted((index) => (index < 1024 ? KIB : undefined))
    const request = post(body)
    expect(await shown(gate(request))).toEqual(TOO_LARGE)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(taken()).toBeLessThanOrEqual(70 * 1024)
    expect((await request.arrayBuffer()).byteLength).toBe(1024 * 1024)
  })

  it('can still be read after its time limit', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    let end = (): void => {}
    const body = new ReadableStream({
      start: (controller) => {
        end = () => {
          controller.enqueue(KIB)
          controller.close()
        }
      },
    })
    const request = post(body)
    const answer = shown(gate(request))
    await vi.advanceTimersByTimeAsync(5000)
    expect(await answer).toEqual(TOO_SLOW)
    end()
    expect(await request.text()).toHaveLength(1024)
  })

  it('keeps its names as sent', async () => {
    for (const body of [`?access_token=${token}`, `\ufeffaccess_token=${token}`, `access_token\0=${token}`])
      expect(await shown(gate(post(body)))).toContain(401)
    expect(await shown(gate(post(`acc%65ss_token=${token}`)))).toBe('alice')
    expect(await shown(gate(post(`&&access_token=${token}&`)))).toBe('alice')
  })

  it('is read only by its name, on a server that receives it slowly', async () => {
    const server = createServer((req, res) => {
      const body = new ReadableStream({
        start: (controller) => {
          req.on('data', (chunk: Buffer) => controller.enqueue(new Uint8Array(chunk)))
          req.on('end', () => controller.close())
          req.on('error', (error) => controller.error(error))
        },
      })
      shown(gate(post(body))).then(
        (answer) => res.end(JSON.stringify(answer)),
        () => res.writeHead(500).end(),
      )
    })
    const { port, close } = await listen(server)
    const text = `note=x&access_token=${token}`
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n`)
    for (const part of [text.slice(0, 5), text.slice(5, 25), text.slice(25)]) {
      socket.write(part)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    await once(socket, 'close')
    await close()
    expect(answer).toContain('"alice"')
  })
})
