// Shows a run while it goes on: a live picture on a terminal, plain lines with their time elsewhere.
import { logLine } from '../observe/log-line.ts'
import { formatProgress, Waits } from '../observe/progress.ts'
import type { ReportBuilder } from '../observe/report.ts'
import type { SluiceEvent } from '../ports/events.ts'
import type { Clock } from '../ports/runtime.ts'
import { LiveLines, paletteFor } from './terminal.ts'

const frameMs = 100

export interface RunView {
  onEvent(event: SluiceEvent): void
  /** A signal has come: says what happens now. */
  stopping(signal: NodeJS.Signals): void
  /** Takes the live picture away. */
  close(): void
}

export function runView(report: ReportBuilder, clock: Clock, output: NodeJS.WriteStream): RunView {
  return output.isTTY ? liveView(report, clock, output) : plainView(clock, output)
}

function liveView(report: ReportBuilder, clock: Clock, output: NodeJS.WriteStream): RunView {
  const live = new LiveLines(output)
  const palette = paletteFor(output)
  const waits = new Waits()
  let pipeline = ''
  let stopping: string | undefined
  let startedAt = clock.now()
  const draw = () =>
    live.draw(
      formatProgress(
        { pipeline, startedAt, streams: report.streams, waits, quotas: report.quotas, stopping },
        clock.now(),
        live.width,
        palette,
      ),
    )
  const timer = setInterval(() => report.streams.size > 0 && draw(), frameMs)
  timer.unref()
  return {
    onEvent(event) {
      waits.add(event)
      if (event.type === 'run.start') {
        pipeline = event.pipeline
        startedAt = event.at
      }
    },
    stopping(signal) {
      stopping = stoppingText(signal)
      draw()
    },
    close() {
      clearInterval(timer)
      live.clear()
    },
  }
}

function plainView(clock: Clock, output: NodeJS.WriteStream): RunView {
  return {
    onEvent(event) {
      const line = logLine(event)
      if (line !== undefined) output.write(`${new Date(event.at).toISOString()} ${line}\n`)
    },
    stopping(signal) {
      output.write(`${new Date(clock.now()).toISOString()} ${stoppingText(signal)}\n`)
    },
    close() {},
  }
}

function stoppingText(signal: NodeJS.Signals): string {
  const again = signal === 'SIGINT' ? 'Ctrl-C again stops' : `a second ${signal} stops`
  return `stopping: committing what is complete; ${again} at once`
}
