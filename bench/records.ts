/** Bytes of one record as JSON: what the issue trackers and payment lists of real APIs weigh. */
export const recordBytes = 620
export const pageSize = 1000

const words =
  'the printer on the second floor answers with an error after every update and nobody knows which of the drivers it wants to be told about '

/** One record of 620 bytes, made of its number alone: numbers, texts, times, a flag, a nested object and a list. */
export function benchRecord(id: number): string {
  const at = (seconds: number) => new Date(1_700_000_000_000 + seconds * 1000).toISOString()
  const record = {
    id,
    uuid: `${(id * 2_654_435_761).toString(16).padStart(12, '0').slice(-12)}-4000-8000-0123456789ab`,
    created_at: at(id),
    updated_at: at(id + (id % 97)),
    status: ['open', 'pending', 'solved', 'closed'][id % 4],
    priority: id % 5,
    amount: (id % 100_000) / 100,
    active: id % 3 === 0,
    subject: `Ticket ${id}: ${words.slice(id % 40, (id % 40) + 50)}`,
    requester: { id: id % 5000, name: `Person ${id % 5000}`, email: `person${id % 5000}@example.com` },
    tags: ['printer', `floor-${id % 12}`],
    parent_id: id % 7 === 0 ? id - 1 : null,
    description: '',
  }
  const missing = recordBytes - JSON.stringify(record).length
  record.description = words.repeat(3).slice(id % 60, (id % 60) + missing)
  return JSON.stringify(record)
}

/** `{"data":[…],"next":"2"}`, the last page with `"next":null`. */
export function benchPage(page: number, pages: number): string {
  const records = Array.from({ length: pageSize }, (_, index) => benchRecord(page * pageSize + index + 1))
  return `{"data":[${records.join(',')}],"next":${page + 1 < pages ? `"${page + 1}"` : null}}`
}
