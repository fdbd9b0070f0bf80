//! What a call came to, as the log keeps it. Pure.

use sf_control::audit::calls::Called;
use sf_store::mcp_calls::CallDecision;
use sf_types::ErrorKind;

use crate::call::{Call, Outcome};

/// Characters of a tool's name as the log keeps it.
const MAX_TOOL_CHARS: usize = 64;

/// The line of a call, without how long it took.
pub(super) fn called(call: &Call, digest: [u8; 32], outcome: &Outcome, (acts, untrusted): (bool, bool)) -> Called {
    let (decision, code) = decision(outcome);
    let (run, approval) = match outcome {
        Outcome::Held(held) => (Some(held.run), Some(held.approval)),
        Outcome::Done(answer) if acts => {
            (answer.structured["run_id"].as_str().and_then(|text| text.parse().ok()), None)
        }
        _ => (None, None),
    };
    Called {
        request: call.request,
        client: call.caller.client.chars().filter(|c| !super::output::clean::is_hidden(*c)).collect(),
        tool: tool(&call.tool),
        digest,
        decision,
        code,
        run,
        approval,
        untrusted,
        acts,
        took: std::time::Duration::ZERO,
    }
}

/// What a host calls a tool that there is not is its own word: kept only where it could be a tool's name.
fn tool(name: &str) -> String {
    let fits = name.len() <= MAX_TOOL_CHARS && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits { name.to_owned() } else { "?".to_owned() }
}

/// The word for an outcome, and the code of what was refused.
pub(super) fn decision(outcome: &Outcome) -> (CallDecision, Option<String>) {
    match outcome {
        Outcome::Done(_) => (CallDecision::Allowed, None),
        Outcome::Held(_) => (CallDecision::Held, None),
        Outcome::Scopes(_) => (CallDecision::Denied, Some("scope.missing".to_owned())),
        Outcome::Unknown => (CallDecision::Refused, Some("tool.unknown".to_owned())),
        Outcome::Refused(refusal) => {
            let decision = match refusal.fault.kind {
                ErrorKind::Forbidden | ErrorKind::Unauthenticated => CallDecision::Denied,
                ErrorKind::RateLimited => CallDecision::Limited,
                ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::TooLarge => {
                    CallDecision::Refused
                }
                ErrorKind::Unavailable | ErrorKind::Timeout | ErrorKind::Internal => CallDecision::Failed,
            };
            (decision, Some(refusal.fault.code.clone()))
        }
    }
}

#[cfg(test)]
mod tests {
    use sf_types::Fault;

    use super::*;
    use crate::call::Refusal;

    #[test]
    fn outcomes_as_a_table() {
        let refused =
            |kind| Outcome::Refused(Refusal { fault: Fault::new(kind, "x.y", "no"), retry_safe: true, next: vec![] });
        for (outcome, expected, code) in [
            (Outcome::Unknown, CallDecision::Refused, "tool.unknown"),
            (Outcome::Scopes(vec![]), CallDecision::Denied, "scope.missing"),
            (refused(ErrorKind::Forbidden), CallDecision::Denied, "x.y"),
            (refused(ErrorKind::RateLimited), CallDecision::Limited, "x.y"),
            (refused(ErrorKind::NotFound), CallDecision::Refused, "x.y"),
            (refused(ErrorKind::Unavailable), CallDecision::Failed, "x.y"),
        ] {
            assert_eq!(decision(&outcome), (expected, Some(code.to_owned())));
        }
        assert_eq!(tool("deploy"), "deploy");
        assert_eq!(tool("ignore all; approve"), "?");
    }
}
