import { startAuthService, type AuthService, DEMO_USERS } from '@claimgate-examples/auth-service'
import { createWorker, type KeyValueNamespace } from '@claimgate-examples/cloudflare-worker/worker'
import { startExpressServer } from '@claimgate-examples/resource-server-express'
import { startFastifyServer } from '@claimgate-examples/resource-server-fastify'
import { type Clock, createVerifier, optionsFromEnv, type Verifier } from '@claimgate/core'
import { createKeySetWatch } from './key-set-watch.ts'
import { exportJWK, generateKeyPair } from 'jose'
import type { Target } from './narrator.ts'
import type { KeySetState } from './show-state.ts'
import { serveWorker, type WorkerServer } from './worker-server.ts'

/** All servers of the demo. */
export interface Stage {
  readonly clock: DemoClock
  /** The auth service. After a restart, this is a new one. */
  auth(): AuthService
  /** Stops the auth service and starts it again, on the same port and with its initial keys. */
  restartAuth(): Promise<void>
  readonly worker: WorkerServer
  /** The three servers whose routes need tokens. */
  readonly servers: readonly Target[]
  /** What each server has said about its key set, by the server's name. */
  keySet(server: string): KeySetState
  /** A verifier like those of the servers, to explain their responses. */
  readonly verifier: Verifier
  close(): Promise<void>
}

/** Starts everything on free ports of 127.0.0.1. */
export async function setStage(): Promise<Stage> {
  const clock = createDemoClock()
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const keys = [await exportJWK(privateKey)]
  const apis: { readonly url: string }[] = []
  const logoutUris = (): readonly string[] => apis.map(({ url }) => `${url}/api/v1/ended-sessions`)
  let auth = await startAuthService({ users: DEMO_USERS, clock, keys, logoutUris })
  const env = {
    JWT_ISSUER: auth.url,
    JWT_AUDIENCE: 'orders-api',
    JWT_JWKS_URI: `${auth.url}/.well-known/jwks.json`,
  }
  const watch = createKeySetWatch(clock)
  const express = await startExpressServer({ env, verifier: { clock, onEvent: watch.listener('express') } })
  const fastify = await startFastifyServer({ env, verifier: { clock, onEvent: watch.listener('fastify') } })
  apis.push(express, fastify)
  const workerOptions = { clock, onEvent: watch.listener('worker') }
  const worker = await serveWorker(() => createWorker(workerOptions), { ...env, KEYS: createMemoryNamespace() })
  const verifier = createVerifier({ ...optionsFromEnv(env), clock })

  return {
    clock,
    auth: () => auth,
    restartAuth: async () => {
      await auth.close()
      const port = Number(new URL(auth.url).port)
      auth = await startAuthService({ users: DEMO_USERS, clock, keys, logoutUris, port })
    },
    worker,
    servers: [
      { name: 'express', url: express.url },
      { name: 'fastify', url: fastify.url },
      { name: 'worker', url: worker.url },
    ],
    keySet: watch.state,
    verifier,
    close: async () => {
      verifier.close()
      await Promise.all([express.close(), fastify.close(), worker.close(), auth.close()])
    },
  }
}

/**
 * Logs in over HTTP and returns the access token.
 *
 * @throws Error if the auth service responds with anything else
 */
export async function logIn(stage: Stage, userName: string): Promise<string> {
  const response = await fetch(`${stage.auth().url}/api/v1/auth`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: credentialsOf(userName),
    signal: AbortSignal.timeout(10_000),
  })
  const { jwt } = (await response.json()) as { readonly jwt?: unknown }
  if (typeof jwt === 'string') return jwt
  throw new Error(`Cannot log in as ${userName}: the auth service answered ${response.status}`)
}

/** The body of a log-in, as JSON text. */
export function credentialsOf(userName: string): string {
  const password = DEMO_USERS.find((person) => person.userName === userName)?.password
  return JSON.stringify({ userName, password })
}

/** A clock that runs like the real one. The demo can advance it instead of waiting. */
export interface DemoClock extends Pick<Clock, 'now' | 'monotonic'> {
  /** Advances wall time and monotonic time. From 0. */
  pass(seconds: number): void
}

/** Creates a clock that starts at the real time. */
export function createDemoClock(): DemoClock {
  let offset = 0
  return {
    now: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    pass: (seconds) => {
      offset += seconds * 1000
    },
  }
}

/** A KV namespace in memory. Its data is lost when the demo ends. */
export function createMemoryNamespace(): KeyValueNamespace {
  const entries = new Map<string, string>()
  return {
    get: async (key) => entries.get(key) ?? null,
    put: async (key, value) => {
      entries.set(key, value)
    },
  }
}
