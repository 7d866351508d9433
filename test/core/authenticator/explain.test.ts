import {
  AuthError,
  type Binding,
  createAuthenticator,
  type Explanation,
  type HttpOptions,
  scope,
} from '@claimgate/core'
import { createMemoryReplayStore } from '@claimgate/core/dpop'
import { mtls } from '@claimgate/core/mtls'
import { describe, expect, it } from 'vitest'
import { NOW, request } from '../../support/core/refusal.ts'
import {
  boundToken,
  createDpopApi,
  createDpopClient,
  ORIGIN,
  plainToken,
  type ProofChanges,
} from '../../support/dpop/client.ts'
import { createCertificate } from '../../support/mtls/certificates.ts'

const client = await createDpopClient()
const other = await createDpopClient()
const token = await boundToken(client.jkt, { scope: 'orders:read' })
const plain = await plainToken()

type Step = Explanation['steps'][number]
const stepOf = ({ steps }: Explanation, name: string): Step | undefined => steps.find(({ step }) => step === name)
const failedOf = ({ steps }: Explanation): readonly string[] =>
  steps.filter(({ result }) => result === 'failed').map(({ step }) => step)
const proofStepsOf = ({ steps }: Explanation): readonly string[] =>
  steps.filter(({ step }) => step.startsWith('proof')).map(({ step, result }) => `${step} ${result}`)

const sent = (authorization: string, proof?: string, more = {}) =>
  request({ authorization, ...(proof !== undefined && { dpop: proof }) }, more)
const explain = async (changes: ProofChanges = {}, options = {}, from = client): Promise<Explanation> =>
  createDpopApi(options).authenticator.explain(sent(`DPoP ${token}`, await from.proof(token, changes)))

describe('41. explain of an authenticator', () => {
  it('tells each step of a proof, and uses up nothing', async () => {
    const asked: string[] = []
    const store = createMemoryReplayStore()
    const insertIfAbsent = async (key: string, seconds: number): Promise<boolean> => {
      asked.push(key)
      return store.insertIfAbsent(key, seconds)
    }
    const replay = { insertIfAbsent }
    const { authenticator } = createDpopApi({ replay })
    const view = sent(`DPoP ${token}`, await client.proof(token))
    for (let times = 0; times < 2; times += 1) {
      const explanation = await authenticator.explain(view, scope('orders:read'))
      expect(explanation).toMatchObject({ accepted: true, summary: 'Accepted: every step that was tried passed' })
      expect(explanation.steps[0]).toMatchObject({ step: 'credential', result: 'passed', actual: '"DPoP"' })
      expect(proofStepsOf(explanation)).toEqual([
        'proof passed',
        'proof.typ passed',
        'proof.alg passed',
        'proof.htm passed',
        'proof.htu passed',
        'proof.jti passed',
        'proof.iat passed',
        'proof.ath passed',
        'proof.jwk passed',
        'proof.signature passed',
        'proof.jkt passed',
        'proof.replay skipped',
      ])
      expect(stepOf(explanation, 'proof.replay')?.hint).toMatch(/not tried/i)
      expect(stepOf(explanation, 'proof.htu')).toMatchObject({
        expected: `"${ORIGIN}/orders"`,
        actual: `"${ORIGIN}/orders"`,
      })
      expect(stepOf(explanation, 'binding')).toMatchObject({ expected: '["jkt"]', actual: '"DPoP"' })
      expect(stepOf(explanation, 'requirement')).toMatchObject({ result: 'passed', expected: '"scope orders:read"' })
    }
    expect(asked).toEqual([])
    expect(await authenticator.authenticate(view)).toMatchObject({ kind: 'authenticated' })
    expect(asked).toHaveLength(1)
  })

  it.each<[string, ProofChanges, object]>([
    ['proof.typ', { header: { typ: 'JWT' } }, { expected: '"typ: dpop+jwt"', actual: '"JWT"' }],
    ['proof.jwk', { header: { jwk: undefined } }, { expected: '"a sound public key as jwk"' }],
    ['proof.signature', { header: { jwk: { ...other.jwk } } }, { actual: '"another signature"' }],
    ['proof.htm', { claims: { htm: 'POST' } }, { expected: '"htm: GET"', actual: '"POST"' }],
    [
      'proof.htu',
      { claims: { htu: 'https://evil.example/orders' } },
      { expected: `"htu: ${ORIGIN}/orders"`, actual: '"https://evil.example/orders"' },
    ],
    ['proof.jti', { claims: { jti: '' } }, { expected: '"jti: text of 1 to 512 characters"' }],
    ['proof.iat', { claims: { iat: NOW - 100 } }, { expected: '"iat: at most 60 s ago"', actual: '"100 s ago"' }],
    ['proof.ath', { claims: { ath: 'x' } }, { actual: '"another hash"' }],
  ])('names %s, and what was expected and found', async (step, changes, details) => {
    const explanation = await explain(changes)
    expect(explanation).toMatchObject({ accepted: false, code: 'binding_failed' })
    expect(explanation.summary).toMatch(/^Refused \(binding_failed\): The sender has not shown possession/)
    expect(stepOf(explanation, step)).toMatchObject({ result: 'failed', ...details })
    expect(failedOf(explanation)[0]).toBe(step)
  })

  it('names several at once', async () => {
    const explanation = await explain({ claims: { htm: 'PUT', iat: NOW + 60, ath: undefined } })
    expect(failedOf(explanation)).toEqual(['proof.htm', 'proof.iat', 'proof.ath'])
  })

  it('names the key of another client, and skips what a proof without a form cannot have', async () => {
    const foreign = await explain({}, {}, other)
    expect(failedOf(foreign)).toEqual(['proof.jkt'])
    expect(stepOf(foreign, 'proof.jkt')?.hint).toMatch(/must sign proofs with the key/)
    const { authenticator } = createDpopApi()
    const formless = await authenticator.explain(sent(`DPoP ${token}`))
    expect(failedOf(formless)).toEqual(['proof'])
    expect(stepOf(formless, 'proof')).toMatchObject({ expected: '"one DPoP header"', actual: '0' })
    expect(
      proofStepsOf(formless)
        .slice(1)
        .every((line) => line.endsWith('skipped')),
    ).toBe(true)
  })

  it('names the nonce, and what the client must do', async () => {
    const nonces = { secret: 'a secret of at least thirty-two bytes' }
    const explanation = await explain({}, { nonces })
    expect(failedOf(explanation)).toEqual(['proof.nonce'])
    expect(stepOf(explanation, 'proof.nonce')).toMatchObject({
      actual: '"none"',
      hint: expect.stringContaining('repeat the request') as string,
    })
    expect(stepOf(explanation, 'proof.iat')?.result).toBe('passed')
  })

  it('explains the proof of a token that is refused, except for its key', async () => {
    const expired = await boundToken(client.jkt, { exp: NOW - 60 })
    const proof = await client.proof(expired, { claims: { htm: 'PUT' } })
    const explanation = await createDpopApi().authenticator.explain(sent(`DPoP ${expired}`, proof), scope('x'))
    expect(explanation).toMatchObject({ accepted: false, code: 'token_expired' })
    expect(failedOf(explanation)).toEqual(['exp', 'proof.htm'])
    expect(stepOf(explanation, 'proof.jkt')).toMatchObject({ result: 'skipped', hint: expect.any(String) as string })
    expect(stepOf(explanation, 'requirement')?.result).toBe('skipped')
  })

  it.each([
    ['a bound token as Bearer', `Bearer ${token}`, 'binding', 'binding_failed'],
    ['a plain token as DPoP', `DPoP ${plain}`, 'binding', 'binding_missing'],
    ['another scheme', 'Basic YTpi', 'credential', 'credential_scheme'],
    ['a token without its scheme', token, 'credential', 'credential_scheme'],
    ['two tokens', `DPoP ${token}, DPoP ${token}`, 'credential', 'credential_repeated'],
    ['a token with other characters', `Bearer ${'é'.repeat(9)}`, 'credential', 'credential_malformed'],
  ])('names %s', async (_, authorization, step, code) => {
    const proof = await client.proof(token)
    const { authenticator } = createDpopApi()
    const view = sent(authorization, proof)
    const explanation = await authenticator.explain(view)
    expect(explanation).toMatchObject({ accepted: false, code })
    expect(stepOf(explanation, step)).toMatchObject({ result: 'failed', code })
    expect(await authenticator.authenticate(view)).toMatchObject({ kind: 'refused', error: { code } })
  })

  it('explains an anonymous request, and a requirement that is not met', async () => {
    const { authenticator } = createDpopApi({}, { optional: true })
    expect(await authenticator.explain(request())).toMatchObject({ accepted: true, steps: [{ actual: '"none"' }] })
    expect(await authenticator.explain(request(), scope('x'))).toMatchObject({ code: 'credential_missing' })
    const view = sent(`DPoP ${token}`, await client.proof(token))
    const explanation = await authenticator.explain(view, scope('admin'))
    expect(explanation.code).toBe('insufficient_scope')
    expect(failedOf(explanation)).toEqual(['requirement'])
  })

  it('repeats neither token nor proof nor key', async () => {
    for (const changes of [{}, { claims: { htm: 'PUT', htu: token } }, { header: { typ: token } }]) {
      const proof = await client.proof(token, changes)
      const text = JSON.stringify(await createDpopApi().authenticator.explain(sent(`DPoP ${token}`, proof)))
      for (const part of [...token.split('.'), ...proof.split('.'), client.jwk.x ?? '-'])
        expect(text).not.toContain(part)
    }
  })
})

describe('42. explain of an authenticator with mtls', () => {
  const certificate = createCertificate('client')
  const another = createCertificate('other')
  const explained = async (der: Uint8Array | undefined): Promise<Explanation> => {
    const bound = await boundToken('', { cnf: { 'x5t#S256': certificate.thumbprint } })
    const { authenticator } = createDpopApi({}, { bindings: [mtls({ from: 'connection' })] })
    return authenticator.explain(sent(`Bearer ${bound}`, undefined, { clientCertificate: () => der }))
  }

  it('tells which certificate was found', async () => {
    const explanation = await explained(certificate.der)
    expect(explanation).toMatchObject({ accepted: true, summary: 'Accepted: every step passed' })
    expect(stepOf(explanation, 'certificate.x5t#S256')).toMatchObject({ actual: `"${certificate.thumbprint}"` })
    expect(failedOf(await explained(another.der))).toEqual(['certificate.x5t#S256'])
    const without = await explained(undefined)
    expect(failedOf(without)).toEqual(['certificate'])
    expect(stepOf(without, 'certificate')).toMatchObject({
      hint: expect.stringContaining('request certificates') as string,
    })
    expect(stepOf(without, 'certificate.x5t#S256')?.result).toBe('skipped')
  })
})

describe('explain of a binding without steps', () => {
  const explainedWith = async (binding: Partial<Binding>): Promise<Explanation> => {
    const bindings = [{ confirmation: 'jkt', confirm: async () => {}, ...binding }] as HttpOptions['bindings'] & object
    return createDpopApi({}, { bindings }).authenticator.explain(sent(`Bearer ${token}`))
  }
  const refuse = async (): Promise<never> => {
    throw new AuthError('binding_failed')
  }

  it('calls confirm', async () => {
    expect(await explainedWith({})).toMatchObject({ accepted: true })
    expect(await explainedWith({ confirm: refuse })).toMatchObject({ accepted: false, code: 'binding_failed' })
  })

  it.each([undefined, 'route', new Error('down')])('fails closed if it throws %s', async (thrown) => {
    const fail = (): never => {
      throw thrown as Error
    }
    for (const binding of [{ confirm: fail }, { steps: () => [{ name: 'toy', run: fail }] }, { steps: fail }])
      expect(await explainedWith(binding)).toMatchObject({ accepted: false })
    expect(await explainedWith({ confirm: fail })).toMatchObject({ code: 'check_unavailable' })
  })

  it('never throws, whatever a verifier answers', async () => {
    for (const answer of [
      undefined,
      () => undefined,
      () => Promise.reject(new Error('no')),
      () => ({ accepted: 'yes' }),
    ]) {
      const verifier = { verify: async () => ({ claims: {}, scopes: new Set() }), explain: answer } as never
      const { explain: explained } = createAuthenticator({ verifier })
      expect(await explained(sent('Bearer abc'))).toMatchObject({ accepted: false })
    }
  })

  it('rejects steps that are no function at start-up', () => {
    expect(() => createDpopApi({}, { bindings: [{ confirmation: 'x', confirm: refuse, steps: 1 } as never] })).toThrow(
      /each of "bindings"/,
    )
  })
})
