//! Runs of workflows.

use serde_json::{Value, json};
use sf_types::ErrorKind;

use super::super::asked::{Asked, Result, Said, refuse};
use super::super::names::{Kind, resolve};
use super::super::verdict::propose;
use super::{about, action};

pub(in crate::tools) async fn run(asked: &Asked<'_>) -> Result<Said> {
    let workflow = resolve(asked, &[Kind::Workflow], asked.input.required("workflow")?).await?;
    let mut args = json!({ "workflow": workflow.id });
    if let Some(input) = asked.input.text("input") {
        match serde_json::from_str::<Value>(input) {
            Ok(input) if input.is_object() => args["input"] = input,
            _ => {
                let message = "`input` is no JSON object.";
                return refuse(ErrorKind::Invalid, "argument.input", message, r#"Write it as {"name": "value"}."#);
            }
        }
    }
    propose(asked, action("workflow.run", args)?, &about(&workflow)).await
}
