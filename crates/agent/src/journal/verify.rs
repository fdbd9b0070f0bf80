//! Checking a stored command without the control plane: its signature, and the root's word on the key that made it.

use serde::Serialize;
use serde_json::Value;
use sf_protocol::wire::decode_base64;
use sf_protocol::{Command, Delegation, KeyId, Kind, Order, Outcome, PublicKey, Signed};
use sf_types::{CommandId, ErrorKind, Fault, Timestamp};

use crate::journal::Journal;
use crate::state::StateDir;

/// Files to be verified may have this many bytes.
pub const FILE_BYTES: usize = 1024 * 1024;

/// What was found to be true.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The command.
    pub command: CommandId,
    /// Its kind.
    pub kind: Kind,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// Its number.
    pub sequence: u64,
    /// Its epoch.
    pub epoch: u64,
    /// What it orders.
    pub order: Order,
    /// The key that signed it.
    pub key: KeyId,
    /// The root that certified that key for the time of the signature.
    pub root: KeyId,
    /// Whether that root is the one this node has pinned; `None` where it has none.
    pub pinned: Option<bool>,
    /// How it ended, where a signed outcome is there and good.
    pub outcome: Option<Outcome>,
}

fn bad(message: impl Into<String>) -> Fault {
    Fault::new(ErrorKind::Invalid, "verify.failed", message)
}

/// Verifies a command of this node's own journal. Works beside a running daemon: it reads a copy of the file.
///
/// # Errors
/// `verify.failed`, naming what does not hold; `verify.unknown`.
pub fn journal(state: &StateDir, command: CommandId) -> Result<Verified, Fault> {
    let unknown = || {
        Fault::new(ErrorKind::NotFound, "verify.unknown", format!("The journal knows no command {command}."))
            .fix("Old commands are forgotten; export it from the control plane and verify the file.")
    };
    let copy = state.join("verify");
    std::fs::create_dir_all(&copy).map_err(|error| bad(error.to_string()))?;
    let found = (|| {
        std::fs::copy(state.join("journal"), copy.join("journal")).map_err(|error| bad(error.to_string()))?;
        let (journal, _) = Journal::open(&copy).map_err(|error| bad(error.to_string()))?;
        let accepted = journal.command(command).map_err(|error| bad(error.to_string()))?.ok_or_else(unknown)?;
        let outcome = journal.outcome(command).map_err(|error| bad(error.to_string()))?;
        Ok::<_, Fault>((accepted, outcome))
    })();
    drop(std::fs::remove_dir_all(&copy));
    let (accepted, outcome) = found?;
    let root = state.root_key()?;
    let key = accepted.signed.key_id;
    let delegation =
        state.delegation(key)?.ok_or_else(|| bad(format!("The certificate of key {key} is not kept here.")))?;
    let node_key = state.node_key()?.public();
    check(&accepted.signed, accepted.kind, &delegation, &root, outcome.as_ref().map(|signed| (signed, &node_key)))
        .map(|verified| Verified { pinned: Some(true), ..verified })
}

/// Verifies a command as the control plane's API exports it. `pinned` is this node's root, where it has one.
///
/// # Errors
/// `verify.failed`, naming what does not hold.
pub fn exported(text: &str, pinned: Option<&PublicKey>) -> Result<Verified, Fault> {
    if text.len() > FILE_BYTES {
        return Err(bad("The file is too large."));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| bad(format!("The file is no JSON: {error}.")))?;
    let value = value.get("data").filter(|_| value.get("success").is_some()).unwrap_or(&value);
    let label = field(value, "label")?;
    let kind = Kind::ALL.iter().copied().find(|kind| kind.label() == label);
    let kind = kind.ok_or_else(|| bad(format!("`{label}` is no label of a command.")))?;
    let delegation = signed(value.get("delegation").ok_or_else(|| bad("The file has no `delegation`."))?)?;
    let root = public_key(value, "rootPublicKey")?;
    let result = value.get("result").filter(|result| !result.is_null()).map(|result| {
        let key = public_key(value, "nodePublicKey")?;
        let mut result = result.clone();
        if let Some(result) = result.as_object_mut() {
            result.entry("keyId").or_insert_with(|| key.id().to_string().into());
        }
        Ok::<_, Fault>((signed(&result)?, key))
    });
    let result = result.transpose()?;
    let verified =
        check(&signed(value)?, kind, &delegation, &root, result.as_ref().map(|(signed, key)| (signed, key)))?;
    Ok(Verified { pinned: pinned.map(|pinned| *pinned == root), ..verified })
}

fn check(
    signed: &Signed,
    kind: Kind,
    delegation: &Signed,
    root: &PublicKey,
    outcome: Option<(&Signed, &PublicKey)>,
) -> Result<Verified, Fault> {
    let certified: Delegation = delegation
        .open(Kind::Delegation, root)
        .map_err(|error| bad(format!("The root did not certify the key: {error}.")))?;
    let command: Command =
        signed.open(kind, &certified.key).map_err(|error| bad(format!("The command was not signed so: {error}.")))?;
    if command.order.kind() != kind {
        return Err(bad(format!("It is signed as {kind} and orders {}.", command.order.kind())));
    }
    if !certified.valid_at(command.issued_at) {
        let (from, until) = (certified.not_before, certified.not_after);
        return Err(bad(format!(
            "It was signed at {}, and the key was certified from {from} to {until}.",
            command.issued_at
        )));
    }
    if !certified.classes.contains(&command.class) {
        return Err(bad(format!("The key was not certified for class {:?}.", command.class)));
    }
    let outcome = match outcome {
        Some((signed, key)) => {
            let outcome: Outcome = signed
                .open(Kind::Result, key)
                .map_err(|error| bad(format!("The node did not sign the outcome: {error}.")))?;
            if outcome.command != command.id {
                return Err(bad(format!("The outcome is of command {}.", outcome.command)));
            }
            Some(outcome)
        }
        None => None,
    };
    Ok(Verified {
        command: command.id,
        kind,
        issued_at: command.issued_at,
        sequence: command.sequence,
        epoch: command.epoch,
        order: command.order,
        key: certified.key.id(),
        root: root.id(),
        pinned: None,
        outcome,
    })
}

fn field<'a>(value: &'a Value, name: &str) -> Result<&'a str, Fault> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| bad(format!("The file has no `{name}`.")))
}

fn signed(value: &Value) -> Result<Signed, Fault> {
    let bytes = |name| decode_base64(field(value, name)?).map_err(|error| bad(format!("`{name}`: {error}.")));
    let key_id = field(value, "keyId")?.parse().map_err(|error| bad(format!("`keyId`: {error}.")))?;
    let signature = bytes("signature")?.try_into().map_err(|_| bad("`signature` has not 64 bytes."))?;
    Ok(Signed { key_id, payload: bytes("payload")?, signature })
}

fn public_key(value: &Value, name: &str) -> Result<PublicKey, Fault> {
    let bytes = decode_base64(field(value, name)?).map_err(|error| bad(format!("`{name}`: {error}.")))?;
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| bad(format!("`{name}` has not 32 bytes.")))?;
    PublicKey::from_bytes(&bytes).map_err(|error| bad(format!("`{name}`: {error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::command::{Authz, Class, Guard};
    use sf_protocol::order::Void;
    use sf_protocol::{SecretKey, wire::encode_base64};
    use sf_types::{InstanceId, NodeId, RequestId, TenantId, TypedId};

    fn export(root: &SecretKey, issued: i64) -> Value {
        let (key, at) = (SecretKey::from_seed(&[2; 32]), Timestamp::from_millis);
        let delegation = Delegation {
            key: key.public(),
            instance: InstanceId::from_parts(at(0), [1; 10]),
            classes: vec![Class::Operate],
            epoch: 1,
            not_before: at(0),
            not_after: at(86_400_000),
        };
        let delegation = Signed::seal(Kind::Delegation, &delegation, root);
        let id = CommandId::from_parts(at(1), [1; 10]);
        let command = Command {
            id,
            node: NodeId::from_parts(at(1), [2; 10]),
            node_key: key.public().id(),
            epoch: 1,
            sequence: 4,
            issued_at: at(issued),
            not_before: at(issued),
            expires_at: at(issued + 1000),
            class: Class::Operate,
            order: Order::Void(Void { replaces: id }),
            guard: Guard::default(),
            authz: Authz {
                tenant: TenantId::from_parts(at(1), [3; 10]),
                user: None,
                request: RequestId::from_parts(at(1), [4; 10]),
                run: None,
            },
        };
        let signed = Signed::seal(Kind::Void, &command, &key);
        let part = |signed: &Signed| serde_json::to_value(signed).unwrap();
        let mut value = part(&signed);
        value["label"] = Kind::Void.label().into();
        value["delegation"] = part(&delegation);
        value["rootPublicKey"] = encode_base64(root.public().bytes()).into();
        value
    }

    #[test]
    fn a_good_export_holds_and_a_changed_one_does_not() {
        let root = SecretKey::from_seed(&[1; 32]);
        let good = export(&root, 1000);
        let verified = exported(&good.to_string(), Some(&root.public())).unwrap();
        assert_eq!((verified.sequence, verified.pinned), (4, Some(true)));
        let wrapped = serde_json::json!({"success": true, "data": good});
        assert!(exported(&wrapped.to_string(), None).is_ok());
        let check = |change: &dyn Fn(&mut Value), words: &str| {
            let mut value = good.clone();
            change(&mut value);
            let fault = exported(&value.to_string(), None).unwrap_err();
            assert!(fault.message.contains(words), "{fault}");
        };
        check(&|value| value["payload"] = encode_base64(b"{}").into(), "not signed so");
        check(&|value| value["label"] = Kind::Cancel.label().into(), "not signed so");
        check(
            &|value| value["rootPublicKey"] = encode_base64(SecretKey::from_seed(&[9; 32]).public().bytes()).into(),
            "root did not certify",
        );
        check(&|value| drop(value.as_object_mut().unwrap().remove("signature")), "no `signature`");
        let late = export(&root, 86_400_000 * 2);
        assert!(exported(&late.to_string(), None).unwrap_err().message.contains("certified from"));
    }
}
