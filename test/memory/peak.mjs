// Loaded before the command line with `node --import`: at the process's end, writes the most memory that it held, in bytes, to the file that
// SLUICE_PEAK_MEMORY names.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

process.on('exit', () => writeFileSync(process.env.SLUICE_PEAK_MEMORY, String(peakBytes())))

/** The kernel's own high-water mark. `maxRSS` may be that of the parent, which a new process begins as a copy of; it serves where there is no /proc. */
function peakBytes() {
  const status = '/proc/self/status'
  const kilobytes = existsSync(status) && /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1]
  return 1024 * (kilobytes ? Number(kilobytes) : process.resourceUsage().maxRSS)
}
