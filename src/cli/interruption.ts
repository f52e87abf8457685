import { InterruptedError } from '../errors.ts'
import { exitCodes } from './exit-code.ts'

/**
 * A signal that SIGINT and SIGTERM abort: the run commits what is complete and stops. A second one ends the process at
 * once, which costs nothing but what was not committed. `onFirst` hears of the first, before anything stops.
 */
export function interruption(onFirst: (name: NodeJS.Signals) => void = () => {}): {
  readonly signal: AbortSignal
  dispose(): void
} {
  const abort = new AbortController()
  const stop = (name: NodeJS.Signals) => {
    if (abort.signal.aborted) process.exit(exitCodes.interrupted)
    onFirst(name)
    abort.abort(new InterruptedError(`the run was stopped by ${name}`))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: abort.signal,
    dispose() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
