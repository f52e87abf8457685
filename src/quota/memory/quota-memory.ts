import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { LearnedRate } from '../adaptive/adaptive-rate.ts'

/** From, to, cost: see `Spend`. */
const spend = z.tuple([z.number(), z.number(), z.number().nonnegative()])

const limitUse = z.object({
  /** Milliseconds after which what was spent counts no more, however the limit counts. */
  heldMs: z.number().positive(),
  /** What each tenant or resource spent, or, under the empty name, all requests. Names and words of limits are hashed (S1). */
  parts: z.record(z.string(), z.array(spend)),
  /** What each of those that have no name here may have spent. */
  others: z.array(spend),
})

/** What was spent of an account's declared limits, by limit: plain JSON. */
export const keptUse = z.object({ limits: z.record(z.string(), limitUse) })

export type KeptUse = z.output<typeof keptUse>
export type LimitUse = z.output<typeof limitUse>

/** What stands for a limit, a tenant or a resource: names are not written down (S1). */
export function nameHash(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16)
}

/** Without what is over; `undefined` where all of it is. */
export function leftOf({ heldMs, parts, others }: LimitUse, wallNow: number): LimitUse | undefined {
  const isLeft = ([, to]: readonly [number, number, number]) => to + heldMs > wallNow
  const left = Object.entries(parts)
    .map(([part, spent]) => [part, spent.filter(isLeft)] as const)
    .filter(([, spent]) => spent.length > 0)
  const othersLeft = others.filter(isLeft)
  return left.length + othersLeft.length === 0
    ? undefined
    : { heldMs, parts: Object.fromEntries(left), others: othersLeft }
}

/**
 * Keeps from one run to the next what was found of an API's limits, and what was spent of those that are declared. Keys tell the API's origin
 * and a hash of the credential, never the credential (S1).
 */
export interface QuotaMemory {
  /** `undefined` where nothing is known. */
  read(key: string): Promise<LearnedRate | undefined>
  write(key: string, learned: LearnedRate): Promise<void>
  /** `undefined` where nothing is known: then nothing was spent. */
  readUse(key: string): Promise<KeptUse | undefined>
  /** Takes the place of what was written before. Requests wait for it: it says what may be spent until the next writing. */
  writeUse(key: string, use: KeptUse): Promise<void>
}

/** Forgets everything: each run finds its rates anew, and begins with full quotas. */
export const noQuotaMemory: QuotaMemory = {
  read: async () => undefined,
  write: async () => {},
  readUse: async () => undefined,
  writeUse: async () => {},
}
