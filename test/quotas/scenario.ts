// A scenario is a file: a model of an API, of the way to it and of who else asks it; what a user would declare of it; and the target.
import { readdirSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { OpenClientOptions } from '../../src/config/open-client.ts'
import { duration } from '../../src/options/duration.ts'

/** The share that is used, at least, and the share of all requests that is refused, at most. */
export const targets = {
  alone: { used: 0.99, refused: 0, says: 'declared or reported, ours alone' },
  shared: { used: 0.97, refused: 0.005, says: 'shared with strangers' },
  found: { used: 0.92, refused: 0.005, says: 'has to be found' },
  processes: { used: 0.97, refused: 0, says: 'two processes' },
} as const

const chance = z.number().min(0).max(1).default(0)

const limit = z.strictObject({
  kind: z.enum(['fixed', 'from-first', 'log', 'counter', 'bucket', 'concurrent']),
  /** Requests, points or places; what a bucket holds. */
  most: z.number(),
  per: duration.optional(),
  /** What a bucket gains. */
  perSecond: z.number().optional(),
  /** What the reports call it. */
  name: z.string().default('default'),
  /** Holds for requests whose path begins so. */
  path: z.string().optional(),
  /** One for each value of this header. */
  each: z.string().optional(),
  /** The share that is left to others, whether or not they take it: it is not ours to use. */
  reserved: z.number().min(0).max(1).default(0),
  /** False: another limit is reached first, and this one's use is not judged. */
  binds: z.boolean().default(true),
})

const spread = z.strictObject({
  least: duration,
  /** The mean of what comes on top, exponentially distributed and at most eight times as long. */
  jitter: duration.prefault('0s'),
})

const report = z.enum(['ietf', 'draft-6', 'epoch', 'epoch-ms', 'buckets', 'used'])

const neighbour = z.strictObject({
  perSecond: z.number(),
  /** Bursts: they ask for so long in each `every`. Default: all the time. */
  for: duration.optional(),
  every: duration.optional(),
})

const scenario = z.strictObject({
  says: z.string(),
  target: z.enum(Object.keys(targets) as [keyof typeof targets]),
  server: z.strictObject({
    limits: z.array(limit).min(1),
    /** How far into a window of an hour the simulation begins. */
    begins: duration.prefault('0s'),
    reports: report.optional(),
    /** How a time until a reset becomes whole seconds. */
    rounds: z.enum(['up', 'down']).default('up'),
    refusal: z
      .strictObject({ status: z.int().default(429), retryAfter: z.boolean().default(true) })
      .prefault({}),
    /** After a refusal everything is refused for so long. */
    penalty: duration.optional(),
    /** The server's clock is so far ahead. */
    ahead: duration.prefault('0s'),
    /** What requests cost: all the same, or up to `asked` is counted and `actual` of it (a range) kept. */
    cost: z
      .union([z.number(), z.strictObject({ asked: z.number(), actual: z.tuple([z.number(), z.number()]) })])
      .default(1),
  }),
  /** Of the way there and back together. */
  latency: spread,
  /** How long the server works at a request. */
  service: spread.prefault({ least: '0s' }),
  faults: z
    .strictObject({
      /** The connection breaks: half of them before the server has seen the request. */
      reset: chance,
      /** The server counts the request, and answers 503. */
      error: chance,
      /** A reply without the headers that others have. */
      bare: chance,
    })
    .prefault({}),
  neighbours: z.array(neighbour).default([]),
  /** What the readers ask, each of them without end. */
  readers: z
    .array(
      z.strictObject({
        count: z.int(),
        path: z.string().default('items'),
        headers: z.record(z.string(), z.string()).default({}),
      }),
    )
    .min(1),
  processes: z.int().default(1),
  /** What a user says of the API, as in a pipeline's source. */
  source: z.custom<Omit<OpenClientOptions, 'baseUrl'>>((value) => typeof value === 'object'),
  /** What the tests of every day run, and ask of it. */
  slice: z.strictObject({ for: duration, used: z.number(), refused: z.number().default(0) }),
})

export type Scenario = z.output<typeof scenario> & { readonly name: string }
export type ScenarioLimit = z.output<typeof limit>
export type ReportDialect = z.output<typeof report>

const folder = new URL('./scenarios/', import.meta.url)

/** All scenarios, in the order of their names. */
export function readScenarios(): readonly Scenario[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => ({
      ...scenario.parse(parse(readFileSync(new URL(file, folder), 'utf8'))),
      name: file.replace(/\.yaml$/, ''),
    }))
}
