/**
 * Heights of many rows: most are guessed, some measured. Sums in logarithmic time (a Fenwick tree), so that 50,000 rows
 * scroll as 50 do.
 */
export class Heights {
  private tree = new Float64Array(1)
  private own = new Float64Array(0)
  private readonly guess: number

  constructor(guess: number) {
    this.guess = guess
  }

  get count(): number {
    return this.own.length
  }

  /** Begins anew with so many rows; `known` tells the height of those that were measured before. */
  reset(count: number, known: (at: number) => number | undefined): void {
    this.own = new Float64Array(count)
    this.tree = new Float64Array(count + 1)
    for (let at = 0; at < count; at++) this.own[at] = known(at) ?? this.guess
    for (let at = 1; at <= count; at++) {
      this.tree[at]! += this.own[at - 1]!
      const parent = at + (at & -at)
      if (parent <= count) this.tree[parent]! += this.tree[at]!
    }
  }

  /** Notes a measured height; answers whether it is another one. */
  set(at: number, height: number): boolean {
    const change = height - (this.own[at] ?? height)
    if (Math.abs(change) < 0.5) return false
    this.own[at] = height
    for (let node = at + 1; node < this.tree.length; node += node & -node) this.tree[node]! += change
    return true
  }

  /** Pixels above a row; of all rows for `count`. */
  above(at: number): number {
    let sum = 0
    for (let node = Math.min(at, this.count); node > 0; node -= node & -node) sum += this.tree[node]!
    return sum
  }

  /** The row at a height from the top. */
  at(offset: number): number {
    let node = 0
    let rest = offset
    for (let step = 2 ** Math.floor(Math.log2(Math.max(this.count, 1))); step > 0; step /= 2) {
      const next = node + step
      if (next <= this.count && this.tree[next]! <= rest) {
        node = next
        rest -= this.tree[next]!
      }
    }
    return Math.max(0, Math.min(node, this.count - 1))
  }
}
