/** Records of a page: a size at which the wait for an answer outweighs the work on it. */
export const smallPage = 100
export const pagesADay = 10
export const dayMs = 86_400_000
export const firstDay = Date.parse('2026-01-01T00:00:00Z')
