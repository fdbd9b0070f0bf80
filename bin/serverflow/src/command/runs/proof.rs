//! The signatures of a run's command, checked here with the protocol's own code: the control plane's word on them is
//! not taken. What remains to be trusted is the root's fingerprint, which is shown.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sf_protocol::command::Command;
use sf_protocol::outcome::{Accepted, Outcome};
use sf_protocol::{Delegation, Kind, PublicKey, Signed};

use crate::screen::{Screen, Tone};
use crate::value;

/// What each check found.
#[derive(Debug, Default)]
pub struct Proof(Vec<Check>);

#[derive(Debug)]
struct Check {
    what: &'static str,
    found: Result<String, String>,
}

impl Proof {
    /// Whether every check that could be made holds. A run without a command proves nothing and breaks nothing.
    pub fn holds(&self) -> bool {
        self.0.iter().all(|check| check.found.is_ok())
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let one = |check: &Check| match &check.found {
            Ok(note) => json!({ "check": check.what, "holds": true, "note": note }),
            Err(why) => json!({ "check": check.what, "holds": false, "note": why }),
        };
        Value::Array(self.0.iter().map(one).collect())
    }

    /// For people.
    pub fn as_text(&self, screen: &Screen) -> String {
        if self.0.is_empty() {
            return "No command was signed for this run.".to_owned();
        }
        let line = |check: &Check| match &check.found {
            Ok(note) => format!("  {} {}: {note}", screen.paint(Tone::Good, "✓"), check.what),
            Err(why) => format!("  {} {}: {why}", screen.paint(Tone::Bad, "✗"), check.what),
        };
        let lines: Vec<_> = self.0.iter().map(line).collect();
        format!("Signatures, verified on this machine:\n{}", lines.join("\n"))
    }

    fn add<T>(&mut self, what: &'static str, found: Result<T, String>, note: impl FnOnce(&T) -> String) -> Option<T> {
        match found {
            Ok(body) => {
                self.0.push(Check { what, found: Ok(note(&body)) });
                Some(body)
            }
            Err(why) => {
                self.0.push(Check { what, found: Err(why) });
                None
            }
        }
    }
}

/// Checks the answer of `GET /runs/{id}/command`.
pub fn of(answer: &Value) -> Proof {
    let mut proof = Proof::default();
    if answer.is_null() {
        return proof;
    }
    let root = proof.add("root", key(answer, "/rootPublicKey"), |key| format!("{} ({})", key.id(), key.id().words()));
    let command = signed(answer, "").and_then(|signed| Ok((signed, key(answer, "/publicKey")?)));
    let command = command.and_then(|(signed, key)| Ok((ordered(answer, &signed, &key)?, key)));
    let note = |(command, _): &(Command, PublicKey)| {
        format!("number {} of epoch {}, for node {} only", command.sequence, command.epoch, command.node)
    };
    let command = proof.add("command", command, note);
    if let (Some(root), Some((command, key))) = (root, &command) {
        let delegation = signed(answer, "/delegation").and_then(|signed| {
            let delegation = Delegation::open(&signed, &root, command.issued_at).map_err(|error| error.to_string())?;
            if delegation.key == *key {
                Ok(delegation)
            } else {
                Err("it certifies another key than the one that signed the command".to_owned())
            }
        });
        proof.add("certificate", delegation, |it| format!("the root certified the signing key until {}", it.not_after));
    }
    let node = key(answer, "/nodePublicKey");
    for (what, pointer) in [("accepted", "/ack"), ("outcome", "/result")] {
        if answer.pointer(pointer).is_none_or(Value::is_null) {
            continue;
        }
        let command = command.as_ref().map(|(command, _)| command);
        let checked = node.clone().and_then(|node| said_by_node(answer, pointer, &node, command));
        proof.add(what, checked, Clone::clone);
    }
    proof
}

/// Opens the command under the label the answer names, and that its order is of that kind.
fn ordered(answer: &Value, signed: &Signed, key: &PublicKey) -> Result<Command, String> {
    let label = value::text(answer, "/label");
    let kind = Kind::ALL.iter().copied().find(|kind| kind.label() == label || kind.wire() == label);
    let kind = kind.ok_or_else(|| format!("`{label}` is the label of no message"))?;
    let command: Command = open(signed, kind, key)?;
    if command.order.kind() == kind { Ok(command) } else { Err(format!("its order is no {}", kind.wire())) }
}

/// Checks what the node signed, and that it speaks of this command.
fn said_by_node(answer: &Value, pointer: &str, node: &PublicKey, of: Option<&Command>) -> Result<String, String> {
    let signed = signed(answer, pointer)?;
    let (command, text) = if pointer == "/ack" {
        let ack: Accepted = open(&signed, Kind::Ack, node)?;
        (ack.command, format!("the node wrote it down at {}", ack.accepted_at))
    } else {
        let outcome: Outcome = open(&signed, Kind::Result, node)?;
        let text = format!("the node says {:?} at {}", outcome.verdict, outcome.finished_at);
        (outcome.command, text)
    };
    match of {
        Some(known) if known.id != command => Err("it speaks of another command".to_owned()),
        _ => Ok(text),
    }
}

fn open<T: serde::de::DeserializeOwned>(signed: &Signed, kind: Kind, key: &PublicKey) -> Result<T, String> {
    signed.open(kind, key).map_err(|error| error.to_string())
}

fn key(answer: &Value, pointer: &str) -> Result<PublicKey, String> {
    let text = value::maybe(answer, pointer).ok_or("the answer names no key")?;
    PublicKey::try_from(text).map_err(|error| error.to_string())
}

fn signed(answer: &Value, pointer: &str) -> Result<Signed, String> {
    let part = |name: &str| {
        value::maybe(answer, &format!("{pointer}/{name}")).ok_or_else(|| format!("the answer has no {name}"))
    };
    let bytes = |name: &str| STANDARD.decode(part(name)?).map_err(|error| format!("{name}: {error}"));
    let signature = bytes("signature")?.try_into().map_err(|_| "the signature is not 64 bytes long".to_owned())?;
    let payload = bytes("payload")?;
    // The key id is a hint. The node's own messages may come without it.
    let key_id = match part("keyId") {
        Ok(text) => text.parse().map_err(|error| format!("{error}"))?,
        Err(_) => key(answer, "/nodePublicKey")?.id(),
    };
    Ok(Signed { key_id, payload, signature })
}
