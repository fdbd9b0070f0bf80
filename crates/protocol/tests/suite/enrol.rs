//! A machine becomes a node with the right token or a person's word, after the control plane has proven itself.

use sf_protocol::enrol::{
    AwaitingFacts, AwaitingProof, AwaitingRegistered, Candidate, EnrolError, EnrolHello, EnrolServer, EnrolToken,
    NewNode, Progress, Registered, TokenRecord, UserCode,
};
use sf_protocol::frame::Frame;
use sf_protocol::handshake::{BindingKind, Channel, Endpoint, HandshakeError, Identity, Nonce, VERSIONS};
use sf_protocol::{Kind, SecretKey};
use sf_types::{Millis, Timestamp};

use crate::world::*;

fn token() -> EnrolToken {
    EnrolToken::new(id(30), [0xab; 32])
}

fn record() -> TokenRecord {
    TokenRecord { id: token().id(), verifier: token().verifier(), expires_at: at(900_000), used: false }
}

fn register(token: Option<EnrolToken>, nonce: u8) -> (String, AwaitingProof) {
    let hello = EnrolHello {
        key: node_key().public(),
        root: root().public().id(),
        binding: BindingKind::Exporter,
        versions: VERSIONS,
        token,
    };
    hello.register(&Channel::new("panel.example", Some([9; 32])), Nonce::from_bytes([nonce; 32])).unwrap()
}

fn challenge(text: &str, root: &SecretKey, exporter: [u8; 32]) -> Result<(String, AwaitingFacts), EnrolError> {
    let endpoint = Endpoint { names: vec!["panel.example".into()], exporter: Some(exporter), versions: VERSIONS };
    let (delegation, public, key) =
        (sf_protocol::Signed::seal(Kind::Delegation, &delegation(), root), root.public(), online());
    let identity = Identity { key: &key, delegation: &delegation, root: &public };
    let server = EnrolServer { endpoint, binding: BindingKind::Exporter };
    server.register(text)?.challenge(identity, Nonce::from_bytes([0x55; 32]), NOW)
}

fn new_node() -> NewNode {
    NewNode {
        node: id(5),
        counter: 1,
        epoch: EPOCH,
        tenant_name: "Home".parse().unwrap(),
        node_name: "web-1".parse().unwrap(),
    }
}

/// Everything up to the machine's proof, with `tamper(step, text)` on the wire.
fn prove(
    held: Option<EnrolToken>,
    stored: Option<&TokenRecord>,
    now: Timestamp,
    mut tamper: impl FnMut(usize, String) -> String,
) -> Result<(AwaitingRegistered, Candidate), EnrolError> {
    let (text, agent) = register(held, 1);
    let (text, server) = challenge(&tamper(0, text), &root(), [9; 32])?;
    let (text, agent) = agent.challenge(&tamper(1, text), &node_key(), node_facts(), NOW)?;
    let candidate = server.response(&tamper(2, text), stored, now)?;
    Ok((agent, candidate))
}

#[test]
fn a_token_makes_a_node() {
    let (agent, candidate) = prove(Some(token()), Some(&record()), NOW, |_, text| text).unwrap();
    assert_eq!((candidate.key(), candidate.token()), (&node_key().public(), Some(token().id())));
    assert_eq!((candidate.facts(), candidate.binding()), (&node_facts(), BindingKind::Exporter));
    let text = candidate.registered(&online(), new_node(), NOW).unwrap();
    let Ok(Progress::Done(enrolled)) = agent.receive(&text) else { panic!("not enrolled") };
    assert_eq!((enrolled.node, enrolled.counter, enrolled.root), (id(5), 1, root().public()));
}

#[test]
fn the_token_and_its_verifier_are_on_no_wire() {
    let revealed = token().reveal();
    let secret = sf_protocol::wire::encode_base64(&[0xab; 32]);
    let verifier = sf_protocol::wire::encode_base64(token().verifier().bytes());
    prove(Some(token()), Some(&record()), NOW, |_, text| {
        let mut all = text.clone();
        if let Some((_, signed)) = Frame::parse(&text).unwrap().signed() {
            all.push_str(std::str::from_utf8(&signed.payload).unwrap());
        }
        for hidden in [revealed.expose(), &secret, &verifier] {
            assert!(!all.contains(hidden));
        }
        text
    })
    .unwrap();
}

#[test]
fn a_control_plane_of_another_root_or_channel_is_told_nothing() {
    let check = |root: &SecretKey, exporter, code: &str| {
        let (text, agent) = register(Some(token()), 1);
        assert!(!text.contains("web-1"), "no facts before the proof");
        let (text, _) = challenge(&text, root, exporter).unwrap();
        let refusal = agent.challenge(&text, &node_key(), node_facts(), NOW).expect_err(code);
        assert_eq!(refusal.code(), code);
    };
    check(&stranger(), [9; 32], "handshake.wrong_root");
    check(&root(), [8; 32], "handshake.binding");
}

#[test]
fn a_token_that_is_wrong_used_late_or_missing_is_refused_by_name() {
    let check = |held: Option<EnrolToken>, stored: Option<TokenRecord>, now, expected: EnrolError| {
        let refusal = prove(held, stored.as_ref(), now, |_, text| text).err();
        assert_eq!(refusal.as_ref(), Some(&expected));
        assert!(refusal.unwrap().fault().code.starts_with("enrol."));
    };
    let other = EnrolToken::new(token().id(), [0; 32]);
    let late = at(900_001);
    check(Some(other), Some(record()), NOW, EnrolError::Proof);
    check(Some(token()), None, NOW, EnrolError::UnknownToken(token().id()));
    check(Some(token()), Some(TokenRecord { used: true, ..record() }), NOW, EnrolError::Used);
    check(Some(token()), Some(record()), late, EnrolError::Expired { at: at(900_000), now: late });
    check(Some(token()), Some(TokenRecord { id: id(31), ..record() }), NOW, EnrolError::UnknownToken(token().id()));
}

#[test]
fn a_proof_of_another_conversation_is_refused() {
    let mut proven = String::new();
    prove(Some(token()), Some(&record()), NOW, |step, text| {
        if step == 2 {
            proven.clone_from(&text);
        }
        text
    })
    .unwrap();
    let (text, _) = register(Some(token()), 2);
    let (_, server) = challenge(&text, &root(), [9; 32]).unwrap();
    let refusal = server.response(&proven, Some(&record()), NOW).err();
    assert_eq!(refusal, Some(EnrolError::Handshake(HandshakeError::OtherConversation(Kind::Response))));
}

#[test]
fn every_flipped_byte_of_every_message_is_refused() {
    let mut texts = vec![];
    let (agent, candidate) = prove(Some(token()), Some(&record()), NOW, |_, text| {
        texts.push(text.clone());
        text
    })
    .unwrap();
    for (step, original) in texts.into_iter().enumerate() {
        for flipped in flips(&original) {
            let outcome =
                prove(Some(token()), Some(&record()), NOW, |at, text| if at == step { flipped.clone() } else { text });
            assert!(outcome.is_err(), "message {step}: {flipped}");
        }
    }
    drop(agent);
    let registered = candidate.registered(&online(), new_node(), NOW).unwrap();
    for flipped in flips(&registered) {
        let (agent, _) = prove(Some(token()), Some(&record()), NOW, |_, text| text).unwrap();
        assert!(agent.receive(&flipped).is_err(), "REGISTERED: {flipped}");
    }
}

#[test]
fn without_a_token_a_person_is_waited_for_once() {
    let (agent, candidate) = prove(None, None, NOW, |_, text| text).unwrap();
    assert_eq!(candidate.token(), None);
    let code = UserCode::from_random([7; 16]);
    let pending = candidate.pending(code, at(600_000), Millis::secs(5)).unwrap();
    let Ok(Progress::Wait(shown, agent)) = agent.receive(&pending) else { panic!("not waiting") };
    assert_eq!((shown.code, shown.words), (code, node_key().public().id().words()));
    let text = candidate.registered(&online(), new_node(), NOW).unwrap();
    assert!(matches!(agent.receive(&text), Ok(Progress::Done(_))));
}

#[test]
fn a_pending_for_another_key_or_for_a_token_is_refused() {
    let pending = |words: &str| {
        let code = UserCode::from_random([7; 16]);
        let retry_after = Millis::secs(5);
        let pending =
            sf_protocol::enrol::Pending { code, expires_at: at(600_000), retry_after, words: words.to_owned() };
        Frame::Pending(pending).write().unwrap()
    };
    let ours = node_key().public().id().words();
    let (agent, _) = prove(None, None, NOW, |_, text| text).unwrap();
    assert_eq!(agent.receive(&pending("acorn-acorn")).expect_err("other words").code(), "enrol.words");
    let (agent, candidate) = prove(Some(token()), Some(&record()), NOW, |_, text| text).unwrap();
    assert_eq!(agent.receive(&pending(&ours)).expect_err("a token").code(), "enrol.not_pending");
    assert!(candidate.pending(UserCode::from_random([7; 16]), NOW, Millis::secs(5)).is_err());
}

#[test]
fn a_token_may_not_be_added_or_dropped_between_register_and_response() {
    // An agent of the device flow whose REGISTER is exchanged for one that names a token.
    let (named, _) = register(Some(token()), 1);
    let refusal = prove(None, Some(&record()), NOW, |step, text| if step == 0 { named.clone() } else { text });
    assert_eq!(refusal.err(), Some(EnrolError::Handshake(HandshakeError::OtherConversation(Kind::Challenge))));
}

#[test]
fn a_registered_of_another_conversation_epoch_or_binding_is_refused() {
    let check = |change: fn(&mut Registered), code: &str| {
        let (agent, candidate) = prove(Some(token()), Some(&record()), NOW, |_, text| text).unwrap();
        let text = reseal(&candidate.registered(&online(), new_node(), NOW).unwrap(), &online(), change);
        assert_eq!(agent.receive(&text).expect_err(code).code(), code);
    };
    check(|r| r.transcript = sf_protocol::handshake::Digest::from_bytes([0; 32]), "handshake.other_conversation");
    check(|r| r.epoch = EPOCH - 1, "handshake.epoch");
    check(|r| r.binding = BindingKind::Host, "handshake.binding_kind");
}
