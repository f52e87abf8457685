// Finds out from a first page how its list goes on. In order: the Link header, a URL in the body, a token in the body, counts of pages or
// records; else there is one page. Nothing is taken that is not where such things stand, and what can't be told is said.
import type { Value } from '../../ports/json.ts'
import { LongDecimal } from '../../ports/json.ts'
import { parseLinkHeader } from '../link-header-parser.ts'
import type { PaginatorOptions } from '../options.ts'
import type { PageView } from '../paginator.ts'
import type { RequestValue } from '../request-value.ts'
import { scalarText } from '../response-value.ts'
import { type BodyField, fieldsOf } from './body-fields.ts'
import {
  endFlags,
  fullPages,
  innerUrlKeys,
  isHolder,
  knownParams,
  moreFlags,
  nextUrlKeys,
  offsetKeys,
  pageKeys,
  pageParams,
  plain,
  tokenKeys,
  totalPagesKeys,
  totalRecordsKeys,
} from './names.ts'

/** What was found. */
export interface Detection {
  /** Ready for a stream's `paginate`. */
  readonly options: PaginatorOptions
  /** Where, for messages: `links.next`, `the Link header`; undefined where nothing was found. */
  readonly place?: string
  /** What the page says: that there are more, that it is the last, or nothing. */
  readonly says: 'more' | 'end' | 'nothing'
  /** Why it may be wrong. */
  readonly doubt?: string
  /** The flag that says whether there are more, as `more` takes it, where that is all that was found. */
  readonly more?: string
}

/** How a list goes on, by its first page. `inBody`: parameters go into the JSON body of the request. Pure. */
export function detectPagination(page: PageView, inBody = false): Detection {
  const fields = [...fieldsOf(page.body, page.records)].filter(({ parents }) => parents.every(isHolder))
  const more = flagOf(fields)
  const flag = more === undefined ? {} : { more: more.flag }
  const put = (param: string): RequestValue => (inBody ? { body: param } : param)
  return (
    byLinkHeader(page) ??
    byUrl(page, fields, more, flag) ??
    byToken(page, fields, more, flag, put) ??
    byCounts(page, fields, more, flag, put) ??
    byObjectList(page, more) ??
    onePage(page, fields, more)
  )
}

interface Flag {
  /** As `more` takes it. */
  readonly flag: string
  readonly says: boolean
}

/** The flag that says whether there are more pages: a boolean, or one as a text. */
function flagOf(fields: readonly BodyField[]): Flag | undefined {
  for (const { key, path, value } of fields) {
    const says = booleanOf(value)
    if (says === undefined) continue
    if (moreFlags.has(plain(key))) return { flag: path, says }
    if (endFlags.has(plain(key))) return { flag: `!${path}`, says: !says }
  }
  return undefined
}

function booleanOf(value: Value): boolean | undefined {
  if (typeof value === 'boolean') return value
  return value === 'true' ? true : value === 'false' ? false : undefined
}

function byLinkHeader(page: PageView): Detection | undefined {
  const rels = parseLinkHeader(page.headers['link']).flatMap((link) => link.rels)
  const found: Pick<Detection, 'options' | 'place'> = {
    options: { type: 'link-header' },
    place: 'the Link header',
  }
  if (rels.includes('next')) return { ...found, says: 'more' }
  // Other links of a list, and none to a next page: this is its last.
  return rels.some((rel) => /^(prev|previous|first|last)$/.test(rel)) ? { ...found, says: 'end' } : undefined
}

function byUrl(
  page: PageView,
  fields: readonly BodyField[],
  more: Flag | undefined,
  flag: { more?: string },
): Detection | undefined {
  const named = fields.filter(
    ({ key, parents }) =>
      nextUrlKeys.has(plain(key)) || (innerUrlKeys.has(plain(key)) && plain(parents.at(-1) ?? '') === 'next'),
  )
  const found = named.find(
    ({ value }) => typeof value === 'string' && looksLikeUrl(value) && URL.canParse(value, page.url),
  )
  if (found !== undefined) {
    const says = more?.says === false ? 'end' : 'more'
    const elsewhere = new URL(String(found.value), page.url).origin !== new URL(page.url).origin
    return {
      options: { type: 'next-url', url: found.path, ...flag },
      place: found.path,
      says,
      ...(elsewhere && {
        doubt: `the URL at ${found.path} leads to another origin than the one that was asked`,
      }),
    }
  }
  // Null where a URL would be: `links.next`, `next_page_url`. A bare `next` may be a token.
  const ended = named.find(
    ({ key, value, parents }) =>
      (value === null || value === '') &&
      (/ur[il]$|link$|href$/.test(plain(key)) || parents.some((parent) => /links$/.test(plain(parent)))),
  )
  if (ended === undefined || more?.says === true) return undefined
  return { options: { type: 'next-url', url: ended.path, ...flag }, place: ended.path, says: 'end' }
}

function looksLikeUrl(text: string): boolean {
  return /^(https?:\/\/[^\s]+|\/[^\s]*|\?[^\s]+)$/i.test(text)
}

function byToken(
  page: PageView,
  fields: readonly BodyField[],
  more: Flag | undefined,
  flag: { more?: string },
  put: (param: string) => RequestValue,
): Detection | undefined {
  const named = fields.filter(({ key, parents, value }) => {
    const name = plain(key)
    if (!Object.hasOwn(tokenKeys, name)) return false
    // `offset` and `cursor` as numbers say where this page is; `after` and `cursor` alone must stand where pages are spoken of.
    if (name === 'offset') return typeof value === 'string' && !/^\d+$/.test(value)
    if (name === 'after')
      return parents.some((parent) => plain(parent) === 'next' || /cursors?$/.test(plain(parent)))
    return true
  })
  const found = named.find(({ value }) => scalarText(value) !== undefined)
  const field =
    found ?? (more?.says === true ? undefined : named.find(({ value }) => value === null || value === ''))
  if (field === undefined) return undefined
  const param = parameterOf(field, page)
  return {
    options: { type: 'cursor', token: field.path, param: put(param), ...flag },
    place: field.path,
    says: found === undefined || more?.says === false ? 'end' : 'more',
  }
}

function parameterOf({ key, value }: BodyField, page: PageView): string {
  if (plain(key) === 'next' && typeof value === 'number') return pageParameter(page, undefined)
  // Notion's lists take another name than they give.
  const isNotion = key === 'next_cursor' && property(page.body, 'object') === 'list'
  return isNotion ? 'start_cursor' : (knownParams[key] ?? tokenKeys[plain(key)] ?? key)
}

function byCounts(
  page: PageView,
  fields: readonly BodyField[],
  more: Flag | undefined,
  flag: { more?: string },
  put: (param: string) => RequestValue,
): Detection | undefined {
  const count = (names: ReadonlySet<string>) =>
    fields.find(({ key, value }) => names.has(plain(key)) && countOf(value) !== undefined)
  const at = count(pageKeys)
  const totalPages = count(totalPagesKeys)
  const pagesHeader = countOf(headerText(page, 'x-total-pages'))
  const total = fields.find(
    ({ key, value }) =>
      totalRecordsKeys.has(plain(key)) &&
      countOf(value) !== undefined &&
      // `count` is the page's own length as often as the list's.
      (plain(key) !== 'count' || countOf(value)! > page.records.length),
  )
  const pages = totalPages === undefined ? pagesHeader : countOf(totalPages.value)
  const first = at !== undefined && countOf(at.value) === 0 ? { first: 0 as const } : {}
  const pageParam = () => put(pageParameter(page, at))
  if (pages !== undefined) {
    const place = totalPages === undefined ? { header: 'x-total-pages' } : totalPages.path
    return {
      options: { type: 'page-number', param: pageParam(), totalPages: place, ...first, ...flag },
      place: totalPages?.path ?? 'header x-total-pages',
      says: pages > 1 ? 'more' : 'end',
      ...(at === undefined && {
        doubt: `${totalPages?.path ?? 'the header x-total-pages'} counts pages, but nothing says which parameter names one: it is taken to be "page"`,
      }),
    }
  }
  const start = count(offsetKeys)
  const startsAt = start === undefined ? undefined : countOf(start.value)
  if (
    start !== undefined &&
    (startsAt === 0 || startsAt === 1) &&
    (total !== undefined || more !== undefined)
  ) {
    return {
      options: {
        type: 'offset',
        param: put(start.key),
        ...(startsAt === 1 && { first: 1 as const }),
        ...(total !== undefined && { total: total.path }),
        ...flag,
      },
      place: total?.path ?? start.path,
      says: saysMore(more, total, page),
    }
  }
  const current = at === undefined ? undefined : countOf(at.value)
  if (at !== undefined && (current === 0 || current === 1) && (total !== undefined || more !== undefined)) {
    return {
      options: {
        type: 'page-number',
        param: pageParam(),
        ...first,
        ...(total !== undefined && { totalRecords: total.path }),
        ...flag,
      },
      place: total?.path ?? at.path,
      says: saysMore(more, total, page),
    }
  }
  return undefined
}

function saysMore(more: Flag | undefined, total: BodyField | undefined, page: PageView): 'more' | 'end' {
  const goesOn = more?.says ?? (total !== undefined && countOf(total.value)! > page.records.length)
  return goesOn ? 'more' : 'end'
}

function countOf(value: Value | undefined): number | undefined {
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
  return typeof count === 'number' && Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

/** The parameter that names a page: the one that was asked with, else what the body calls the number, in its own spelling. */
function pageParameter(page: PageView, at: BodyField | undefined): string {
  for (const name of new URL(page.url).searchParams.keys()) if (pageParams.has(plain(name))) return name
  return at !== undefined && pageParams.has(plain(at.key)) ? at.key : 'page'
}

/** Stripe's lists: no token, but a flag; the next page starts behind the last record. */
function byObjectList(page: PageView, more: Flag | undefined): Detection | undefined {
  if (more === undefined || property(page.body, 'object') !== 'list') return undefined
  const last = page.records.at(-1)
  if (last !== undefined && scalarText(last['id']) === undefined) return undefined
  return {
    options: { type: 'keyset', param: 'starting_after', more: more.flag },
    place: more.flag.replace('!', ''),
    says: more.says ? 'more' : 'end',
  }
}

function onePage(page: PageView, fields: readonly BodyField[], more: Flag | undefined): Detection {
  const found = { options: { type: 'none' as const } }
  const records = page.records.length
  if (more?.says === true) {
    return {
      ...found,
      says: 'more',
      more: more.flag,
      doubt: `${more.flag} says that there are more pages, and nothing that is known says how to ask for them`,
    }
  }
  const header = countOf(headerText(page, 'x-total-count') ?? headerText(page, 'x-total'))
  // `count` that is the page's own length tells nothing of the list's.
  const total = fields.find(
    ({ key, value }) =>
      totalRecordsKeys.has(plain(key)) && (countOf(value) ?? 0) >= records + (plain(key) === 'count' ? 1 : 0),
  )
  const all = total === undefined ? header : countOf(total.value)
  if (all !== undefined && all > records) {
    return {
      ...found,
      says: 'more',
      doubt: `${total?.path ?? 'a header'} counts ${all} records, of which the page has ${records}, and nothing that is known says how to ask for the others`,
    }
  }
  if (more?.says === false || all === records) return { ...found, says: 'end' }
  const listed = linkList(page)
  if (listed !== undefined) {
    return {
      ...found,
      says: 'more',
      doubt: `${listed} lists a link to the next page, which no path can name`,
    }
  }
  if (!fullPages.has(records)) return { ...found, says: 'nothing' }
  return {
    ...found,
    says: 'nothing',
    doubt: `the page has ${records} records, as if it were full, and nothing in it says whether there are more`,
  }
}

/** `"links": [{ "rel": "next", "href": … }]` */
function linkList({ body }: PageView): string | undefined {
  for (const name of ['links', '_links', 'link']) {
    const list = property(body, name)
    if (
      Array.isArray(list) &&
      list.some((each) => property(each, 'rel') === 'next' || property(each, 'relation') === 'next')
    )
      return name
  }
  return undefined
}

function property(value: Value | undefined, name: string): Value | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof LongDecimal)
    return undefined
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function headerText(page: PageView, name: string): string | undefined {
  const value = page.headers[name]
  return typeof value === 'object' ? value[0] : value
}
