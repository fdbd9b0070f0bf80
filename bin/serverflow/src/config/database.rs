//! How a PostgreSQL is spoken to. Its own default, `sslmode=prefer`, goes on in plain text where the server, or somebody on
//! the way, says that there is no TLS.

use std::borrow::Cow;
use std::net::IpAddr;

use reqwest::Url;

use crate::failure::{Exit, Failure};

/// Modes that never send anything in plain text. Source: PostgreSQL, "SSL Support", table "SSL Mode Descriptions".
const ENCRYPTED: [&str; 3] = ["require", "verify-ca", "verify-full"];
/// What is asked for where an address names no mode.
const DEFAULT: &str = "require";

/// The address with TLS asked for, where it goes to another machine and says nothing about it.
///
/// # Errors
/// It says that TLS need not be, and `allow_plaintext` does not; it cannot be read.
pub fn secured(text: &str, key: &str, allow_plaintext: bool) -> Result<String, Failure> {
    if !text.starts_with("postgres:") && !text.starts_with("postgresql:") {
        return Ok(text.to_owned());
    }
    let mut url: Url = text.parse().map_err(|error| {
        Failure::new(Exit::Usage, "config.refused", format!("`{key}` is no address: {error}."))
            .fix("Give it as postgres://user:password@host/database; encode what is special in the password.")
    })?;
    if allow_plaintext || is_local(&url) {
        return Ok(text.to_owned());
    }
    let modes: Vec<_> = values(&url, &["sslmode", "ssl-mode"]).map(|mode| mode.to_ascii_lowercase()).collect();
    if modes.is_empty() {
        url.query_pairs_mut().append_pair("sslmode", DEFAULT);
        return Ok(url.into());
    }
    match modes.iter().find(|mode| !ENCRYPTED.contains(&mode.as_str())) {
        None => Ok(text.to_owned()),
        Some(mode) => {
            let message = format!("`{key}` goes to another machine with `sslmode={mode}`, which sends in plain text.");
            Err(Failure::new(Exit::Usage, "config.refused", message).fix(
                "Set `sslmode=require` (or `verify-full` with `sslrootcert`), and turn `ssl` on in postgresql.conf. Where \
                 the way there is safe otherwise, set `database.allow_plaintext = true`.",
            ))
        }
    }
}

/// Whether what is sent stays on this machine: a socket, or a loopback address. The last `host` counts, as for the driver;
/// without any, what the driver takes from `PGHOST`.
fn is_local(url: &Url) -> bool {
    let named = url.host_str().filter(|host| !host.is_empty()).map(str::to_owned);
    let host = values(url, &["host", "hostaddr"]).last().map(Cow::into_owned).or(named);
    let Some(host) = host.or_else(|| sf_runtime::env::var("PGHOST")) else { return true };
    let host = host.trim_matches(['[', ']']);
    let is_socket = host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f");
    is_socket
        || host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn values<'a>(url: &'a Url, names: &'a [&str]) -> impl Iterator<Item = Cow<'a, str>> {
    url.query_pairs().filter(move |(name, _)| names.contains(&name.as_ref())).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_is_spoken_to_by_tls_unless_the_operator_says_otherwise() {
        let check = |url: &str, allow: bool, expected: Result<&str, &str>| {
            let got = secured(url, "database.url", allow);
            match (got, expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, expected),
                (Err(failure), Err(part)) => {
                    assert!(failure.message.contains(part), "{failure}");
                    assert!(failure.fix.contains("sslmode=require"), "{failure}");
                }
                (got, _) => panic!("{url}: {got:?}, expected {expected:?}"),
            }
        };
        let same = |url: &str| check(url, false, Ok(url));
        same("sqlite:///var/lib/flow.db");
        same("postgres:///flow");
        same("postgres://flow@localhost/flow?sslmode=disable");
        same("postgres://flow@127.0.0.1:5432/flow");
        same("postgres://flow@[::1]/flow?sslmode=prefer");
        same("postgres:///flow?host=/run/postgresql");
        same("postgres://%2Frun%2Fpostgresql/flow?sslmode=disable");
        same("postgres://flow@db/flow?sslmode=verify-full&sslrootcert=/etc/ca.pem");
        same("postgresql://flow@db/flow?ssl-mode=REQUIRE");
        check("postgres://flow:p%40ss@db/flow", false, Ok("postgres://flow:p%40ss@db/flow?sslmode=require"));
        check(
            "postgresql://db.example.org/flow?a=b",
            false,
            Ok("postgresql://db.example.org/flow?a=b&sslmode=require"),
        );
        // What comes last counts, and what looks like this machine is not always.
        check("postgres://localhost/flow?host=db", false, Ok("postgres://localhost/flow?host=db&sslmode=require"));
        check("postgres://127.0.0.1.example.org/a", false, Ok("postgres://127.0.0.1.example.org/a?sslmode=require"));
        for weak in ["prefer", "allow", "disable", "Prefer", "none"] {
            let url = format!("postgres://db/flow?sslmode={weak}");
            check(&url, false, Err("sends in plain text"));
            check(&url, true, Ok(&url));
        }
        check("postgres://db/flow?sslmode=require&sslmode=disable", false, Err("sslmode=disable"));
        check("postgres://db/flow", true, Ok("postgres://db/flow"));
    }
}
