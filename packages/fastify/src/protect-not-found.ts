import type { FastifyInstance } from 'fastify'

const done = new WeakMap<object, Set<string>>()

/**
 * Lets unknown paths under the prefix of a scope run the hooks of the scope, so that an answer does not tell which routes exist.
 * Without a prefix they run the hooks of the root already.
 */
export function protectNotFound(fastify: FastifyInstance): void {
  const prefixes = done.get(fastify.server) ?? new Set<string>()
  done.set(fastify.server, prefixes)
  if (fastify.prefix === '' || prefixes.has(fastify.prefix)) return
  prefixes.add(fastify.prefix)
  // Fastify's own handler, which its types do not know to be the default.
  const setDefault = fastify.setNotFoundHandler.bind(fastify) as unknown as () => void
  try {
    setDefault()
  } catch {
    // The scope has a handler of its own, and that runs the hooks as well.
  }
}
