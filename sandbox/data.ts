// The records, rendered straight to JSON text from (seed, index, version): nothing is kept in memory for a record that never
// changed, and the text keeps the digits that a JavaScript number would lose.
//
// Field names follow the vendors: tickets and users developer.zendesk.com/api-reference/ticketing, balance transactions
// docs.stripe.com/api/balance_transactions/object, charges docs.stripe.com/api/charges/object, events docs.mixpanel.com (raw export),
// projects docs.gitlab.com/api/projects.
//
// Traps for a loader, on purpose:
// - integers beyond 2^53 (`trace_id` of events, some amounts of transactions) and a decimal with more digits than a double holds;
// - a field that is absent from early records (`ai_summary`, `experiment`), and one that is always null at first (`exchange_rate`);
// - a field that is an integer in the first third and a decimal later (`effort_score`, `value`);
// - texts with leading zeros that look like numbers (`external_id`), unicode, quotes, line breaks, U+2028, empty strings;
// - nested objects and arrays, also empty ones.
import { mix } from './random.ts'

/** A desk record as it stands now. Times are epoch seconds. */
export interface DeskRecord {
  readonly index: number
  /** 0 for the record as it was made, then one more for each change. */
  readonly version: number
  readonly created: number
  readonly updated: number
  /** Zendesk's `generated_timestamp`: moved by system updates too, and what the incremental export is ordered by. */
  readonly generated: number
  readonly deleted: boolean
}

const FIRST_TICKET_ID = 35_436
const FIRST_USER_ID = 20_978_392_001
const USER_ID_STEP = 7
const DAY = 86_400

export const ticketId = (index: number): number => FIRST_TICKET_ID + index
export const ticketIndex = (id: number): number => id - FIRST_TICKET_ID
export const userId = (index: number): number => FIRST_USER_ID + index * USER_ID_STEP
export const userIndex = (id: number): number => (id - FIRST_USER_ID) / USER_ID_STEP

const quoted = (texts: readonly string[]): readonly string[] => texts.map((text) => JSON.stringify(text))

const SUBJECTS = quoted([
  'Help, my printer is on fire!',
  'Rechnung über 1.299,00 € fehlt',
  'パスワードを再設定できません',
  'Can\'t export the "Q3" report',
  'Refund for order\nsecond line',
  'Zahlung doppelt abgebucht 💳💳',
  'API returns 429 since Tuesday',
  'Where do I change my e-mail address?',
  'Trailing backslash \\ and a separator \u2028 inside',
])
const NAMES = quoted([
  'Zoë Washburne',
  'José Núñez',
  '山田 花子',
  'Søren Kierkegård',
  "Miles O'Brien",
  'Ольга Петрова',
  'Anna-Lena Groß',
  'عمر حداد',
])
const CITIES = quoted(['Zürich', 'São Paulo', '東京', 'Kraków', 'New York', 'Ḩalab', 'Reykjavík', ''])
const STATUSES = ['new', 'open', 'pending', 'hold', 'solved', 'closed']
const PRIORITIES = ['"low"', '"normal"', '"high"', '"urgent"', 'null']
const TYPES = ['problem', 'incident', 'question', 'task']
const CHANNELS = ['web', 'email', 'api', 'mobile', 'chat']
const TAGS = ['[]', '["billing"]', '["vip","printer"]', '["émigré","api","429"]']
const EVENTS = [
  'Signed up',
  'Page viewed',
  'Checkout started',
  'Plan upgraded',
  'File exported',
  'Logged out',
]
const BROWSERS = ['Chrome', 'Firefox', 'Safari', 'Edge']
const CURRENCIES = ['usd', 'eur', 'gbp', 'jpy']

const pick = (list: readonly string[], bits: number): string => list[bits % list.length] as string

const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => String(number).padStart(2, '0'))
const dayTexts = new Map<number, string>()

/** `2026-01-31T00:00:00Z`. Days are kept, since a world has few: a Date for each record costs more than the record. */
function isoSecond(second: number): string {
  const day = Math.floor(second / DAY)
  let date = dayTexts.get(day)
  if (date === undefined) {
    date = new Date(day * DAY * 1000).toISOString().slice(0, 11)
    dayTexts.set(day, date)
  }
  const rest = second - day * DAY
  return `${date}${TWO_DIGITS[(rest / 3600) | 0]}:${TWO_DIGITS[((rest / 60) | 0) % 60]}:${TWO_DIGITS[rest % 60]}Z`
}

/** An integer of 18 or 19 digits, as text. */
function longInteger(high: number, low: number): string {
  return `${9_007_199 + (high % 900_000_000)}${String(254_740_993 + (low % 700_000_000)).padStart(10, '0')}`
}

export function ticketJson(seed: number, record: DeskRecord, total: number): string {
  const { index, version } = record
  const bits = mix(seed ^ 0x71c4e7, index, version)
  const more = mix(bits, 1)
  const id = ticketId(index)
  const subject = pick(SUBJECTS, bits >>> 3)
  const status = record.deleted ? 'deleted' : pick(STATUSES, more)
  const score = index * 3 < total ? `${more % 7}` : `${more % 7}.${1 + (bits % 9)}`
  const late = index * 5 > total * 3 ? `,"ai_summary":${pick(SUBJECTS, more >>> 5)}` : ''
  return (
    `{"url":"https://acme.zendesk.com/api/v2/tickets/${id}.json","id":${id},` +
    `"external_id":${bits % 3 === 0 ? `"00${index}"` : 'null'},"via":{"channel":"${pick(CHANNELS, more >>> 4)}","source":{"from":{},"to":{},"rel":null}},` +
    `"created_at":"${isoSecond(record.created)}","updated_at":"${isoSecond(record.updated)}","generated_timestamp":${record.generated},` +
    `"type":"${pick(TYPES, bits >>> 7)}","subject":${subject},"priority":${pick(PRIORITIES, bits >>> 11)},"status":"${status}",` +
    `"requester_id":${userId(more % 1000)},"assignee_id":${more % 4 === 0 ? 'null' : userId(bits % 50)},"group_id":${98_738 + (bits % 12)},` +
    `"tags":${pick(TAGS, more >>> 9)},"custom_fields":[{"id":27642,"value":"${more % 1000}"},{"id":27648,"value":null}],` +
    `"satisfaction_rating":${bits % 2 ? '{"score":"offered"}' : 'null'},"effort_score":${score},"is_public":${more % 5 !== 0}${late}}`
  )
}

export function userJson(seed: number, record: DeskRecord): string {
  const { index, version } = record
  const bits = mix(seed ^ 0x05e4a1, index, version)
  const id = userId(index)
  return (
    `{"id":${id},"url":"https://acme.zendesk.com/api/v2/users/${id}.json","name":${pick(NAMES, bits)},` +
    `"email":"user${index}.${version}@example.com","created_at":"${isoSecond(record.created)}","updated_at":"${isoSecond(record.updated)}",` +
    `"time_zone":"Copenhagen","iana_time_zone":"Europe/Copenhagen","phone":${bits % 4 === 0 ? `"0045${10_000_000 + (bits % 89_999_999)}"` : 'null'},` +
    `"locale":"en-US","organization_id":${bits % 6 === 0 ? 'null' : 57_542 + (bits % 40)},"role":"${bits % 20 === 0 ? 'agent' : 'end-user'}",` +
    `"verified":${bits % 3 !== 0},"active":${!record.deleted},"shared":false,"tags":${pick(TAGS, bits >>> 6)},` +
    `"last_login_at":${bits % 5 === 0 ? 'null' : `"${isoSecond(record.updated)}"`},` +
    `"user_fields":{"plan":"${bits % 2 ? 'pro' : 'free'}","seats":${bits % 90}}}`
  )
}

const SUFFIX_LENGTH = 7

function suffix(seed: number, salt: number, index: number): string {
  return mix(seed ^ salt, index)
    .toString(36)
    .padStart(SUFFIX_LENGTH, '0')
}

export function transactionId(seed: number, index: number): string {
  return `txn_1${index.toString(36).padStart(8, '0')}${suffix(seed, 0x9a7, index)}`
}

export function chargeId(seed: number, index: number): string {
  return `ch_3${index.toString(36).padStart(8, '0')}${suffix(seed, 0xc4a, index)}`
}

/** The index that an id stands for, or undefined for an id that this world never gave out. */
export const transactionIndex = indexReader(transactionId)
export const chargeIndex = indexReader(chargeId)

function indexReader(idOf: (seed: number, index: number) => string) {
  return (seed: number, id: string): number | undefined => {
    const match = /^[a-z]+_\d([0-9a-z]{8})[0-9a-z]{7}$/.exec(id)
    if (!match) return undefined
    const index = Number.parseInt(match[1] as string, 36)
    return idOf(seed, index) === id ? index : undefined
  }
}

export function transactionJson(seed: number, index: number, created: number): string {
  const bits = mix(seed ^ 0x9a7, index)
  const more = mix(bits, 2)
  const id = transactionId(seed, index)
  const currency = pick(CURRENCIES, more)
  const fee = 30 + (bits % 900)
  const amount = 1_000 + (more % 500_000)
  // One in 512 is a sum in a currency with many zeros, past what a double can count.
  const long = more % 512 === 7
  const amountText = long ? longInteger(bits, more) : `${amount}`
  const netText = long ? `${BigInt(amountText) - BigInt(fee)}` : `${amount - fee}`
  const rate = rateText(index, bits)
  return (
    `{"id":"${id}","object":"balance_transaction","amount":${amountText},"available_on":${created - (created % DAY) + 2 * DAY},` +
    `"balance_type":"payments","created":${created},"currency":"${currency}",` +
    `"description":${bits % 3 ? pick(SUBJECTS, bits >>> 8) : 'null'},"exchange_rate":${rate},"fee":${fee},` +
    `"fee_details":[{"amount":${fee},"application":null,"currency":"${currency}","description":"Stripe processing fees","type":"stripe_fee"}],` +
    `"net":${netText},"reporting_category":"charge","source":"ch_3${id.slice(5)}","status":"available","type":"charge"}`
  )
}

export function chargeJson(seed: number, index: number, created: number): string {
  const bits = mix(seed ^ 0xc4a, index)
  const more = mix(bits, 4)
  const id = chargeId(seed, index)
  const amount = 1_000 + (more % 500_000)
  const paid = bits % 16 !== 5
  return (
    `{"id":"${id}","object":"charge","amount":${amount},"amount_captured":${paid ? amount : 0},"amount_refunded":0,"application":null,` +
    `"balance_transaction":${paid ? `"txn_3${id.slice(4)}"` : 'null'},` +
    `"billing_details":{"address":{"city":${pick(CITIES, more >>> 3)},"country":"CH","postal_code":"0${bits % 9000}"},"name":${pick(NAMES, bits >>> 4)}},` +
    `"captured":${paid},"created":${created},"currency":"${pick(CURRENCIES, more)}","customer":${more % 5 ? `"cus_${more % 4000}"` : 'null'},` +
    `"description":${bits % 3 ? pick(SUBJECTS, bits >>> 8) : 'null'},"failure_code":${paid ? 'null' : '"card_declined"'},"livemode":false,` +
    `"metadata":${more % 2 ? '{}' : `{"order_id":"000${bits % 100_000}"}`},"paid":${paid},"refunded":false,"status":"${paid ? 'succeeded' : 'failed'}"}`
  )
}

const FIRST_PROJECT_ID = 60_000_000
const PROJECT_ID_STEP = 7

/** Ids grow with gaps, as where most projects can't be seen by the reader. */
export function projectId(seed: number, index: number): number {
  return FIRST_PROJECT_ID + index * PROJECT_ID_STEP + (mix(seed ^ 0x6171ab, index) % PROJECT_ID_STEP)
}

/** The index of the first project whose id is greater. */
export function firstProjectAfter(seed: number, id: number): number {
  const near = Math.max(0, Math.floor((id - FIRST_PROJECT_ID) / PROJECT_ID_STEP))
  return id < FIRST_PROJECT_ID || projectId(seed, near) > id ? near : near + 1
}

export function projectJson(seed: number, index: number, created: number): string {
  const bits = mix(seed ^ 0x6171ab, index)
  const more = mix(bits, 5)
  const id = projectId(seed, index)
  const at = `${isoSecond(created).slice(0, -1)}.${String(bits % 1000).padStart(3, '0')}Z`
  return (
    `{"id":${id},"description":${bits % 4 ? pick(SUBJECTS, bits >>> 6) : 'null'},"name":"service-${index}","name_with_namespace":"Acme / service-${index}",` +
    `"path":"service-${index}","path_with_namespace":"acme/service-${index}","created_at":"${at}","default_branch":${bits % 9 ? '"main"' : 'null'},` +
    `"topics":${pick(TAGS, more)},"ssh_url_to_repo":"git@gitlab.example.com:acme/service-${index}.git","web_url":"https://gitlab.example.com/acme/service-${index}",` +
    `"forks_count":${more % 40},"star_count":${more % 900},"last_activity_at":"${at}","visibility":"${bits % 3 ? 'private' : 'internal'}",` +
    `"namespace":{"id":${200 + (bits % 30)},"kind":"group","full_path":"acme","parent_id":null}}`
  )
}

/** Null for the oldest records, then integers, decimals, and now and then more digits than a double holds. */
function rateText(index: number, bits: number): string {
  if (index < 200 || bits % 4 !== 0) return 'null'
  if (bits % 8 === 0) return '1'
  return bits % 64 === 12 ? `0.9${bits}${bits}123456789` : `0.${1 + (bits % 99_999)}`
}

export function insertId(seed: number, salt: number, index: number): string {
  return `${index.toString(36).padStart(8, '0')}-${suffix(seed, salt, index)}`
}

/**
 * One event, as Mixpanel's raw export writes it. `time` is in epoch seconds, `processedMs` says when the server got it: much later than
 * `time` for an event of a phone that was offline. The key is `properties.$insert_id`.
 */
export function eventJson(
  seed: number,
  salt: number,
  index: number,
  total: number,
  time: number,
  processedMs: number,
): string {
  const bits = mix(seed ^ salt, index)
  const more = mix(bits, 3)
  const trace = bits % 16 === 3 ? `,"trace_id":${longInteger(more, bits)}` : ''
  const value = index * 3 < total ? `${more % 400}` : `${more % 400}.${10 + (bits % 89)}`
  const late = index * 2 > total ? `,"experiment":{"name":"pricing-${bits % 3}","arm":${more % 2}}` : ''
  return (
    `{"event":"${pick(EVENTS, bits >>> 5)}","properties":{"time":${time},"distinct_id":"user-${more % 5000}","$insert_id":"${insertId(seed, salt, index)}",` +
    `"$browser":"${pick(BROWSERS, more)}","$browser_version":${90 + (bits % 40)},"$city":${pick(CITIES, more >>> 3)},"$os":"${bits % 2 ? 'iOS' : 'Android'}",` +
    `"$screen_height":${600 + (bits % 900)},"$screen_width":${320 + (more % 1600)},"mp_country_code":"${bits % 2 ? 'CH' : 'BR'}",` +
    `"mp_lib":"web","mp_processing_time_ms":${processedMs},"current_url":"https://app.example.com/projects/${more % 900}/boards?tab=${bits % 7}",` +
    `"utm":${more % 3 ? 'null' : '{"source":"newsletter","campaign":"späte-äpfel"}'},"items":[${bits % 3 ? `{"sku":"A-${more % 999}","qty":${1 + (bits % 4)}}` : ''}],` +
    `"value":${value}${trace}${late}}}`
  )
}
