// `npm test`: installs what is missing, then types, lint and every test. `npm test -- src/http` runs a part of the tests.
import { build, installIfNeeded, requireNode, run } from './install.mjs'

requireNode()
installIfNeeded()
const tests = process.argv.slice(2)
if (tests.length === 0) {
  run(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'])
  run(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'])
}
build()
const report = process.env.SLUICE_TEST_REPORT
const reporters = report ? ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`] : []
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...tests])
