/** Where an arrow key leads in the ticks of a matrix that lie in document order; null where it leads nowhere. */
export function step(key: string, at: number, count: number): number | null {
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: count - 1 }[key]
  return to === undefined || to < 0 || to >= count || to === at ? null : to
}
