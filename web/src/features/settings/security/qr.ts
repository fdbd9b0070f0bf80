import { encode } from 'uqr'

/** Empty modules around the code: readers need four. */
const QUIET = 4

/** A text as the outline of a QR code: one square path a dark run, for an SVG as wide as `size`. */
export function qrPath(text: string): { size: number; path: string } {
  const { data, size } = encode(text, { ecc: 'M', border: QUIET })
  const runs: string[] = []
  data.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue
      const from = x
      while (row[x + 1]) x++
      runs.push(`M${from} ${y}h${x - from + 1}v1h-${x - from + 1}z`)
    }
  })
  return { size, path: runs.join('') }
}
