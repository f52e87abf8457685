import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  resolve: { alias: { 'sluice/testing': at('./src/testing.ts'), sluice: at('./src/index.ts') } },
  test: {
    include: ['{src,sandbox,examples,test,bench}/**/*.test.ts'],
    globalSetup: './test/build.ts',
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
  },
})
