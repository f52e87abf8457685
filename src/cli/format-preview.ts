import type { StreamPreview } from '../engine/preview.ts'

/** What the records themselves don't say: that there are none, and that not everything was looked at. */
export function previewNote({
  records,
  slices,
  gaveUp,
}: Pick<StreamPreview, 'records' | 'slices' | 'gaveUp'>): string {
  const where =
    slices.all === null
      ? ` in the first ${slices.read} slices`
      : slices.all > 1
        ? ` in the newest ${slices.read} of ${slices.all} slices`
        : gaveUp
          ? ' on the first pages'
          : ''
  if (records.length === 0 && !gaveUp) return 'no records\n'
  if (records.length === 0) return `no records${where}; a preview looks no further\n`
  return gaveUp ? `no more records${where}; a preview looks no further\n` : ''
}
