// `npm run fuzz -- --cases 20000`: the fuzz without a build step.
import { createJiti } from 'jiti'

await createJiti(import.meta.url).import('../test/fuzz/cli.ts')
