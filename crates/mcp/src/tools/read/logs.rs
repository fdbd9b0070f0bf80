//! Lines of an app, a server's console or a run: newest last, within one boundary.

use serde_json::{Value, json};
use sf_types::{ErrorKind, Timestamp};

use super::super::asked::{Asked, Result, Said, encoded, refuse};
use super::super::names::{Kind, Thing, resolve};
use super::super::output::{rows, text, whole};
use super::super::verdict;

/// Lines of an answer unless told otherwise.
const DEFAULT_LINES: u64 = 50;
/// Bytes of one line.
const LINE_BYTES: usize = 500;
/// Bytes of all of them.
const ALL_BYTES: usize = 24_000;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let called = asked.input.required("target")?;
    if let Some(run) = verdict::run_id(called) {
        let view = asked.maybe(&format!("/runs/{run}")).await;
        if view.is_object() {
            return of_run(asked, called).await;
        }
    }
    let thing = resolve(asked, &[Kind::App, Kind::Server], called).await?;
    match thing.kind {
        Kind::Server => of_server(asked, &thing).await,
        _ => of_app(asked, &thing).await,
    }
}

async fn of_app(asked: &Asked<'_>, thing: &Thing) -> Result<Said> {
    let mut path = thing.path(&format!("/logs/search?limit={}", limit(asked)));
    if let Some(from) = since(asked)? {
        path.push_str(&format!("&from={}", from.as_millis()));
    }
    for (argument, name) in [("grep", "q"), ("cursor", "after")] {
        if let Some(value) = asked.input.text(argument) {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
    }
    if let Some(level) = asked.input.text("level").filter(|level| *level != "all") {
        path.push_str(&format!("&level={level}"));
    }
    let found = asked.data(&path).await?;
    let lines = rows(&found["hits"]).iter().rev().map(|hit| line(&hit["line"])).collect::<Vec<_>>();
    Ok(told(asked, &lines, &found["next"], "app"))
}

async fn of_server(asked: &Asked<'_>, thing: &Thing) -> Result<Said> {
    let mut path = thing.path(&format!("/console?lines={}", limit(asked)));
    if let Some(after) = asked.input.text("cursor") {
        path.push_str(&format!("&after={}", encoded(after)));
    }
    let found = asked.data(&path).await?;
    let lines = kept(asked, rows(&found["lines"]))?;
    let newest = found["newest"].as_u64().map_or(Value::Null, |newest| json!(newest.to_string()));
    Ok(told(asked, &lines, &newest, "server"))
}

async fn of_run(asked: &Asked<'_>, run: &str) -> Result<Said> {
    let after = asked.input.text("cursor").unwrap_or("0");
    let found = asked.data(&format!("/runs/{}/log?after={}", encoded(run), encoded(after))).await?;
    let lines = kept(asked, rows(&found["lines"]))?;
    let last = rows(&found["lines"]).last().map_or(Value::Null, |line| json!(whole(line, "/sequence").to_string()));
    Ok(told(asked, &lines, &last, "run"))
}

/// Those that were asked for, the newest ones.
fn kept(asked: &Asked<'_>, lines: &[Value]) -> Result<Vec<String>> {
    let (wanted, from) = (asked.input.text("grep").map(str::to_lowercase), since(asked)?.map(|from| from.to_string()));
    let fits = |one: &&Value| {
        let said = text(one, "/text").to_lowercase();
        wanted.as_ref().is_none_or(|wanted| said.contains(wanted.as_str()))
            && from.as_ref().is_none_or(|from| text(one, "/at") >= from.as_str())
    };
    let all: Vec<String> = lines.iter().filter(fits).map(line).collect();
    let limit = usize::try_from(limit(asked)).unwrap_or(usize::MAX);
    Ok(all.into_iter().rev().take(limit).rev().collect())
}

fn told(asked: &Asked<'_>, lines: &[String], next: &Value, of: &str) -> Said {
    let empty = lines.is_empty();
    let shown = if empty { Value::Null } else { json!(asked.fence.text(&lines.join("\n"), ALL_BYTES)) };
    let fields = [("of", json!(of)), ("count", json!(lines.len())), ("lines", shown), ("cursor", next.clone())];
    let next: &[(&str, &str)] = match empty {
        true => &[("status", "Nothing was said: see whether it runs.")],
        false => &[("diagnose", "Have the rules say what is wrong.")],
    };
    asked.done(&fields, next)
}

fn line(view: &Value) -> String {
    let said = text(view, "/text");
    let end = (0..=LINE_BYTES.min(said.len())).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
    format!("{} {} {}", text(view, "/at"), text(view, "/stream"), &said[..end])
}

fn limit(asked: &Asked<'_>) -> u64 {
    asked.input.whole("limit").unwrap_or(DEFAULT_LINES)
}

fn since(asked: &Asked<'_>) -> Result<Option<Timestamp>> {
    let Some(since) = asked.input.text("since") else { return Ok(None) };
    match ago(since) {
        Some(ago) => Ok(Some(asked.control.now().minus(ago))),
        None => refuse(ErrorKind::Invalid, "argument.since", "`since` is no time span.", "Write 15m, 2h or 7d."),
    }
}

/// A span of time as people write it.
pub(super) fn ago(text: &str) -> Option<std::time::Duration> {
    let (count, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let count: u64 = count.trim().parse().ok()?;
    Some(std::time::Duration::from_secs(count.checked_mul(seconds)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_as_people_write_them() {
        for (text, seconds) in [("90s", Some(90)), ("15m", Some(900)), ("2h", Some(7_200)), ("7d", Some(604_800))] {
            assert_eq!(ago(text).map(|span| span.as_secs()), seconds, "{text}");
        }
        for text in ["", "m", "1.5h", "-2h", "yesterday", "é", "99999999999999999999d", "2w"] {
            assert_eq!(ago(text), None, "{text}");
        }
    }
}
