/** A grid on the line of time, in milliseconds since 1970. */
export interface Grid {
  /** The last line at or before `ms`. */
  floor(ms: number): number
  /** The first line after `ms`. */
  next(ms: number): number
}

/** Lines at equal distances, one of them at 1970. */
export function fixedGrid(step: number): Grid {
  const floor = (ms: number) => Math.floor(ms / step) * step
  return { floor, next: (ms) => floor(ms) + step }
}

/** The first line at or after `ms`. */
export function ceil(grid: Grid, ms: number): number {
  const line = grid.floor(ms)
  return line === ms ? line : grid.next(ms)
}
