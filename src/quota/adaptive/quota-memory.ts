import type { LearnedRate } from './adaptive-rate.ts'

/**
 * Keeps what was found of an API's limits from one run to the next. Keys tell the API's origin and a hash of the credential, never the
 * credential (S1).
 */
export interface QuotaMemory {
  /** `undefined` where nothing is known. */
  read(key: string): Promise<LearnedRate | undefined>
  write(key: string, learned: LearnedRate): Promise<void>
}

/** Forgets everything: each run finds its rates anew. */
export const noQuotaMemory: QuotaMemory = {
  read: async () => undefined,
  write: async () => {},
}
