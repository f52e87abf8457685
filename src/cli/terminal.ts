import pc from 'picocolors'
import { type Palette, plainPalette } from '../observe/summary.ts'

const colours: Palette = {
  good: pc.green,
  bad: pc.red,
  warn: pc.yellow,
  faint: pc.dim,
  strong: pc.bold,
}

/** Colours where the stream is a terminal that shows them (NO_COLOR and FORCE_COLOR are heeded). */
export function paletteFor(output: NodeJS.WriteStream): Palette {
  return output.isTTY && pc.isColorSupported ? colours : plainPalette
}

/** Draws the same lines again and again in one place of a terminal. */
export class LiveLines {
  readonly #output: NodeJS.WriteStream
  #drawn = 0

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  get width(): number {
    return this.#output.columns || 100
  }

  /** What is drawn must fit the screen: lines beyond its height could not be drawn over again. */
  draw(lines: readonly string[]): void {
    const room = Math.max(1, (this.#output.rows || 40) - 1)
    const shown =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more`]
    this.#output.write(`${this.#eraser()}${shown.join('\n')}\n`)
    this.#drawn = shown.length
  }

  clear(): void {
    this.#output.write(this.#eraser())
    this.#drawn = 0
  }

  #eraser(): string {
    return this.#drawn === 0 ? '' : `\u001b[${this.#drawn}A\u001b[0J`
  }
}
