// Every kind of pagination as one option, told apart by `type`.
import { z } from 'zod'
import { autoOptions, autoPaginator } from './auto.ts'
import { cursorOptions, cursorPaginator } from './cursor.ts'
import { customOptions, fromCustom } from './custom.ts'
import { keysetOptions, keysetPaginator } from './keyset.ts'
import { linkHeaderOptions, linkHeaderPaginator } from './link-header.ts'
import { nextUrlOptions, nextUrlPaginator } from './next-url.ts'
import { noneOptions, nonePaginator } from './none.ts'
import { offsetOptions, offsetPaginator } from './offset.ts'
import { pageNumberOptions, pageNumberPaginator } from './page-number.ts'
import type { Paginator } from './paginator.ts'
import { parseOptions } from './parse-options.ts'
import { relayOptions, relayPaginator } from './relay.ts'
import { timeOptions, timePaginator } from './time.ts'

export const paginatorOptions = z
  .discriminatedUnion('type', [
    offsetOptions,
    pageNumberOptions,
    cursorOptions,
    nextUrlOptions,
    linkHeaderOptions,
    keysetOptions,
    timeOptions,
    relayOptions,
    noneOptions,
    autoOptions,
    customOptions,
  ])
  .describe("How the API hands out a list page by page. The API's documentation says which kind it is")

export type PaginatorOptions = z.input<typeof paginatorOptions>

/**
 * The paginator of any kind's options, validated already or not. `cleanUrl` takes out of a next URL what must not be stored with a
 * position (S1).
 * @throws ConfigError that lists every mistake
 */
export function createPaginator(options: PaginatorOptions, cleanUrl?: (url: string) => string): Paginator {
  switch (options.type) {
    case 'offset':
      return offsetPaginator(options)
    case 'page-number':
      return pageNumberPaginator(options)
    case 'cursor':
      return cursorPaginator(options)
    case 'next-url':
      return nextUrlPaginator(options, cleanUrl)
    case 'link-header':
      return linkHeaderPaginator(options, cleanUrl)
    case 'keyset':
      return keysetPaginator(options)
    case 'time':
      return timePaginator(options)
    case 'relay':
      return relayPaginator(options)
    case 'none':
      return nonePaginator(options)
    case 'auto':
      return autoPaginator(options, (found) => createPaginator(found, cleanUrl))
    case 'custom':
      return fromCustom(options)
    default:
      return parseUnknown(options)
  }
}

/** From untyped code: lets the schema say which types there are. */
function parseUnknown(options: never): never {
  return parseOptions(paginatorOptions, options) as never
}
