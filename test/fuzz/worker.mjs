// A thread's way into TypeScript.
import { createJiti } from 'jiti'

await createJiti(import.meta.url).import('./worker.ts')
