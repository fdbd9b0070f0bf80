//! A connection opens between the two right sides, on one channel, now; every other way is refused by name.

use sf_protocol::frame::Frame;
use sf_protocol::handshake::{
    AgentHello, Authorized, AwaitingAuthorized, AwaitingChallenge, AwaitingResponse, BindingKind, Challenge, Channel,
    Digest, Endpoint, Enrolment, HandshakeError, Identity, NodeRecord, Nonce, Open, Response, ServerHello, ServerOpen,
    VERSIONS, Versions, Welcome,
};
use sf_protocol::report::Stored;
use sf_protocol::{Class, Delegation, Kind, SecretKey};
use sf_types::{Millis, Timestamp};

use crate::world::*;

const HOST: &str = "panel.example";

/// Everything that can be turned about a handshake.
struct Scene {
    agent_versions: Versions,
    server_versions: Versions,
    agent_channel: Channel,
    names: Vec<String>,
    server_exporter: Option<[u8; 32]>,
    pinned: BindingKind,
    record: Option<NodeRecord>,
    pinned_root: SecretKey,
    server_root: SecretKey,
    server_key: SecretKey,
    delegation: Delegation,
    agent_now: Timestamp,
    server_now: Timestamp,
    agent_epoch: u64,
    nonce: u8,
    ticket: Option<Nonce>,
}

fn scene() -> Scene {
    Scene {
        agent_versions: VERSIONS,
        server_versions: VERSIONS,
        agent_channel: Channel::new("Panel.Example.", Some([9; 32])),
        names: vec![HOST.to_owned()],
        server_exporter: Some([9; 32]),
        pinned: BindingKind::Exporter,
        record: Some(NodeRecord { node: id(5), binding: BindingKind::Exporter, locked: false }),
        pinned_root: root(),
        server_root: root(),
        server_key: online(),
        delegation: delegation(),
        agent_now: NOW,
        server_now: NOW,
        agent_epoch: EPOCH,
        nonce: 1,
        ticket: None,
    }
}

impl Scene {
    fn connect(&self) -> Result<(String, AwaitingChallenge), HandshakeError> {
        let hello = AgentHello {
            node: id(5),
            key: node_key().public(),
            root: self.pinned_root.public().id(),
            binding: self.pinned,
            versions: self.agent_versions,
            agent_version: "0.1.0".parse().unwrap(),
            epoch: self.agent_epoch,
            high_water: 41,
            counter: 6,
        };
        let nonce = Nonce::from_bytes([self.nonce; 32]);
        match self.ticket {
            Some(ticket) => hello.connect_for(ticket, &self.agent_channel, nonce),
            None => hello.connect(&self.agent_channel, nonce),
        }
    }

    fn challenge(&self, connect: &str) -> Result<(String, AwaitingResponse), HandshakeError> {
        let endpoint =
            Endpoint { names: self.names.clone(), exporter: self.server_exporter, versions: self.server_versions };
        let root = self.server_root.public();
        let delegation = sf_protocol::Signed::seal(Kind::Delegation, &self.delegation, &self.server_root);
        let identity = Identity { key: &self.server_key, delegation: &delegation, root: &root };
        let nonce = Nonce::from_bytes([self.nonce ^ 0xff; 32]);
        ServerHello::new(endpoint).connect(connect)?.challenge(self.record, identity, nonce, self.server_now)
    }

    fn authorize(&self, waiting: AwaitingResponse, response: &str) -> Result<(String, ServerOpen), HandshakeError> {
        let proven = waiting.response(response)?;
        assert_eq!((proven.node(), proven.presented()), (id(5), 6));
        let welcome = Welcome {
            connection: id(self.nonce),
            counter: 7,
            epoch: self.delegation.epoch,
            resume: Stored { events: 12, ..Stored::default() },
            heartbeat: Millis::secs(30),
        };
        proven.authorize(&self.server_key, welcome, self.server_now)
    }

    /// The whole handshake with `tamper(step, text)` on the wire between the two.
    fn run(&self, mut tamper: impl FnMut(usize, String) -> String) -> Result<(Open, ServerOpen), HandshakeError> {
        let (connect, agent) = self.connect()?;
        let (challenge, server) = self.challenge(&tamper(0, connect))?;
        let (response, agent) = agent.challenge(&tamper(1, challenge), &node_key(), self.agent_now)?;
        let (authorized, open) = self.authorize(server, &tamper(2, response))?;
        Ok((agent.authorized(&tamper(3, authorized))?, open))
    }

    fn texts(&self) -> [String; 4] {
        let mut seen = [const { String::new() }; 4];
        self.run(|step, text| {
            seen[step].clone_from(&text);
            text
        })
        .expect("an untouched handshake opens");
        seen
    }
}

fn refused(change: impl Fn(&mut Scene)) -> HandshakeError {
    let mut scene = scene();
    change(&mut scene);
    scene.run(|_, text| text).expect_err("it must not open")
}

#[test]
fn the_right_two_sides_agree() {
    let (agent, server) = scene().run(|_, text| text).unwrap();
    assert_eq!((agent.connection, agent.counter, agent.version), (server.connection, server.counter, server.version));
    assert_eq!((agent.resume.events, agent.delegation, server.connect.high_water), (12, delegation(), 41));
}

#[test]
fn a_ticket_is_what_the_node_has_signed() {
    let ticket = Nonce::from_bytes([7; 32]);
    let mut scene = scene();
    scene.ticket = Some(ticket);
    let (connect, agent) = scene.connect().unwrap();
    let (challenge, server) = scene.challenge(&connect).unwrap();
    let (response, _) = agent.challenge(&challenge, &node_key(), NOW).unwrap();
    assert_eq!(server.response(&response).unwrap().connect().transfer, Some(ticket));
    // Put in, taken out or swapped on the way, the node's signature does not hold.
    let other = sf_protocol::wire::encode_base64(&[8; 32]);
    let own = sf_protocol::wire::encode_base64(ticket.bytes());
    let field = format!(",\"transfer\":\"{own}\"");
    assert!(connect.contains(&field), "{connect}");
    for tampered in [connect.replace(&own, &other), connect.replace(&field, "")] {
        let (_, agent) = scene.connect().unwrap();
        let (challenge, _) = scene.challenge(&tampered).unwrap();
        assert!(agent.challenge(&challenge, &node_key(), NOW).is_err(), "{tampered}");
    }
    scene.ticket = None;
    let (plain, agent) = scene.connect().unwrap();
    let (challenge, _) = scene.challenge(&plain.replace("\"}}", &format!("\"{field}}}}}"))).unwrap();
    assert!(agent.challenge(&challenge, &node_key(), NOW).is_err());
}

#[test]
fn every_flipped_byte_of_every_message_is_refused() {
    let scene = scene();
    for (step, original) in scene.texts().into_iter().enumerate() {
        for flipped in flips(&original) {
            let outcome = scene.run(|at, text| if at == step { flipped.clone() } else { text });
            assert!(outcome.is_err(), "message {step}: {flipped}");
        }
    }
}

#[test]
fn messages_of_another_handshake_are_refused_on_either_side() {
    let (here, there) = (scene(), Scene { nonce: 2, ..scene() });
    let (ours, theirs) = (here.texts(), there.texts());
    for step in 0..4 {
        assert_ne!(ours[step], theirs[step]);
        let outcome = here.run(|at, text| if at == step { theirs[step].clone() } else { text });
        assert!(outcome.is_err(), "message {step} of another handshake");
    }
    // An old handshake replayed whole against a control plane with a fresh nonce stops at RESPONSE.
    let (_, server) = there.challenge(&ours[0]).unwrap();
    let refusal = server.response(&ours[2]).expect_err("an old RESPONSE");
    assert_eq!(refusal, HandshakeError::OtherConversation(Kind::Response));
    // Every message in every other's place.
    for step in 0..4 {
        for other in (0..4).filter(|other| *other != step) {
            assert!(here.run(|at, text| if at == step { ours[other].clone() } else { text }).is_err());
        }
    }
}

#[test]
fn somebody_who_opens_tls_on_the_way_is_noticed_by_both_sides() {
    let refusal = refused(|scene| scene.server_exporter = Some([8; 32]));
    assert_eq!(refusal, HandshakeError::Binding);
    assert!(refusal.to_string().contains("opens the TLS connection"));
    // The control plane's own check, had the agent none.
    let (near, far) = (scene(), Scene { agent_channel: Channel::new(HOST, Some([8; 32])), ..scene() });
    let (connect, agent) = far.connect().unwrap();
    let (_, server) = near.challenge(&connect).unwrap();
    let lured = Scene { server_exporter: Some([8; 32]), ..scene() };
    let (response, _): (String, AwaitingAuthorized) =
        agent.challenge(&lured.challenge(&connect).unwrap().0, &node_key(), NOW).unwrap();
    assert_eq!(server.response(&response).expect_err("another channel"), HandshakeError::Binding);
}

#[test]
fn a_binding_is_never_negotiated_down() {
    let host = NodeRecord { node: id(5), binding: BindingKind::Host, locked: false };
    assert_eq!(
        refused(|scene| scene.record = Some(host)),
        HandshakeError::BindingKind { pinned: BindingKind::Exporter, offered: BindingKind::Host }
    );
    assert_eq!(refused(|scene| scene.server_exporter = None), HandshakeError::NoExporter);
    assert_eq!(refused(|scene| scene.agent_channel = Channel::new(HOST, None)), HandshakeError::NoExporter);
    let both = Scene {
        record: Some(host),
        pinned: BindingKind::Host,
        server_exporter: None,
        agent_channel: Channel::new(HOST, None),
        ..scene()
    };
    assert!(both.run(|_, text| text).is_ok(), "where both have pinned the host, it opens");
}

#[test]
fn the_cause_is_named() {
    let check = |change: &dyn Fn(&mut Scene), code: &str, says: &[&str]| {
        let refusal = refused(change);
        assert_eq!(refusal.code(), code, "{refusal}");
        for word in says {
            assert!(refusal.to_string().contains(word), "`{refusal}` does not say {word}");
        }
    };
    let (ours, theirs) = (root().public().id().to_string(), stranger().public().id().to_string());
    check(&|s| s.server_root = stranger(), "handshake.wrong_root", &[&ours, &theirs]);
    check(&|s| s.server_key = stranger(), "handshake.signature", &[]);
    check(&|s| s.delegation.not_after = at(-61_000), "handshake.delegation", &["certified from"]);
    check(&|s| s.delegation.not_before = at(-31 * 24 * HOUR_MS), "handshake.delegation", &["30 days"]);
    check(&|s| s.agent_now = at(61_001), "handshake.clock", &["06:28", "06:27"]);
    check(&|s| s.agent_now = at(-61_001), "handshake.clock", &[]);
    // A clock so wrong that the certificate seems out of time is still called a wrong clock.
    check(&|s| s.agent_now = at(-400 * 24 * HOUR_MS), "handshake.clock", &["2025-", "2026-"]);
    check(&|s| s.names = vec!["other.example".into()], "handshake.host", &[HOST, "other.example"]);
    check(&|s| s.names = vec![], "handshake.host", &[]);
    check(&|s| s.record = None, "handshake.unknown_key", &[&node_key().public().id().to_string()]);
    check(&|s| s.record.as_mut().unwrap().locked = true, "handshake.locked", &["person"]);
    check(&|s| s.agent_epoch = EPOCH + 1, "handshake.epoch", &["3", "4"]);
    check(
        &|s| s.server_versions = Versions { min: 8, max: 9 },
        "handshake.version",
        &["version 8 to 9", "other side 1 to 6"],
    );
}

#[test]
fn the_root_cannot_be_borrowed_by_a_key_it_did_not_certify() {
    // The genuine root's public key next to a delegation signed by somebody else.
    let forged = sf_protocol::Signed::seal(
        Kind::Delegation,
        &delegation_of(stranger().public(), EPOCH, &[Class::Operate]),
        &stranger(),
    );
    let (connect, agent) = scene().connect().unwrap();
    let endpoint = Endpoint { names: vec![HOST.into()], exporter: Some([9; 32]), versions: VERSIONS };
    let (genuine, key) = (root().public(), stranger());
    let identity = Identity { key: &key, delegation: &forged, root: &genuine };
    let (challenge, _) = ServerHello::new(endpoint)
        .connect(&connect)
        .unwrap()
        .challenge(scene().record, identity, Nonce::from_bytes([7; 32]), NOW)
        .unwrap();
    let refusal = agent.challenge(&challenge, &node_key(), NOW).expect_err("not certified");
    assert_eq!(refusal.code(), "handshake.delegation");
}

#[test]
fn neighbouring_versions_work_together_and_the_highest_is_taken() {
    let check = |agent: (u16, u16), server: (u16, u16), expected: Option<u16>| {
        let scene = Scene {
            agent_versions: Versions { min: agent.0, max: agent.1 },
            server_versions: Versions { min: server.0, max: server.1 },
            ..scene()
        };
        assert_eq!(scene.run(|_, text| text).ok().map(|(open, _)| open.version), expected, "{agent:?} {server:?}");
    };
    check((1, 2), (1, 1), Some(1));
    check((1, 1), (1, 2), Some(1));
    check((2, 3), (1, 2), Some(2));
    check((1, 3), (1, 3), Some(3));
    check((1, 1), (2, 3), None);
}

#[test]
fn a_version_cannot_be_talked_down_on_the_way() {
    let wide = Versions { min: 1, max: 2 };
    let scene = Scene { agent_versions: wide, server_versions: wide, ..scene() };
    let outcome = scene.run(|step, text| match step {
        0 => {
            let lowered = text.replace(r#""versions":{"min":1,"max":2}"#, r#""versions":{"min":1,"max":1}"#);
            assert_ne!(lowered, text);
            lowered
        }
        _ => text,
    });
    assert_eq!(outcome.err(), Some(HandshakeError::OtherConversation(Kind::Challenge)));
    // A control plane that chooses lower than it could: signed, and still refused.
    let (connect, agent) = scene.connect().unwrap();
    let (challenge, _) = scene.challenge(&connect).unwrap();
    let Ok(Frame::Challenge(signed)) = Frame::parse(&challenge) else { panic!("a CHALLENGE") };
    let mut body: sf_protocol::handshake::Challenge = signed.open(Kind::Challenge, &online().public()).unwrap();
    body.version = 1;
    let lower = Frame::Challenge(sf_protocol::Signed::seal(Kind::Challenge, &body, &online())).write().unwrap();
    let refusal = agent.challenge(&lower, &node_key(), NOW).err();
    assert_eq!(refusal, Some(HandshakeError::Downgrade { chosen: 1, highest: 2 }));
}

#[test]
fn a_good_signature_does_not_excuse_a_wrong_body() {
    let check = |step: usize, change: &dyn Fn(&str) -> String, code: &str| {
        let outcome = scene().run(|at, text| if at == step { change(&text) } else { text });
        assert_eq!(outcome.expect_err(code).code(), code);
    };
    let challenge = |change: fn(&mut Challenge)| move |text: &str| reseal(text, &online(), change);
    let response = |change: fn(&mut Response)| move |text: &str| reseal(text, &node_key(), change);
    let authorized = |change: fn(&mut Authorized)| move |text: &str| reseal(text, &online(), change);
    check(1, &challenge(|c| c.host_name = "evil.example".into()), "handshake.host");
    check(1, &challenge(|c| c.opening = Digest::from_bytes([0; 32])), "handshake.other_conversation");
    check(2, &response(|r| r.host_name = "evil.example".into()), "handshake.host");
    check(2, &response(|r| r.transcript = Digest::from_bytes([0; 32])), "handshake.other_conversation");
    check(2, &response(|r| r.enrolment = Some(Enrolment { facts: node_facts(), proof: None })), "handshake.enrolment");
    check(3, &authorized(|a| a.node = id(99)), "handshake.other_node");
    check(3, &authorized(|a| a.counter = 6), "handshake.counter");
    check(3, &authorized(|a| a.epoch = EPOCH + 1), "handshake.epoch");
    check(3, &authorized(|a| a.transcript = Digest::from_bytes([0; 32])), "handshake.other_conversation");
}

#[test]
fn a_closing_carries_its_reason_to_the_other_side() {
    let (_, agent) = scene().connect().unwrap();
    let reason = HandshakeError::Locked(id(5));
    let heard = agent.challenge(&reason.closing().write().unwrap(), &node_key(), NOW).expect_err("closed");
    assert_eq!(heard.fault(), reason.fault());
}

#[test]
fn exported_keying_material_is_on_no_wire_and_in_no_log() {
    let scene = scene();
    let material = sf_protocol::wire::encode_base64(&[9; 32]);
    assert!(scene.texts().iter().all(|text| !text.contains(&material)));
    assert!(
        !format!("{:?} {:?}", scene.agent_channel, scene.agent_channel.bind(BindingKind::Exporter)).contains("9, 9")
    );
}
