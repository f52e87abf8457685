// `npm start`: installs, builds, and runs the example from nothing.
import { build, installIfNeeded, requireNode, run } from './install.mjs'

requireNode()
installIfNeeded()
console.log('Building …')
build()
run(process.execPath, ['examples/three-sources/start.mjs', ...process.argv.slice(2)])
