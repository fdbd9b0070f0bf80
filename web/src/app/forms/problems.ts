/** Something a check says of a field: `with.app`, or of the whole where the field is empty. */
export interface FieldProblem {
  field: string
  message: string
  fix: string
}

/** Problems of a field and of what stands in it. */
export const ofField = <P extends FieldProblem>(found: readonly P[], field: string): P[] => found.filter((one) => one.field === field || one.field.startsWith(`${field}.`))
