// The world behind the API: seven tables, how they change, and the truth about them.
//
// A world is a function of (seed, sizes, startTime, rounds of changes): the same four give the same records, in any process.
import {
  chargeId,
  chargeJson,
  eventJson,
  insertId,
  projectId,
  projectJson,
  ticketId,
  ticketJson,
  transactionId,
  transactionJson,
  userId,
  userJson,
} from './data.ts'
import { fraction, mix } from './random.ts'
import { AppendLog, ChangeFeed, DayFiles, Timeline } from './tables.ts'

export const TABLES = [
  'users',
  'tickets',
  'transactions',
  'charges',
  'events',
  'exportEvents',
  'projects',
] as const
export type Table = (typeof TABLES)[number]

/** How many records each table holds before any change. */
export type Sizes = Readonly<Record<Table, number>>

/** One round of changes. Inserts go to every table; updates and deletes to users and tickets, the rest is append-only. */
export interface Round {
  /** Epoch milliseconds. */
  readonly at: number
  readonly inserts: number
  readonly updates: number
  readonly deletes: number
}

/** A record that a complete warehouse must hold: its key, and the record as JSON text with every digit. */
export interface TruthRow {
  readonly key: string
  readonly json: string
}

export type Truth = Readonly<Record<Table, () => Iterable<TruthRow>>>

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const EXPORT_DAYS = 7
/** An offline client may send events up to so many days late (docs.mixpanel.com, "late data"; loaders look back 5 days). */
const LATE_DAYS = 5
const EVENTS_SALT = 0xe4e
const EXPORT_SALT = 0xe49

/** The oldest table begins so long before `startTime`. */
export const HISTORY_MS = 30 * DAY_MS
/** The base data ends so long before `startTime`: the time between belongs to generations. */
export const QUIET_MS = HOUR_MS
/** Generations are so far apart. */
export const GENERATION_MS = 30_000

/** Shares of a total number of records, per table. Projects are there when they are asked for by name. */
const SHARES: Readonly<Record<Table, number>> = {
  users: 0.1,
  tickets: 0.2,
  transactions: 0.25,
  charges: 0.15,
  events: 0.15,
  exportEvents: 0.15,
  projects: 0,
}

/** Splits a number of records over the tables; the sum is exact. */
export function split(records: number): Sizes {
  const sizes = Object.fromEntries(
    TABLES.map((table) => [table, Math.floor(records * SHARES[table])]),
  ) as Record<Table, number>
  const rest = records - TABLES.reduce((sum, table) => sum + sizes[table], 0)
  return { ...sizes, transactions: sizes.transactions + rest }
}

export class World {
  readonly seed: number
  readonly startTime: number
  readonly users: ChangeFeed
  readonly tickets: ChangeFeed
  readonly transactions: AppendLog
  readonly charges: AppendLog
  readonly events: AppendLog
  readonly exportEvents: DayFiles
  readonly projects: AppendLog
  readonly #sizes: Sizes
  readonly #rounds: Round[] = []

  constructor(seed: number, sizes: Sizes, startTime: number) {
    this.seed = seed
    this.startTime = startTime
    this.#sizes = sizes
    const start = Math.floor((startTime - HISTORY_MS) / 1000)
    const span = (HISTORY_MS - QUIET_MS) / 1000
    const lastMs = startTime - QUIET_MS
    const exportStart = (Math.floor(lastMs / DAY_MS) * DAY_MS - (EXPORT_DAYS - 1) * DAY_MS) / 1000
    this.users = new ChangeFeed(new Timeline(sizes.users, start, span), mix(seed, 1))
    this.tickets = new ChangeFeed(new Timeline(sizes.tickets, start, span), mix(seed, 2))
    this.transactions = new AppendLog(new Timeline(sizes.transactions, start, span))
    this.charges = new AppendLog(new Timeline(sizes.charges, start, span))
    this.events = new AppendLog(new Timeline(sizes.events, start, span))
    this.exportEvents = new DayFiles(
      new Timeline(sizes.exportEvents, exportStart, Math.floor(lastMs / 1000) - exportStart),
    )
    this.projects = new AppendLog(new Timeline(sizes.projects, start, span))
  }

  /** The rounds so far, oldest first. Applied to a world of the same seed, sizes and start, they give this world again. */
  get rounds(): readonly Round[] {
    return this.#rounds
  }

  /** When the newest change happened, or the base data ended. Epoch milliseconds. */
  get changedAt(): number {
    return this.#rounds.at(-1)?.at ?? this.startTime - QUIET_MS
  }

  /**
   * Applies one round. Which records it touches follows from the seed and the round's number. RangeError for a round that is older than
   * the one before it: a change behind a reader's position would be invisible, which no vendor does.
   */
  apply(round: Round): void {
    if (round.at < this.changedAt) {
      throw new RangeError(
        `a round at ${new Date(round.at).toISOString()} is before the newest change (${new Date(this.changedAt).toISOString()}): rounds go forward in time`,
      )
    }
    const second = Math.floor(round.at / 1000)
    const dice = mix(this.seed, 0x40a7d, this.#rounds.length)
    this.#rounds.push(round)
    this.#changeFeed(this.users, mix(dice, 1), second, round, false)
    this.#changeFeed(this.tickets, mix(dice, 2), second, round, true)
    for (let i = 0; i < round.inserts; i++) {
      this.transactions.append(second)
      this.charges.append(second)
      this.projects.append(second)
      this.events.append(second)
      // One in three comes from a phone that was offline: its time lies up to five days back.
      const lateBy = mix(dice, 3, i) % 3 === 0 ? Math.floor(fraction(dice, 4, i) * LATE_DAYS * 86_400) : 0
      this.exportEvents.add(Math.max(second - lateBy, this.exportEvents.firstDay * 86_400), second)
    }
  }

  #changeFeed(feed: ChangeFeed, dice: number, second: number, round: Round, withSystem: boolean): void {
    const known = feed.count
    for (let i = 0; i < round.inserts; i++) feed.insert(second)
    if (known === 0) return
    for (let i = 0; i < round.updates + round.deletes; i++) {
      const index = mix(dice, i) % known
      if (feed.record(index).deleted) continue
      const change = withSystem && mix(dice, i, 1) % 4 === 0 ? 'system' : 'update'
      feed.change(index, second, i < round.updates ? change : 'delete')
    }
  }

  ticketJson(index: number): string {
    return ticketJson(this.seed, this.tickets.record(index), this.#sizes.tickets)
  }

  userJson(index: number): string {
    return userJson(this.seed, this.users.record(index))
  }

  transactionJson(index: number): string {
    return transactionJson(this.seed, index, this.transactions.time(index))
  }

  chargeJson(index: number): string {
    return chargeJson(this.seed, index, this.charges.time(index))
  }

  projectJson(index: number): string {
    return projectJson(this.seed, index, this.projects.time(index))
  }

  eventJson(index: number): string {
    const time = this.events.time(index)
    return eventJson(this.seed, EVENTS_SALT, index, this.#sizes.events, time, time * 1000 + 850)
  }

  exportJson(event: { index: number; time: number; received: number }): string {
    return eventJson(
      this.seed,
      EXPORT_SALT,
      event.index,
      this.#sizes.exportEvents,
      event.time,
      event.received * 1000,
    )
  }

  *#exportTruth(): Generator<TruthRow> {
    for (const day of this.exportEvents.days()) {
      for (const event of this.exportEvents.day(day)) {
        yield { key: insertId(this.seed, EXPORT_SALT, event.index), json: this.exportJson(event) }
      }
    }
  }

  /** What a warehouse must hold once everything has been read: one row a key. Deleted desk records are rows too. */
  readonly truth: Truth = {
    users: () => rows(this.users.count, (i) => ({ key: `${userId(i)}`, json: this.userJson(i) })),
    tickets: () => rows(this.tickets.count, (i) => ({ key: `${ticketId(i)}`, json: this.ticketJson(i) })),
    transactions: () =>
      rows(this.transactions.count, (i) => ({
        key: transactionId(this.seed, i),
        json: this.transactionJson(i),
      })),
    charges: () =>
      rows(this.charges.count, (i) => ({ key: chargeId(this.seed, i), json: this.chargeJson(i) })),
    events: () =>
      rows(this.events.count, (i) => ({ key: insertId(this.seed, EVENTS_SALT, i), json: this.eventJson(i) })),
    exportEvents: () => this.#exportTruth(),
    projects: () =>
      rows(this.projects.count, (i) => ({
        key: `${projectId(this.seed, i)}`,
        json: this.projectJson(i),
      })),
  }
}

function* rows(count: number, row: (index: number) => TruthRow): Generator<TruthRow> {
  for (let index = 0; index < count; index++) yield row(index)
}

/** A time some minutes back, where a change is old enough to be shown by every endpoint at once. */
export const shownAt = (now: number): number => now - 2 * MINUTE_MS
