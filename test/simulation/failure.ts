/** A promise was broken. The message says which, and where. */
export class BrokenPromiseError extends Error {
  constructor(promise: string, problem: string) {
    super(`${promise}: ${problem}`)
    this.name = 'BrokenPromiseError'
  }
}
