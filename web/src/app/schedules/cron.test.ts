import { expect, it } from 'vitest'
import { cronInWords } from './cron'

it.each([
  ['* * * * *', 'every minute'],
  ['*/5 * * * *', 'every 5 minutes'],
  // It begins anew with each hour: 0, 7, …, 56, 0.
  ['*/7 * * * *', null],
  ['0 * * * *', 'every hour'],
  ['17 * * * *', 'every hour, 17 min past'],
  ['0 */6 * * *', 'every 6 hours'],
  ['30 2 * * *', 'every day at 02:30'],
  ['@daily', 'every day at 00:00'],
  [' 0 6 * * 1-5 ', 'Monday to Friday at 06:00'],
  ['0 6 * * 7', 'every Sunday at 06:00'],
  ['0 6 * * 1,3', null],
  ['0 6 * * 1-5-6', null],
  ['0 4 1 * *', 'on day 1 of every month at 04:00'],
  ['0 4 L * *', 'on the last day of every month at 04:00'],
  ['@yearly', 'on 1 January at 00:00'],
  ['0 4 1 3 *', null],
  // Either of both, and not both: no few words say that.
  ['0 4 1 * 1', null],
  ['61 * * * *', null],
  ['0 24 * * *', null],
  ['@reboot', null],
  ['* * *', null],
  ['', null],
])('%s: %s', (line, words) => expect(cronInWords(line)).toBe(words))
