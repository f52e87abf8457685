// Loaded before the command line with `node --import`: at the process's end, writes the most memory that it held, in bytes, and the seconds
// that it was at work, as JSON to the file that SLUICE_PEAK_MEMORY names.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

process.on('exit', () => {
  const { user, system } = process.cpuUsage()
  const measured = { peakBytes: peakBytes(), cpuSeconds: (user + system) / 1e6 }
  writeFileSync(process.env.SLUICE_PEAK_MEMORY, JSON.stringify(measured))
})

/** The kernel's own high-water mark. `maxRSS` may be that of the parent, which a new process begins as a copy of; it serves where there is no /proc. */
function peakBytes() {
  const status = '/proc/self/status'
  const kilobytes = existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1]
  return 1024 * (kilobytes ? Number(kilobytes) : process.resourceUsage().maxRSS)
}
