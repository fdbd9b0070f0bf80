//! Under which names the edge may be asked.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sf_types::{ErrorKind, Fault};

use crate::fault::Problem;
use crate::state::Api;

/// Names that always mean this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Refuses names nobody configured. A page can point a name of its own at any address (DNS rebinding) and would then
/// be of the same origin; it cannot choose a name that is not its own.
pub(crate) async fn check(State(api): State<Api>, request: Request, next: Next) -> Response {
    let named = request.uri().authority().map(|authority| authority.as_str().to_owned());
    let header = request.headers().get(header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let Some(authority) = header.or(named) else {
        return refuse("The request names no host.");
    };
    if is_allowed(&authority, &api.options().hosts) {
        return next.run(request).await;
    }
    refuse("The request is meant for a host name this control plane does not have.")
}

pub(crate) fn is_allowed(authority: &str, hosts: &[String]) -> bool {
    let name = name_of(authority).to_ascii_lowercase();
    LOOPBACK.contains(&name.as_str()) || hosts.iter().any(|host| host.eq_ignore_ascii_case(&name))
}

/// The name without port and brackets.
fn name_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    authority.rsplit_once(':').map_or(authority, |(name, _)| name)
}

fn refuse(message: &str) -> Response {
    let fault = Fault::new(ErrorKind::Invalid, "host.unknown", message)
        .fix("Use a configured name, or add it to `api.hosts` in serverflow.toml.");
    Problem::from(fault).status(StatusCode::MISDIRECTED_REQUEST).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_names_are_answered() {
        let hosts = ["panel.example.org".to_owned()];
        for (authority, expected) in [
            ("localhost", true),
            ("LOCALHOST:7400", true),
            ("127.0.0.1:7400", true),
            ("[::1]:7400", true),
            ("panel.example.org", true),
            ("panel.example.org:443", true),
            ("evil.example.org", false),
            ("127.0.0.1.evil.example.org", false),
            ("localhost.evil.example.org:7400", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(authority, &hosts), expected, "{authority}");
        }
    }
}
