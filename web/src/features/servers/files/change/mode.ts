/** Who may do what with a file, as nine boxes and as octal digits. */
export const WHO = ['owner', 'group', 'others'] as const
export const MAY = ['read', 'write', 'run'] as const
export type Who = (typeof WHO)[number]
export type May = (typeof MAY)[number]
const BIT: Record<May, number> = { read: 4, write: 2, run: 1 }
const OCTAL = /^[0-7]{3,4}$/

/** The digits as a number; null where they are no mode that can be set: three octal digits. */
export function readMode(text: string): number | null {
  const mode = OCTAL.test(text.trim()) ? Number.parseInt(text.trim(), 8) : Number.NaN
  return mode <= 0o777 ? mode : null
}
export const writeMode = (mode: number): string => mode.toString(8).padStart(3, '0')

const shift = (who: Who): number => (2 - WHO.indexOf(who)) * 3
export const has = (mode: number, who: Who, may: May): boolean => ((mode >> shift(who)) & BIT[may]) !== 0
export const flipped = (mode: number, who: Who, may: May): number => mode ^ (BIT[may] << shift(who))

/** As `ls` writes it: `rw-r--r--`. */
export const letters = (mode: number): string => WHO.map((who) => MAY.map((may) => (has(mode, who, may) ? { read: 'r', write: 'w', run: 'x' }[may] : '-')).join('')).join('')
