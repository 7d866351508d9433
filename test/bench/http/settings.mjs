/**
 * The settings of every server.
 *
 * @typedef {object} Settings
 * @property {string} issuer
 * @property {string} audience
 * @property {string} jwksUri
 * @property {{ keys: object[] }} jwks the set at `jwksUri`
 */

/**
 * @param {Settings} settings
 * @returns {{ issuer: string, audience: string, jwksUri: string }} options of Claimgate
 */
export function ours({ issuer, audience, jwksUri }) {
  return { issuer, audience, jwksUri }
}
