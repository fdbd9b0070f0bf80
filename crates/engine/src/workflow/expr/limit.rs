//! What an expression may cost. Every limit is far above what a person writes and low enough that a hostile definition
//! costs a fraction of a second and a few megabytes.

/// Characters of one expression.
pub const EXPRESSION_CHARS: usize = 4_096;
/// Levels of one expression, an operator, a call or a field being one each.
pub const EXPRESSION_DEPTH: usize = 64;
/// Nodes of one expression: names, literals, operators, calls.
pub const EXPRESSION_NODES: usize = 1_000;
/// Expressions in one template.
pub const TEMPLATE_EXPRESSIONS: usize = 1_000;
/// Levels of lists and objects in a template.
pub const TEMPLATE_DEPTH: usize = 64;
/// Comprehensions (`all`, `exists`, `exists_one`, `map`, `filter`) inside each other.
pub const COMPREHENSION_NESTING: usize = 2;
/// Elements one comprehension walks.
pub const COMPREHENSION_ELEMENTS: usize = 100_000;
/// Units of work of one evaluation, or of one rendering of a template: a node, an element or [`BYTES_PER_UNIT`] each.
pub const WORK_UNITS: u64 = 1_000_000;
/// Bytes copied or compared for one unit of work.
pub const BYTES_PER_UNIT: usize = 16;
/// Bytes of a string made on the way, of a result as JSON, and of a rendered template.
pub const RESULT_BYTES: usize = 1 << 20;
/// Levels of lists and objects in a result. A reader of JSON stops at 128.
pub const RESULT_DEPTH: usize = 100;
/// Bytes of the pattern of `matches`.
pub const PATTERN_BYTES: usize = 512;
/// Bytes of a compiled pattern.
pub const PATTERN_COMPILED_BYTES: usize = 16 << 10;
