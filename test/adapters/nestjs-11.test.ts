import { expect, it, vi } from 'vitest'
import { isNest11Installed, ofNest11 } from '../support/nestjs/nest11.ts'

vi.mock('@nestjs/common', () => ofNest11('@nestjs/common'))
vi.mock('@nestjs/core', () => ofNest11('@nestjs/core'))
vi.mock('@nestjs/platform-express', () => ofNest11('@nestjs/platform-express'))
vi.mock('@nestjs/platform-fastify', () => ofNest11('@nestjs/platform-fastify'))

const installed = isNest11Installed ? ['@nestjs/core'] : []
const missing = isNest11Installed ? [] : ['npm run setup:nest11']

// The same tests, with the packages of Nest 11.
await Promise.all(installed.map(() => import('./nestjs.test.ts')))

it.each(installed)('%s is that of Nest 11', async (name) => {
  expect(ofNest11(`${name}/package.json`)).toHaveProperty('version', expect.stringMatching(/^11\./))
  const { NestFactory } = ofNest11(name) as { NestFactory: unknown }
  expect((await import('@nestjs/core')).NestFactory).toBe(NestFactory)
})

it.each(missing)('Nest 11 is not run, because it is not installed: %s', () => {
  expect(isNest11Installed).toBe(false)
})
