import { KEY_SET_TUNING, quote } from '@claimgate/core/adapter'

import { type Finding, markOf } from '../finding.ts'
import { type Line, styled } from '../terminal/line.ts'
import type { Caching } from './caching.ts'
import type { KeyReport, KeySetReport } from './report.ts'

/** What is to be said about a set besides its keys. `bytes` is the size of its text. */
export function keySetFindings(
  { keys, usable, duplicateKids, failure }: KeySetReport,
  bytes: number,
): readonly Finding[] {
  if (failure !== undefined) return [{ severity: 'bad', about: 'JWK Set', message: failure.message }]
  const size: Finding = {
    details: keyLines(keys),
    severity: 'good',
    about: 'JWK Set',
    message: `${count(keys.length, 'key')}, ${usable} usable, ${bytes} bytes`,
  }
  return [
    usable === 0 ? { ...size, severity: 'bad', hint: 'Claimgate rejects a set without a usable key.' } : size,
    ...limit('maxBytes', bytes, 'bytes'),
    ...limit('maxKeys', keys.length, 'members'),
    ...keys.filter(({ flaw }) => flaw === 'private_parts').map(privateParts),
    ...duplicateKids.map((kid): Finding => ({
      severity: 'warning',
      about: 'kid',
      message: `${quote(kid)} names several keys`,
      hint: 'Claimgate refuses a token if more than one of them fits its algorithm. Give each key its own kid.',
    })),
    ...keys
      .filter(({ usable: isUsable, kid }) => isUsable && kid === null)
      .slice(0, 1)
      .map((): Finding => ({
        severity: 'note',
        about: 'kid',
        message: 'Some keys have no kid',
        hint: 'Tokens without kid are tried with up to four keys that fit.',
      })),
  ]
}

function limit(name: 'maxBytes' | 'maxKeys', found: number, unit: string): readonly Finding[] {
  const most = Number(KEY_SET_TUNING[name].default)
  if (found <= most) return []
  const message = `${found} ${unit}, and Claimgate reads ${most} by default`
  return [{ severity: 'bad', about: 'JWK Set', message, hint: `Set keySet: { ${name}: … }.` }]
}

function privateParts({ kid, member }: KeyReport): Finding {
  return {
    severity: 'warning',
    about: 'private key',
    message: `${nameOf(kid)} is published with private parts (${quote(member)}), so anyone can sign with it`,
    hint: 'Replace the key, and publish only its public members. Claimgate does not use it.',
  }
}

const MOST_SHOWN = 64

// The keys as a table.
function keyLines(keys: readonly KeyReport[]): readonly Line[] {
  const rows = keys
    .slice(0, MOST_SHOWN)
    .map((key) => ({ key, cells: [nameOf(key.kid), typeOf(key), quoted(key.alg), quoted(key.use)] }))
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map(({ cells }) => cells[column]?.length ?? 0)))
  const hidden = keys.length - rows.length
  const more: readonly Line[] = hidden > 0 ? [styled('dim', `      and ${hidden} more: --json has all`)] : []
  const lines = rows.map(({ key: { usable, flaw, member }, cells }): Line => [
    '    ',
    markOf(usable ? 'good' : flaw === 'private_parts' ? 'warning' : 'note'),
    ` ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`,
    ...(usable ? [] : [styled('dim', `  skipped: ${flaw}${member === null ? '' : ` (${quote(member)})`}`)]),
  ])
  return [...lines, ...more]
}

const nameOf = (kid: string | null): string => (kid === null ? 'no kid' : quote(kid))

const quoted = (text: string | null): string => (text === null ? '–' : quote(text).slice(1, -1))

function typeOf({ kty, crv, bits }: KeyReport): string {
  return [quoted(kty), crv === null ? '' : quoted(crv), bits === null ? '' : `${bits} bits`]
    .filter((part) => part !== '')
    .join(' ')
}

/** What Claimgate makes of the header fields for caches. */
export function cachingFindings(
  { cacheControl, etag, freshFor, source, refreshBetween, usableFor, conditional }: Caching,
  revalidated: boolean | undefined,
): readonly Finding[] {
  const why = source === 'max-age' ? '' : ', the default, because the server does not say'
  const [from, to] = refreshBetween
  const answers =
    revalidated === undefined
      ? ''
      : revalidated
        ? ', and the server answers 304'
        : ', but the server sends the whole set again'
  return [
    {
      severity: 'note',
      about: 'Cache-Control',
      message: cacheControl === null ? 'none' : quote(cacheControl),
      hint: `Claimgate: fresh for ${freshFor} s${why}; refreshed in the background after ${from} to ${to} s; used for up to ${usableFor} s while the server fails.`,
    },
    {
      severity: 'note',
      about: 'ETag',
      message: etag === null ? 'none' : quote(etag),
      hint: conditional ? `Claimgate sends it with refreshes${answers}.` : 'Claimgate fetches the whole set each time.',
    },
  ]
}

const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`
