/**
 * Where an issuer's metadata may be, in the order to ask: the path of OpenID Connect Discovery section 4.1 appended, the
 * path of RFC 8414 section 3.1 inserted, and OpenID's name inserted likewise (RFC 8414 section 5).
 */
export function metadataUris(issuer: URL): readonly URL[] {
  const path = issuer.pathname.replace(/\/$/, '')
  const paths = [
    `${path}/.well-known/openid-configuration`,
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
  ]
  return [...new Set(paths)].map((pathname) => Object.assign(new URL(issuer), { pathname }))
}
