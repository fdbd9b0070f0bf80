/** Texts of the parts that every page is made of. */
export const text = {
  close: 'Close',
  clear: 'Clear',
  dismiss: 'Dismiss',
  notices: 'Notices',
  loading: 'Loading',
  long: 'No answer yet. It is asked again by itself; nothing has to be done here.',
  loadingMore: 'Loading more…',
  again: 'Try again',
  optional: 'optional',
  trail: 'Where this is',
  time: 'Time',
  newest: 'Newest',
  highest: (value: string) => `highest ${value}`,
  lowestOf: (label: string) => `${label}, lowest`,
  highestOf: (label: string) => `${label}, highest`,
  valuesOf: (label: string) => `${label}, value by value: arrow keys`,
}
