/** A column of a {@link DataList}; its cells are the slot of the same name as `key`. The first one is the row's link. */
export interface Column<T> {
  key: (keyof T & string) | (string & {})
  label: string
  /** CSS grid width: `9rem`, `minmax(0,2fr)`. */
  width?: string
  /** Numbers: to the right, under each other. */
  end?: boolean
  /** Left out on a phone. */
  wideOnly?: boolean
}
