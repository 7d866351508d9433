/** The size and start of a fuzz run: `FUZZ_COUNT` inputs from `FUZZ_SEED`, or those of CI's short run. */
export interface FuzzRun {
  readonly seed: number
  readonly count: number
}

const SHORT_RUN: FuzzRun = { seed: 20_261_121, count: 210_000 }

export function fuzzRun(env: Readonly<Record<string, string | undefined>>): FuzzRun {
  return {
    seed: numberFrom('FUZZ_SEED', env['FUZZ_SEED'], SHORT_RUN.seed),
    count: numberFrom('FUZZ_COUNT', env['FUZZ_COUNT'], SHORT_RUN.count),
  }
}

function numberFrom(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined || text === '') return otherwise
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0) return value
  throw new TypeError(`Cannot fuzz: "${name}" must be a whole number, found ${JSON.stringify(text)}`)
}
