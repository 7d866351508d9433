/** One requirement of the contract of a kind of store. */
export interface StoreCase<Subject> {
  /** What the store must do. */
  readonly name: string
  /**
   * Tests an empty store that nothing else uses.
   *
   * @throws Error if the store does not meet the requirement
   */
  run(subject: Subject): Promise<void>
}

/** Lets time pass for a store under test. */
export interface PassTime {
  /** Lets this many seconds pass on the store's clock: advances it, or waits. No case lets more than 4 pass. */
  pass(seconds: number): Promise<void>
}

/** Calls a function this many times at once. */
export async function atOnce<T>(count: number, call: (index: number) => Promise<T>): Promise<readonly T[]> {
  return Promise.all(Array.from({ length: count }, async (_, index) => call(index)))
}
