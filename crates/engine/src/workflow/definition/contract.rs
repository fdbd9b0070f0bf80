//! JSON Schemas of inputs and outputs.

use serde_json::{Value, json};

use super::Problem;
use crate::workflow::expr::Type;

/// Places told of at the most when a value is not as it should be.
const MAX_WRONG: usize = 20;

/// What a value has to be like.
#[derive(Debug)]
pub struct Contract {
    validator: jsonschema::Validator,
    kind: Type,
}

impl Contract {
    /// From a JSON Schema (2020-12). References lead nowhere but into the schema itself, and patterns are matched in
    /// linear time.
    ///
    /// # Errors
    /// Why it is no schema.
    pub fn new(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_pattern_options(jsonschema::PatternOptions::regex())
            .should_validate_formats(true)
            .build(schema)
            .map_err(|why| why.to_string())?;
        Ok(Self { validator, kind: Type::from_schema(schema) })
    }

    /// No fields at all.
    pub fn nothing() -> Self {
        let schema = json!({ "type": "object", "additionalProperties": false });
        Self::new(&schema).expect("it is a schema")
    }

    /// What expressions may expect of it.
    pub const fn kind(&self) -> &Type {
        &self.kind
    }

    /// Refuses what is not as it should be; places begin with `root`.
    ///
    /// # Errors
    /// Each place that is wrong.
    pub fn check(&self, value: &Value, root: &str) -> Result<(), Vec<Problem>> {
        let wrong: Vec<Problem> = self
            .validator
            .iter_errors(value)
            .take(MAX_WRONG)
            .map(|error| Problem {
                place: format!("{root}{}", error.instance_path().as_str().replace('/', ".")),
                message: format!("{}.", error.to_string().chars().take(300).collect::<String>()),
                fix: "See the workflow's `inputs`.".to_owned(),
            })
            .collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}
