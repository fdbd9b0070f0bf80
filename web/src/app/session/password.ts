/** As the control plane counts them. */
export const MIN_PASSWORD = 15

/** Characters as people count them, not units of the encoding. */
export const lengthOf = (password: string): number => [...password].length

export const isLongEnough = (password: string): boolean => lengthOf(password) >= MIN_PASSWORD
