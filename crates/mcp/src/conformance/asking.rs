//! Tools and a prompt that ask their host something: by their answer in the newer protocol, by a request in the older one.

use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CreateMessageRequestParams, ElicitRequestParams,
    ElicitationAction, ErrorData, GetPromptRequestParams, InputRequests, InputRequiredResult, InputResponses,
    RequestStateCodec, SamplingMessage,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

use super::schema;
use super::tools::text;

type Answered = Result<CallToolResponse, ErrorData>;

/// Answers a call of a tool that asks; nothing where it is none of them.
pub(super) async fn call(
    seals: &RequestStateCodec,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Option<Answered> {
    let (said, state) = (request.input_responses.as_ref(), request.request_state.as_deref());
    Some(match request.name.as_ref() {
        "test_missing_capability" => missing_capability(context),
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => {
            Ok(once(said, &json!({ "user_name": form("What is your name?", "name", "string") })))
        }
        "test_input_required_result_sampling" => {
            Ok(once(said, &json!({ "capital_question": sample("What is the capital of France?", 100) })))
        }
        "test_input_required_result_list_roots" => Ok(once(said, &json!({ "client_roots": roots() }))),
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            sealed(seals, said, state, &json!({ "confirm": form("Please confirm", "ok", "boolean") }), "state-ok")
        }
        "test_input_required_result_multiple_inputs" => {
            let all = json!({
                "user_name": form("What is your name?", "name", "string"),
                "greeting": sample("Generate a greeting", 50),
                "client_roots": roots(),
            });
            sealed(seals, said, state, &all, "All of it came.")
        }
        "test_input_required_result_multi_round" => rounds(seals, said, state),
        "test_input_required_result_capabilities" => Ok(capable(context)),
        "test_sampling" => by_sampling(request, context).await,
        "test_elicitation" => {
            let schema = json!({
                "type": "object",
                "properties": {
                    "username": { "type": "string", "description": "User's response" },
                    "email": { "type": "string", "description": "User's email address" },
                },
                "required": ["username", "email"],
            });
            let message = request.arguments.as_ref().and_then(|arguments| arguments.get("message"));
            let message = message.and_then(Value::as_str).unwrap_or("Please answer.").to_owned();
            by_form(context, message, schema, "User response").await
        }
        "test_elicitation_sep1034_defaults" => {
            by_form(context, "Everything has a default.".into(), schema::defaults(), "Elicitation completed").await
        }
        "test_elicitation_sep1330_enums" => {
            by_form(context, "Choose.".into(), schema::choices(), "Elicitation completed").await
        }
        _ => return None,
    })
}

/// The prompt that asks; nothing where it is another one, or was answered.
pub(super) fn prompt(request: &GetPromptRequestParams) -> Option<InputRequiredResult> {
    let is_it = request.name == "test_input_required_result_prompt";
    let asked = json!({ "user_context": form("What context should the prompt use?", "context", "string") });
    (is_it && !is_answered(request.input_responses.as_ref(), &asked)).then(|| question(&asked, None))
}

/// Needs what the runner does not say that it can.
fn missing_capability(context: &RequestContext<RoleServer>) -> Answered {
    if context.client_capabilities().is_some_and(|can| can.sampling.is_some()) {
        return Ok(text("It can.").into());
    }
    Err(ErrorData::missing_required_client_capability(ClientCapabilities::builder().enable_sampling().build()))
}

/// Asks until it is answered.
fn once(said: Option<&InputResponses>, asked: &Value) -> CallToolResponse {
    if is_answered(said, asked) {
        text(format!("It said: {}", json!(said))).into()
    } else {
        question(asked, None).into()
    }
}

/// The same, with a state that has to come back unchanged.
fn sealed(
    seals: &RequestStateCodec,
    said: Option<&InputResponses>,
    state: Option<&str>,
    asked: &Value,
    done: &str,
) -> Answered {
    if let Some(state) = state {
        seals.open(state).map_err(|_| ErrorData::invalid_params("requestState was changed.", None))?;
        if is_answered(said, asked) {
            return Ok(text(done).into());
        }
    }
    Ok(question(asked, Some(seals.seal(b"asked"))).into())
}

/// Two questions, one after the other.
fn rounds(seals: &RequestStateCodec, said: Option<&InputResponses>, state: Option<&str>) -> Answered {
    let first = json!({ "step1": form("Step 1: What is your name?", "name", "string") });
    let second = json!({ "step2": form("Step 2: What is your favorite color?", "color", "string") });
    let Some(state) = state else { return Ok(question(&first, Some(seals.seal(b"1"))).into()) };
    let round = seals.open(state).map_err(|_| ErrorData::invalid_params("requestState was changed.", None))?;
    Ok(match round.as_slice() {
        b"1" if is_answered(said, &first) => question(&second, Some(seals.seal(b"2"))).into(),
        b"2" if is_answered(said, &second) => text("Both are answered.").into(),
        b"2" => question(&second, Some(seals.seal(b"2"))).into(),
        _ => question(&first, Some(seals.seal(b"1"))).into(),
    })
}

/// Asks only what the host says that it can answer.
fn capable(context: &RequestContext<RoleServer>) -> CallToolResponse {
    let can = context.client_capabilities().unwrap_or_default();
    let mut asked = Map::new();
    if can.elicitation.is_some() {
        asked.insert("user_name".into(), form("What is your name?", "name", "string"));
    }
    if can.sampling.is_some() {
        asked.insert("greeting".into(), sample("Generate a greeting", 50));
    }
    if can.roots.is_some() {
        asked.insert("client_roots".into(), roots());
    }
    if asked.is_empty() { text("It can answer nothing.").into() } else { question(&asked.into(), None).into() }
}

/// Whether every question has an answer that is one: an object.
fn is_answered(said: Option<&InputResponses>, asked: &Value) -> bool {
    let keys = asked.as_object().into_iter().flat_map(Map::keys);
    keys.into_iter().all(|key| said.and_then(|said| said.get(key)).is_some_and(Value::is_object))
}

pub(super) fn question(asked: &Value, state: Option<String>) -> InputRequiredResult {
    let requests: Option<InputRequests> = serde_json::from_value(asked.clone()).ok();
    InputRequiredResult::new(requests, state)
}

pub(super) fn form(message: &str, field: &str, kind: &str) -> Value {
    let schema = json!({ "type": "object", "properties": { field: { "type": kind } }, "required": [field] });
    json!({ "method": "elicitation/create", "params": { "mode": "form", "message": message, "requestedSchema": schema } })
}

fn sample(prompt: &str, max: u32) -> Value {
    let message = json!({ "role": "user", "content": { "type": "text", "text": prompt } });
    json!({ "method": "sampling/createMessage", "params": { "messages": [message], "maxTokens": max } })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

async fn by_sampling(request: &CallToolRequestParams, context: &RequestContext<RoleServer>) -> Answered {
    let prompt = request.arguments.as_ref().and_then(|arguments| arguments.get("prompt"));
    let prompt = prompt.and_then(Value::as_str).unwrap_or("Hello").to_owned();
    let asked = CreateMessageRequestParams::new(vec![SamplingMessage::user_text(prompt)], 100);
    let said = context.peer.create_message(asked).await;
    let said = said.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let said = said.message.content.first().and_then(|block| block.as_text()).map(|text| text.text.clone());
    Ok(text(format!("LLM response: {}", said.unwrap_or_default())).into())
}

async fn by_form(context: &RequestContext<RoleServer>, message: String, schema: Value, done: &str) -> Answered {
    let requested_schema = serde_json::from_value(schema);
    let requested_schema = requested_schema.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let asked = ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema };
    let said = context.peer.create_elicitation(asked).await;
    let said = said.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let action = match said.action {
        ElicitationAction::Accept => "accept",
        ElicitationAction::Decline => "decline",
        _ => "cancel",
    };
    Ok(text(format!("{done}: action={action}, content={}", said.content.unwrap_or_default())).into())
}
