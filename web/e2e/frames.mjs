// How smoothly a page moves: the time between frames, as a browser without a graphics card draws them.

/** The frames while `act` goes on: their median, 95th percentile and longest, ms; and how many of `counted` were in the page at the most. */
export async function frames(page, act, counted) {
  await page.evaluate((counted) => {
    const seen = (globalThis.seen = { frames: [], most: 0 })
    let last = performance.now()
    const look = (now) => {
      seen.frames.push(now - last)
      if (counted && seen.frames.length % 10 === 0) seen.most = Math.max(seen.most, document.querySelectorAll(counted).length)
      last = now
      seen.next = requestAnimationFrame(look)
    }
    seen.next = requestAnimationFrame(look)
  }, counted)
  await act()
  const { frames, most } = await page.evaluate(() => (cancelAnimationFrame(globalThis.seen.next), globalThis.seen))
  const sorted = frames.slice(1).sort((one, other) => one - other)
  const [median, p95] = [0.5, 0.95].map((share) => sorted[Math.floor(sorted.length * share)])
  return { median, p95, longest: sorted.at(-1), most, count: sorted.length }
}
