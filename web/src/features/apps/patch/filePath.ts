/** Whether a text names a file below a folder, as the control plane reads it. */
export const isFilePath = (path: string): boolean =>
  path.length > 0 && path.length <= 512 && !/[\\\p{Cc}]/u.test(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
