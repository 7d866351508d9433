import type { ProtectedResource, ResourceFacts } from '@claimgate/core/adapter'

/** A protected resource, and everything that it was told. */
export function learningResource(resource = 'https://api.example/orders'): {
  readonly resource: ProtectedResource
  readonly facts: readonly ResourceFacts[]
} {
  const facts: ResourceFacts[] = []
  return {
    facts,
    resource: {
      resource,
      metadataUri: 'https://api.example/metadata',
      paths: ['/metadata'],
      answer: () => undefined,
      learn: (more) => void facts.push(more),
    },
  }
}
