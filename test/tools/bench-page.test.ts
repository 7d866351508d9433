import { describe, expect, it } from 'vitest'

import { chart } from '../bench/report/chart.mjs'
import { comparison } from '../bench/report/comparison.mjs'
import { formatNumber, formatSpread } from '../bench/report/format.mjs'
import { goalLines } from '../bench/report/goals.mjs'
import { page, withSections } from '../bench/report/page.mjs'

const verification = comparison({
  title: 'RS256, 64 in flight',
  unit: 'µs',
  samples: { limit: [10, 12], ours: [20, 24], 'a <peer>': [5, 6] },
  limit: 'limit',
  ours: 'ours',
})
const result = {
  id: 'verify',
  title: 'Uncached verification',
  about: 'Microseconds.',
  charted: true,
  comparisons: [verification],
  facts: [
    { name: 'Memory', value: 5285, unit: 'bytes' },
    { name: 'Fetches', value: 1, unit: '' },
  ],
}
const circumstances = {
  date: '2026-11-22',
  command: 'npm run bench',
  machine: 'a CPU, 2 cores',
  versions: { jose: '6.2.17' },
}

describe('a comparison', () => {
  it('compares every contender with the limit and with ours if less is faster', () => {
    expect(
      verification.rows.map(({ name, role, value, ofBase, ofOurs }) => [
        name,
        role,
        value,
        ofBase.median,
        ofOurs.median,
      ]),
    ).toEqual([
      ['limit', 'limit', 11, 1, 2],
      ['ours', 'ours', 22, 0.5, 1],
      ['a <peer>', 'peer', 5.5, 2, 4],
    ])
  })

  it('inverts ratios if more is faster', () => {
    const { rows } = comparison({
      title: 'HTTP',
      unit: 'req/s',
      samples: { bare: [100], ours: [80] },
      limit: 'bare',
      ours: 'ours',
      better: 'more',
    })
    expect(rows[1]?.ofBase.median).toBe(0.8)
  })

  it('does not count other limits as peers', () => {
    const samples = { bare: [1], raw: [2], ours: [3], peer: [4] }
    const { rows } = comparison({ title: '', unit: '', samples, limit: 'bare', otherLimits: ['raw'], ours: 'ours' })
    expect(rows.map(({ role }) => role)).toEqual(['limit', 'limit', 'ours', 'peer'])
  })

  it('uses ours as the base if there is no limit', () => {
    const { base, rows } = comparison({ title: 'Refusals', unit: '', samples: { ours: [4], peer: [8] }, ours: 'ours' })
    expect(base).toBe('ours')
    expect(rows.map(({ role, ofBase }) => [role, ofBase.median])).toEqual([
      ['ours', 1],
      ['peer', 0.5],
    ])
  })
})

describe('numbers in the results', () => {
  it.each([
    [0.01234, '0.0123'],
    [10.26, '10.3'],
    [99.96, '100'],
    [999.7, '1,000'],
    [62_812.4, '62,812'],
    [1, '1'],
  ])('write %d as %s', (value, expected) => {
    expect(formatNumber(value)).toBe(expected)
  })

  it('omit a spread that is too small to see', () => {
    expect(formatSpread({ median: 0.8, low: 0.801, high: 0.799 })).toBe('0.80')
    expect(formatSpread({ median: 0.8, low: 0.78, high: 0.82 })).toBe('0.80 (0.78 to 0.82)')
  })
})

describe('the page of benchmarks', () => {
  const text = page([result], circumstances)

  it('has a table for each comparison and one for the facts', () => {
    expect(text).toContain(
      [
        '### RS256, 64 in flight',
        '',
        '|          | µs  | speed, limit = 1 | of ours |',
        '| -------- | --- | ---------------- | ------- |',
        '| limit    | 11  | 1.00             | 2.00    |',
        '| **ours** | 22  | 0.50             | 1.00    |',
        '| a <peer> | 5.5 | 2.00             | 4.00    |',
      ].join('\n'),
    )
    expect(text).toContain('| Memory  | 5,285 bytes |\n| Fetches | 1           |')
  })
})

describe('a section that is measured alone', () => {
  const text = page([result, { ...result, id: 'http', title: 'HTTP' }], circumstances)
  const later = {
    date: '2026-11-28',
    command: 'npm run bench -- --only http',
    machine: 'another CPU',
    versions: { jose: '7.0.0', peer: '1.0.0' },
  }
  const order = ['Uncached verification', 'DPoP', 'HTTP']
  const note = 'Measured on 2026-11-28 with `npm run bench -- --only http`, on: another CPU.'

  it('replaces that of the page, says when it was measured, and leaves the others', () => {
    const again = { ...result, id: 'http', title: 'HTTP', about: 'Requests.', facts: [] }
    const [before = '', after = ''] = withSections(text, [again], later, order).split('## HTTP\n\n')
    expect(text.startsWith(before)).toBe(true)
    expect(after).toContain(`Requests.\n\n${note}\n\n### RS256`)
    expect(after).toContain('| jose    | 6.2.17  |\n| peer    | 1.0.0   |\n')
  })

  it('is added in the order of the sections', () => {
    const added = withSections(text, [{ ...result, id: 'dpop', title: 'DPoP' }], later, order)
    expect([...added.matchAll(/^## (.*)/gm)].map(([, title]) => title)).toEqual([...order, 'Versions'])
  })
})

describe('a section that was not measured', () => {
  const skipped = { ...result, comparisons: [], facts: [], skipped: 'Not counted.' }

  it('says why on a new page', () => {
    expect(page([skipped], circumstances)).toContain('Microseconds.\n\nNot counted.\n')
  })

  it('leaves what is on the page', () => {
    const text = page([result], circumstances)
    const parts = [text, [skipped], { ...circumstances, date: '2026-11-29' }, ['Uncached verification']] as const
    expect(withSections(...parts)).toBe(text)
  })
})

describe('a row that another machine has, too', () => {
  it.each([
    [80, '0.80'],
    [70, '0.70, elsewhere 0.81'],
    [95, '0.95, elsewhere 0.81'],
  ])('says so if it differs by more than 10 %: %i of 100', (ours, expected) => {
    const title = 'Express 5, 2,000 warm tokens'
    const samples = { bare: [100], claimgate: [ours] }
    const moved = comparison({ title, unit: 'req/s', samples, limit: 'bare', ours: 'claimgate', better: 'more' })
    expect(page([{ ...result, comparisons: [moved] }], circumstances)).toMatch(new RegExp(`\\| ${expected} +\\|`))
  })
})

describe('the chart of benchmarks', () => {
  const svg = chart([result])

  it('has a bar for each row, whose length is its speed', () => {
    const widths = [...svg.matchAll(/<rect class="(\w+)" [^>]*width="([\d.]+)"/g)].map(([, role, width]) => [
      role,
      Number(width),
    ])
    const longest = Math.max(...widths.map(([, width]) => Number(width)))
    expect(widths).toEqual([
      ['limit', longest / 2],
      ['ours', longest / 4],
      ['peer', longest],
    ])
  })
})

describe('the goals', () => {
  it('are reported for the available results', () => {
    const full = {
      ...result,
      comparisons: [
        {
          ...verification,
          rows: verification.rows.map((row) => ({ ...row, name: row.role === 'peer' ? 'jose' : row.name })),
        },
      ],
    }
    expect(goalLines([full])).toEqual([
      'SHORT   RS256, 64 in flight: of the limit: 0.5, wanted at least 0.8',
      'SHORT   RS256, 64 in flight: times as fast as jose: 0.25, wanted at least 1.2',
    ])
  })

  it('are reached at their bound', () => {
    const facts = [{ name: 'Fetches for 10,000 requests at once, with no keys yet', value: 1, unit: '' }]
    expect(goalLines([{ id: 'scale', title: '', about: '', charted: false, comparisons: [], facts }])).toEqual([
      'reached Fetches of a cold start: 1, wanted at most 1',
    ])
  })
})
