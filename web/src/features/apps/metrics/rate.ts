/** Requests a second: "0.4/s", "12/s". */
export const perSecond = (rate: number): string => `${rate === 0 ? '0' : rate < 10 ? rate.toFixed(rate < 1 ? 2 : 1) : Math.round(rate)}/s`
