import express5 from 'express'
import { createRequire } from 'node:module'
import { startExpress } from '../support/refused/express-server.ts'
import { startFastify } from '../support/refused/fastify-server.ts'
import { FETCH_SITUATIONS, startFetch } from '../support/refused/fetch-server.ts'
import { HONO_SITUATIONS, startHono } from '../support/refused/hono-server.ts'
import { type Setup, SOME_VALUES, testRefusals, usual } from '../support/refused/suite.ts'
import { SITUATIONS } from '../support/refused/world.ts'

const require = createRequire(import.meta.url)
const express4 = require('express4') as typeof express5

const ofExpress = { situations: [...SITUATIONS, 'directory'] } as const
const ofFastify = { situations: [...SITUATIONS, 'twice'] } as const
const SETUPS: readonly Setup[] = [
  { ...usual, ...ofExpress, name: 'Express 4', start: startExpress(express4) },
  { ...usual, ...ofExpress, name: 'Express 5', start: startExpress(express5) },
  { ...usual, ...ofFastify, name: 'Fastify 5', start: startFastify('plugin') },
  { ...usual, ...ofFastify, name: 'Fastify 5 over HTTP/2', start: startFastify('plugin', 'h2'), protocol: 'h2' },
  {
    ...usual,
    ...ofFastify,
    name: 'Fastify 5, preHandler of a route',
    start: startFastify('preHandler'),
    values: SOME_VALUES,
  },
  {
    ...usual,
    ...ofFastify,
    name: 'Fastify 5, hook of a scope',
    start: startFastify('hook of the scope'),
    answers: 'as an error',
    values: SOME_VALUES,
  },
  { ...usual, name: 'fetch gate', start: startFetch(), situations: FETCH_SITUATIONS },
  { ...usual, name: 'Hono', start: startHono, situations: HONO_SITUATIONS, values: SOME_VALUES },
  { ...usual, name: 'fetch gate over HTTP/2', start: startFetch('h2'), situations: FETCH_SITUATIONS, protocol: 'h2' },
]

testRefusals(SETUPS)
