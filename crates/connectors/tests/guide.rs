//! The commands of docs/guides/notifications.md make the signature that is sent, and print what the page says they print.

#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::path::Path;
use std::process::Command;

use sf_engine::workflow::webhook::{Key, Scheme};
use sf_types::{Secret, Timestamp};

/// The first block of this kind.
fn block<'p>(page: &'p str, kind: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("```{kind}\n")).unwrap();
    rest.split_once("\n```").unwrap().0
}

/// The value of a variable of the script.
fn value<'s>(script: &'s str, name: &str) -> &'s str {
    let line = script.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap();
    line.trim_matches(['"', '\''])
}

#[test]
fn the_signature_of_the_guide_is_the_one_that_is_sent() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/notifications.md");
    let page = std::fs::read_to_string(path).unwrap();
    let script = block(&page, "sh");
    // tidy: shell because the page is written for a shell
    let done = Command::new("bash").args(["-euc", script]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let printed = String::from_utf8(done.stdout).unwrap();
    let key = Key::parse(&Scheme::Standard, &Secret::new(value(script, "secret").to_owned())).unwrap();
    let at = Timestamp::from_millis(value(script, "timestamp").parse::<i64>().unwrap() * 1000);
    let sent = key.sign(value(script, "id"), at, value(script, "body").as_bytes()).unwrap();
    assert_eq!((printed.trim(), block(&page, "text")), (sent.as_str(), sent.as_str()));
}
