export const text = {
  choose: 'Choose…',
  nothing: 'not given',
  yes: 'yes',
  no: 'no',
  expression: 'Expression…',
  how: (label: string) => `${label}: how it is given`,
  example: '${{ inputs.app }}',
  needed: 'It is needed.',
  noNumber: 'A number is meant.',
  noInteger: 'A whole number is meant.',
  noData: 'This is no YAML or JSON.',
}
