// `npm run shift`: lists that shift while they are read, without a build step.
import { createJiti } from 'jiti'

await createJiti(import.meta.url).import('../test/shift/cli.ts')
