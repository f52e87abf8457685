import { createInterface } from 'node:readline/promises'
import { InterruptedError } from '../errors.ts'

/** Asks the user. */
export interface Questions {
  /** The answer without spaces around it; '' where there is none. */
  ask(question: string): Promise<string>
}

/** Questions on the terminal; `undefined` where nobody sits at one. */
export function terminalQuestions(): Questions | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined
  return {
    async ask(question) {
      const lines = createInterface({ input: process.stdin, output: process.stdout })
      try {
        const closed = new Promise<never>((_, reject) => {
          lines.once('SIGINT', () => lines.close())
          lines.once('close', () => reject(new InterruptedError('nothing was answered')))
        })
        closed.catch(() => {})
        return (await Promise.race([lines.question(`${question} `), closed])).trim()
      } finally {
        lines.close()
      }
    },
  }
}
