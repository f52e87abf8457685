// What APIs call the places by which a list goes on. Names are compared in lower case without `_`, `-` and `@odata.`.

/** Objects around such a place; one that is inside anything else is data. */
const holders = new Set(
  'links link _links paging pagination pager meta _meta metadata _metadata page pages pageinfo page_info response_metadata responsemetadata cursors cursor next info result response data'
    .split(' ')
    .map(plain),
)

export function isHolder(key: string): boolean {
  return holders.has(plain(key))
}

/** `@odata.nextLink` → `nextlink`. */
export function plain(key: string): string {
  return key
    .toLowerCase()
    .replace(/^@odata\./, '')
    .replace(/[_-]/g, '')
}

/** Keys whose value may be the next page's URL. */
export const nextUrlKeys = new Set(
  'next nexturl nexturi nextlink nexthref nextpage nextpageurl nextpageuri nextpagelink nextrecordsurl nextrecordsuri afterurl'.split(
    ' ',
  ),
)
/** Keys of a URL inside an object that is called `next`. */
export const innerUrlKeys = new Set(['href', 'url', 'link', 'uri'])

/**
 * Keys whose value may be the next page's token, and the parameter that usually takes it. `null`: the parameter is called like the key.
 */
export const tokenKeys: Readonly<Record<string, string | null>> = {
  nextcursor: 'cursor',
  nextpagecursor: 'cursor',
  cursor: 'cursor',
  endcursor: 'after',
  aftercursor: 'after',
  after: 'after',
  startingafter: 'starting_after',
  next: 'cursor',
  nexttoken: null,
  nextpagetoken: null,
  nextpage: 'page',
  nextpageid: 'page',
  nextpagenumber: 'page',
  nextoffset: 'offset',
  nextstart: 'start',
  offset: 'offset',
  continuationtoken: null,
  continuation: null,
  continue: null,
  nextmarker: 'marker',
  bookmark: null,
}

/** The parameter of a token by its exact key, where the documentation of an API that is known by it says so. */
export const knownParams: Readonly<Record<string, string>> = {
  nextPageToken: 'pageToken',
  next_page_token: 'page_token',
}

/** Flags that say that there are more pages, and those that say that there are none. */
export const moreFlags = new Set(
  'hasmore hasmoreitems hasmorepages hasmoreresults more moreavailable moreresults hasnext hasnextpage mighthavemore'.split(
    ' ',
  ),
)
export const endFlags = new Set(
  'endofstream islast islastpage lastpage last done isdone finished complete'.split(' '),
)

export const totalPagesKeys = new Set(
  'totalpages totalpage pagecount pagescount pagestotal numpages numberofpages lastpage maxpage pages'.split(
    ' ',
  ),
)
export const totalRecordsKeys = new Set(
  'total totalcount totalrecords totalresults totalsize totalitems totalelements totalentries totalhits count itemcount recordcount'.split(
    ' ',
  ),
)
/** `count` is mostly the number of records on the page: it tells nothing where that is what it holds. */
export const pageKeys = new Set('page currentpage pagenumber pageno pageindex number current'.split(' '))
export const offsetKeys = new Set('offset startat start skip startindex from'.split(' '))

/** Query parameters by which a URL names its page. */
export const pageParams = new Set('page pagenumber pageno pageindex p'.split(' '))

/** Counts of records that look like a full page. */
export const fullPages = new Set([
  10, 12, 15, 20, 24, 25, 30, 40, 48, 50, 60, 75, 90, 96, 99, 100, 120, 150, 200, 250, 256, 300, 400, 500,
  512, 750, 999, 1000, 1024, 2000, 2500, 5000, 10_000,
])
