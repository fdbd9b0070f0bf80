//! From what a call came to, to what the protocol says. Pure.

use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock, Resource};
use serde_json::{Value, json};
use sf_types::Fault;

use crate::call::{Answer, Held, Refusal};

/// Done. `links` says whether the host's revision of the protocol has links: a content that it does not know may be an error to it.
pub(super) fn done(answer: Answer, links: bool) -> CallToolResult {
    let mut content = vec![ContentBlock::text(answer.text)];
    for (uri, title) in answer.links.into_iter().filter(|_| links) {
        let name = uri.rsplit('/').next().unwrap_or_default().to_owned();
        content.push(ContentBlock::resource_link(Resource::new(uri, name).with_title(title)));
    }
    with(CallToolResult::success(content), answer.structured)
}

/// Waits for a person. No error: nothing went wrong, and hosts repeat what went wrong.
pub(super) fn held(held: &Held) -> CallToolResult {
    let text = format!(
        "A person has to decide this first. {}\nWhy: {}\nIt is decided at {} until {}. Do not repeat the call: ask the tool \
         `approvals` for {} later, or go on with something else.",
        held.summary, held.why, held.url, held.expires_at, held.approval
    );
    with(CallToolResult::success(vec![ContentBlock::text(text)]), held.structured())
}

/// Why not, and what to do.
pub(super) fn refused(refusal: &Refusal) -> CallToolResult {
    let next: Vec<Value> = refusal.next.iter().map(|(tool, why)| json!({ "tool": tool, "why": why })).collect();
    error(&refusal.fault, refusal.retry_safe, &next)
}

/// A fault of our own side of the call.
pub(super) fn failed(fault: &Fault, retry_safe: bool) -> CallToolResult {
    error(fault, retry_safe, &[])
}

/// Too often.
pub(super) fn limited(fault: &Fault, wait: Duration) -> CallToolResult {
    let mut result = error(fault, true, &[]);
    if let Some(Value::Object(map)) = &mut result.structured_content {
        map.insert("retry_after_seconds".to_owned(), wait.as_secs().into());
    }
    result
}

fn error(fault: &Fault, retry_safe: bool, next: &[Value]) -> CallToolResult {
    let again =
        if retry_safe { "Making the same call again is safe." } else { "Do not simply make the same call again." };
    let text = [fault.message.as_str(), fault.fix.as_str(), again].join(" ");
    let structured = json!({
        "error": {
            "code": fault.code, "message": fault.message, "fix": fault.fix, "retry_safe": retry_safe,
            "findings": fault.findings,
        },
        "next": next,
    });
    with(CallToolResult::error(vec![ContentBlock::text(text)]), structured)
}

fn with(mut result: CallToolResult, structured: Value) -> CallToolResult {
    result.structured_content = Some(structured);
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{ErrorKind, Timestamp};

    #[test]
    fn an_answer_says_the_same_twice_and_links_what_it_leaves_out() {
        let answer = Answer {
            structured: json!({ "next": [] }),
            text: "All is well.".to_owned(),
            untrusted: false,
            links: vec![("serverflow://deployments/7/log".to_owned(), "Its log".to_owned())],
        };
        assert_eq!(done(answer.clone(), false).content.len(), 1, "an older host is told the same without links");
        let result = done(answer, true);
        assert_eq!(result.structured_content, Some(json!({ "next": [] })));
        assert_eq!(result.content[0].as_text().map(|text| text.text.as_str()), Some("All is well."));
        assert_eq!(
            result.content[1].as_resource_link().map(|link| link.uri.as_str()),
            Some("serverflow://deployments/7/log")
        );
        assert_ne!(result.is_error, Some(true));
    }

    #[test]
    fn what_waits_is_no_error_and_says_where_it_is_decided() {
        let waiting = Held {
            approval: sf_types::ApprovalId::from_uuid(uuid::Uuid::nil()),
            run: sf_types::RunId::from_uuid(uuid::Uuid::nil()),
            url: "https://panel.example.org/inbox/7".to_owned(),
            summary: "Deploys shop.".to_owned(),
            why: "It is production.".to_owned(),
            expires_at: Timestamp::from_millis(0),
        };
        let result = held(&waiting);
        assert_ne!(result.is_error, Some(true));
        let structured = result.structured_content.unwrap();
        assert_eq!(structured["status"], "pending_approval");
        assert_eq!(structured["url"], "https://panel.example.org/inbox/7");
        assert_eq!(structured["expires_at"], "1970-01-01T00:00:00.000Z");
        assert!(result.content[0].as_text().unwrap().text.contains("https://panel.example.org/inbox/7"));
    }

    #[test]
    fn a_refusal_says_what_why_how_and_whether_again() {
        for (retry_safe, words) in [(true, "is safe"), (false, "Do not simply")] {
            let fault = Fault::new(ErrorKind::Invalid, "app.name", "There is no `shop`.").fix("Ask `find`.");
            let refusal = Refusal { fault, retry_safe, next: vec![("find".to_owned(), "names".to_owned())] };
            let result = refused(&refusal);
            assert_eq!(result.is_error, Some(true));
            let text = &result.content[0].as_text().unwrap().text;
            assert!(text.starts_with("There is no `shop`. Ask `find`.") && text.contains(words), "{text}");
            let structured = result.structured_content.unwrap();
            assert_eq!(structured["error"]["retry_safe"], retry_safe);
            assert_eq!(structured["next"][0]["tool"], "find");
        }
    }
}
