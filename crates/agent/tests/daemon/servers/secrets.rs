//! Secrets of servers: in the process's environment and in the files that its template puts them in, and masked in everything
//! that is written down or told.

use std::path::Path;

use sf_protocol::app::SecretVar;
use sf_protocol::sealed::{Place, Sealed};
use sf_protocol::server::{EditValue, FileEdit, Parser, SecretMark, SetKey};
use sf_types::{Secret, SecretId, Timestamp, TypedId};

use super::*;

const VALUE: &str = "canary-77b1c90e4d";
const NEWER: &str = "canary-0a8e2f63d5";

impl Bench {
    fn give(&mut self, value: &str, version: u32) {
        let secret = SecretId::from_parts(Timestamp::from_millis(1), [5; 10]);
        let (app, name) = (ServerSpec::sealed_for(self.spec.server), "RCON_PASSWORD".to_owned());
        let once = Secret::new([u8::try_from(version).unwrap(); 32]);
        let place = Place { app, name: &name, secret, version };
        let key = self.world.state().node_key().unwrap().public();
        let sealed = Sealed::seal(&key, &place, value.as_bytes(), &once);
        self.spec.secrets = vec![SecretVar { name, secret, version, sealed }];
    }

    /// Files of the node that hold `text`, but for the server's own.
    fn places_of(&self, text: &str) -> Vec<String> {
        fn search(folder: &Path, text: &[u8], found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let kind = entry.file_type().unwrap();
                if kind.is_dir() {
                    search(&entry.path(), text, found);
                } else if kind.is_file() {
                    let bytes = std::fs::read(entry.path()).unwrap_or_default();
                    if bytes.windows(text.len()).any(|window| window == text) {
                        found.push(entry.path().display().to_string());
                    }
                }
            }
        }
        let mut found = Vec::new();
        search(&self.world.dir.path().join("state"), text.as_bytes(), &mut found);
        let own = self.files().display().to_string();
        found.retain(|path| !path.starts_with(&own));
        found
    }
}

#[tokio::test]
async fn a_secret_is_in_the_process_and_its_file_and_masked_in_its_console() {
    let mut bench = Bench { world: World::running().await, spec: spec() };
    bench.give(VALUE, 1);
    let text = format!("pw={}", SecretMark::of("RCON_PASSWORD"));
    let set = vec![SetKey { key: "rcon".to_owned(), only_if: None, value: EditValue::Text(text) }];
    bench.spec.edits = vec![FileEdit { path: "server.properties".parse().unwrap(), parser: Parser::Properties, set }];
    // Its script and its program say it, one of them with what only looks like a secret.
    let mut install = script();
    install.script = format!("echo \"installing with $RCON_PASSWORD\"\n{}", install.script.replace("\r\n", "\n"))
        .replace(
            "echo \"I am",
            "echo \"api_key=$MOTD and $RCON_PASSWORD\"\nprintf %s \"$RCON_PASSWORD\" > seen\necho \"I am",
        );
    bench.succeeds(ServerVerb::Install { script: Some(install.clone()), wipe: false }).await;
    bench.watch().await;
    bench.succeeds(ServerVerb::Start).await;
    bench.line("installing with [redacted]", 0).await;
    // Known values alone are masked: the terminal is its people's.
    bench.line("api_key=a word of the day and [redacted]", 1).await;
    let own = |name: &str| std::fs::read_to_string(bench.files().join(name)).unwrap();
    assert_eq!((&*own("seen"), &*own("server.properties")), (VALUE, &*format!("rcon=pw={VALUE}\n")));
    // Typed by somebody: the terminal's echo and the answer are masked, too.
    bench.says(&format!("tell {VALUE}")).await;
    bench.line("said tell [redacted]", 1).await;
    let page = bench.page(Some(0), 1000, None).await;
    let all: Vec<_> = page.lines.iter().map(|line| line.text.as_str()).collect();
    assert!(all.iter().any(|line| line.contains("installing with [redacted]")), "{all:?}");
    assert!(!all.concat().contains(VALUE), "{all:?}");

    // A newer version comes with the next start; an installation that fails does not tell it either.
    bench.give(NEWER, 2);
    bench.succeeds(ServerVerb::Restart).await;
    assert_eq!(std::fs::read_to_string(bench.files().join("seen")).unwrap(), NEWER);
    install.script = "echo \"no room for $RCON_PASSWORD\"; exit 3".to_owned();
    let told = bench.fails(ServerVerb::Install { script: Some(install), wipe: false }, "server.install_failed").await;
    assert!(told.contains("no room for [redacted]") && !told.contains(NEWER), "{told}");
    assert!(!bench.world.log().contains("canary-"), "the agent's own log");
    // The order with the line that was typed is in the journal, as whoever typed it said it.
    let left = bench.places_of("canary-");
    assert!(left.iter().all(|path| path.contains("journal")), "{left:?}");
}

#[tokio::test]
async fn what_was_sealed_for_another_server_does_not_start() {
    let mut bench = Bench::installed().await;
    bench.give(VALUE, 1);
    let stolen = bench.spec.secrets.clone();
    bench.spec.secrets[0].name = "OTHER".to_owned();
    let told = bench.fails(ServerVerb::Start, "server.secret").await;
    assert!(told.contains("OTHER"), "{told}");
    bench.spec.secrets = stolen;
    bench.succeeds(ServerVerb::Start).await;
}
