/** Entries of a list as they are typed, one a line; empty lines are none. */
export const entriesOf = (typed: string): string[] => typed.split('\n').map((line) => line.replace(/\r$/, '')).filter((line) => line !== '')

/** Whether entries can be typed so: one of several lines, or an empty one, would become another list. */
export const isTypable = (entries: readonly string[]): boolean => entries.every((one) => one !== '' && !/[\n\r]/.test(one))
