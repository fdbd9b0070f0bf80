//! What callers send: JSON bodies, queries and ids, read strictly.

use std::str::FromStr;

use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Request};
use http::request::Parts;
use http::{StatusCode, header};
use serde::de::DeserializeOwned;
use sf_types::{ErrorKind, Fault, Slug};

use crate::fault::Problem;

/// Bytes of a request body at the most: 256 KiB.
pub const MAX_BODY_BYTES: usize = 256 * 1024;

/// The same where a template is in it: 2 MiB. A template has 1 MiB, and some routes take it as a text within JSON.
pub const MAX_ALT_BODY_BYTES: usize = 2 * 1024 * 1024;
/// The same where an egg is in it: 6 MiB. An egg has 4 MiB, and is a text within JSON.
pub const MAX_EGG_BODY_BYTES: usize = 6 * 1024 * 1024;

/// A JSON body. An empty body counts as `{}`, so that bodies without required fields may be left out.
#[derive(Debug)]
pub struct Strict<T>(pub T);

/// A query string; unknown and repeated keys are refused by `T`.
#[derive(Debug)]
pub struct Asked<T>(pub T);

/// The `{id}` of a path.
#[derive(Debug)]
pub struct Id<T>(pub T);

/// The two ids of a path: whose, and which of theirs.
#[derive(Debug)]
pub struct Ids<T, U>(pub T, pub U);

/// Id and name of a path: whose, and what it is called there.
#[derive(Debug)]
pub struct Named<T>(pub T, pub Slug);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Strict<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let json = is_json(request.headers().get(header::CONTENT_TYPE));
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return parse(b"{}").map(Self);
        }
        if !json {
            let message = "The body has to be JSON, and its Content-Type has to say so.";
            let fault = Fault::new(ErrorKind::Invalid, "body.media_type", message);
            return Err(Problem::from(fault.fix("Send Content-Type: application/json."))
                .status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        parse(&bytes).map(Self)
    }
}

/// The whole body within its route's limit.
pub(crate) async fn read(request: Request) -> Result<bytes::Bytes, Problem> {
    let most = most_at(request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str));
    read_within(request, most).await
}

/// Bytes of a body at a route. Pictures are part of templates, and no other body is so large.
fn most_at(route: &str) -> usize {
    match route {
        "/api/v1/alts" | "/api/v1/alts/{id}" | "/api/v1/alts/lint" => MAX_ALT_BODY_BYTES,
        "/api/v1/alts/read" => MAX_EGG_BODY_BYTES,
        _ => MAX_BODY_BYTES,
    }
}

/// The whole body within a limit of its own.
pub(crate) async fn read_within(request: Request, most: usize) -> Result<bytes::Bytes, Problem> {
    let (parts, body) = request.into_parts();
    let declared =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > most) {
        return Err(too_large(most));
    }
    axum::body::to_bytes(body, most).await.map_err(|error| {
        let limit = std::error::Error::source(&error).is_some_and(|source| source.to_string().contains("length limit"));
        if limit { too_large(most) } else { Problem::invalid("body.broken", "The body ended before it was complete.") }
    })
}

fn too_large(most: usize) -> Problem {
    let message = format!("The body is larger than {} KiB.", most / 1024);
    Fault::new(ErrorKind::TooLarge, "body.too_large", message).fix("Send less at a time.").into()
}

/// `application/json` with or without parameters, and `application/*+json`.
fn is_json(value: Option<&http::HeaderValue>) -> bool {
    let Some(essence) = value.and_then(|value| value.to_str().ok()).and_then(|text| text.split(';').next()) else {
        return false;
    };
    let essence = essence.trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| refused(&error))?;
    reader.end().map_err(|_| Problem::invalid("body.json", "There is something after the end of the JSON value."))?;
    Ok(value)
}

/// Says which field is wrong and what is allowed there.
fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let inner = error.inner();
    let why = untold(&inner.to_string());
    if inner.is_syntax() || inner.is_eof() {
        return Problem::invalid("body.json", format!("The body is no valid JSON: {why}."));
    }
    let path = Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default();
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| why.strip_prefix(start).and_then(|rest| rest.split('`').next()));
    let field = match named {
        Some(name) if path.is_empty() || path == name => name.to_owned(),
        Some(name) if path.ends_with(&format!(".{name}")) => path,
        Some(name) => format!("{path}.{name}"),
        None => path,
    };
    let shown = if field.is_empty() { "The body".to_owned() } else { format!("`{field}`") };
    Problem::invalid("body.field", format!("{shown} is refused: {why}.")).field(field)
}

/// A refusal without the value that was refused: it may be a secret that got into the wrong field, and refusals are
/// kept and shown.
fn untold(why: &str) -> String {
    if let Some((before, rest)) = why.split_once("unknown variant `") {
        let end = rest.rfind("`, expected ").or_else(|| rest.rfind("`, there are no "));
        let expected = end.map_or("", |end| &rest[end + 1..]);
        return format!("{before}unknown variant{expected}");
    }
    let (mut told, mut rest) = (String::new(), why);
    while let Some((before, quoted)) = rest.split_once("string \"") {
        let mut escaped = false;
        let end = quoted.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        told.push_str(before);
        told.push_str("a text");
        rest = end.map_or("", |end| &quoted[end + 1..]);
    }
    told + rest
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|rejection| {
            let why = rejection.body_text();
            let field = why.split('`').nth(1).unwrap_or_default().to_owned();
            let why = untold(why.strip_prefix("Failed to deserialize query string: ").unwrap_or(&why));
            Problem::invalid("query.refused", format!("The query is refused: {why}.")).field(field)
        })
    }
}

impl<S: Send + Sync, T: FromStr<Err = sf_types::id::BadId>> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        id(&path.map(|path| path.0).unwrap_or_default()).map(Self)
    }
}

impl<S, T, U> FromRequestParts<S> for Ids<T, U>
where
    S: Send + Sync,
    T: FromStr<Err = sf_types::id::BadId>,
    U: FromStr<Err = sf_types::id::BadId>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (first, second) = two(parts, state).await;
        Ok(Self(id(&first)?, id(&second)?))
    }
}

impl<S: Send + Sync, T: FromStr<Err = sf_types::id::BadId>> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (first, name) = two(parts, state).await;
        let name =
            name.parse().map_err(|why: sf_types::text::BadText| Problem::invalid("path.invalid", why.to_string()));
        Ok(Self(id(&first)?, name?))
    }
}

/// The two variable parts of a path.
async fn two<S: Send + Sync>(parts: &mut Parts, state: &S) -> (String, String) {
    let path = axum::extract::Path::<(String, String)>::from_request_parts(parts, state).await;
    path.map(|path| path.0).unwrap_or_default()
}

/// An id of a path. A text that is none names nothing: the same answer as for an id that is not there.
pub(crate) fn id<T: FromStr<Err = sf_types::id::BadId>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|bad: sf_types::id::BadId| {
        let code = format!("{}.not_found", bad.what.replace(' ', "_"));
        Fault::new(ErrorKind::NotFound, code, format!("{bad}.")).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Outer {
        #[serde(rename = "inner")]
        _inner: Inner,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Inner {
        #[serde(rename = "keepReleases")]
        _keep_releases: u8,
    }

    fn check(body: &str, code: &str, message: &str) {
        let problem = parse::<Outer>(body.as_bytes()).unwrap_err();
        assert_eq!(problem.fault().code, code, "{body}");
        assert!(problem.fault().message.contains(message), "{body}: {}", problem.fault().message);
    }

    #[test]
    fn a_refused_body_names_the_field_and_what_is_allowed() {
        check("{", "body.json", "EOF");
        check("nope", "body.json", "no valid JSON");
        check(r#"{"inner":{"keepReleases":1}} x"#, "body.json", "after the end");
        check("{}", "body.field", "`inner` is refused");
        check(r#"{"inner":{}}"#, "body.field", "`inner.keepReleases` is refused");
        check(r#"{"inner":{"keepReleases":999}}"#, "body.field", "`inner.keepReleases` is refused");
        check(r#"{"inner":{"keepReleases":1,"x":2}}"#, "body.field", "expected `keepReleases`");
        check("[]", "body.field", "The body is refused");
    }

    #[test]
    fn a_refused_value_is_not_told() {
        for (why, expected) in [
            (r#"invalid type: string "hunter2", expected u8"#, "invalid type: a text, expected u8"),
            (r#"invalid type: string "a\"b\\", expected u8"#, "invalid type: a text, expected u8"),
            (r#"invalid value: string "hunter2"#, "invalid value: a text"),
            ("unknown variant `hunt`er2`, expected `a` or `b`", "unknown variant, expected `a` or `b`"),
            (
                "unknown variant `hunter2`, expected one of `a`, `b`, `c`",
                "unknown variant, expected one of `a`, `b`, `c`",
            ),
            ("unknown variant `hunter2`, there are no variants", "unknown variant, there are no variants"),
            ("missing field `name`", "missing field `name`"),
        ] {
            assert_eq!(untold(why), expected);
        }
        check(r#"{"inner":{"keepReleases":"hunter2"}}"#, "body.field", "invalid type: a text, expected u8");
    }

    #[test]
    fn templates_and_eggs_alone_may_be_large() {
        for (route, most) in [
            ("/api/v1/alts/read", MAX_EGG_BODY_BYTES),
            ("/api/v1/alts/lint", MAX_ALT_BODY_BYTES),
            ("/api/v1/alts/{id}", MAX_ALT_BODY_BYTES),
            ("/api/v1/alts/{id}/versions", MAX_BODY_BYTES),
            ("/api/v1/ctrls", MAX_BODY_BYTES),
            ("", MAX_BODY_BYTES),
        ] {
            assert_eq!(most_at(route), most, "{route}");
        }
        // As texts within JSON, with half as much again for what is escaped.
        const {
            assert!(
                MAX_EGG_BODY_BYTES > sf_template::egg::MAX_BYTES
                    && MAX_ALT_BODY_BYTES > sf_template::alt::limit::ALT_BYTES
            );
        }
    }

    #[test]
    fn only_json_is_json() {
        for (text, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/plain", false),
            ("application/jsonx", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            let value = http::HeaderValue::from_static(text);
            assert_eq!(is_json(Some(&value)), expected, "{text}");
        }
        assert!(!is_json(None));
    }
}
