// Patterns of paths: `*` is anything but a `/`, `**` is anything, and `/**` at the end nothing, too.

/** What each `*` of a pattern stands for in a request's URL, its query aside; `undefined` where it doesn't match. */
export type UrlMatch = (url: string) => readonly string[] | undefined

/** @param pattern of a whole URL without a query, as in `https://api.test/v2/search/*`; a path alone is one below any base URL */
export function urlPattern(pattern: string): UrlMatch {
  const base = /^https?:/i.test(pattern) ? '' : 'https?://[^/]+/(?:.*/)?'
  const regex = new RegExp(`^${base}${stars(pattern.replace(/^\//, ''))}$`)
  return (url) => {
    const end = url.search(/[?#]/)
    return regex.exec(end < 0 ? url : url.slice(0, end))?.slice(1)
  }
}

/** @param pattern of a text, in which `*` is anything */
export function textPattern(pattern: string): (text: string) => boolean {
  const regex = new RegExp(`^${pattern.split(/\*+/).map(escapeRegex).join('.*')}$`, 's')
  return (text) => regex.test(text)
}

/** The pattern of a whole URL that a path is below `base`, which ends with `/`; one that begins with `/` is below its origin. */
export function absolutePattern(path: string, base: string): string {
  if (/^https?:\/\//i.test(path)) return path
  return path.startsWith('/') ? new URL(base).origin + path : base + path
}

const parts = { '**': '.*', '*': '([^/]*)' } as const

function stars(pattern: string): string {
  const whole = pattern.replace(/\/\*\*$/, '')
  const regex = whole
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' || part === '*' ? parts[part] : escapeRegex(part)))
    .join('')
  return whole === pattern ? regex : `${regex}(?:/.*)?`
}

function escapeRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
