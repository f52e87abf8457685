/** `1,234,567` */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** `1 record`, `1,234 records` */
export function formatCounted(value: number, noun: string): string {
  return `${formatCount(value)} ${pluralOf(value, noun)}`
}

/** `record` of one, `records` of any other number. */
export function pluralOf(value: number, noun: string): string {
  return value === 1 ? noun : `${noun}s`
}

/** `0.42 s`, `12.3 s`, `4 m 05 s`, `2 h 03 m` */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`
}

/** `0.8 ms`, `12 ms`, `1.24 s`; a dash where there is none */
export function formatMs(ms: number | null): string {
  if (ms === null) return '–'
  if (ms < 10) return `${ms.toFixed(1)} ms`
  if (ms < 1000) return `${Math.round(ms)} ms`
  return `${(ms / 1000).toFixed(2)} s`
}

/** `0 %`, `0.4 %`, `12 %` */
export function formatShare(share: number): string {
  const percent = share * 100
  return `${percent === 0 || percent >= 10 ? Math.round(percent) : percent.toFixed(1)} %`
}

function pad(value: number): string {
  return String(value).padStart(2, '0')
}
