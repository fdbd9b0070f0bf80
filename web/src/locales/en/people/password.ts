/** A password that is typed or chosen, wherever that is. */
export const text = {
  show: 'Show the password',
  hide: 'Hide the password',
  capsLock: 'Caps Lock is on.',
  new: 'New password',
  hint: 'Several words are good. Nobody asks for digits or signs.',
  length: (n: number, min: number) => (n >= min ? `${n} characters: long enough` : `${n} of ${min} characters`),
}
