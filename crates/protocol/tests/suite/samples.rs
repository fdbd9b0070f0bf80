//! Frames of version 1 as they were first sent: later versions keep reading them. `SF_WRITE_SAMPLES=1` writes the
//! files that are missing; it never changes one, since a frozen sample that no longer fits is the very finding.

use std::path::{Path, PathBuf};

use sf_protocol::app::AppState;
use sf_protocol::enrol::{Pending, Register, Registered, UserCode};
use sf_protocol::frame::Frame;
use sf_protocol::handshake::{
    Authorized, Binding, BindingKind, Challenge, Closing, Connect, Digest, Enrolment, Nonce, Response, VERSIONS,
};
use sf_protocol::outcome::{Accepted, Step};
use sf_protocol::query::{Answer, Reply, Revision};
use sf_protocol::report::{
    AppSample, DetectedPorts, LogLine, LogSource, LogStored, LogStream, NodeEvent, NodeSample, StatusUpdate, StepState,
    Stored, Stream, SystemLog,
};
use sf_protocol::server::ConsoleOutput;
use sf_protocol::{Command, Kind, Outcome, SecretKey, Signed, Witness};
use sf_types::{ErrorKind, Fault, Millis};

use crate::world::*;

/// Words that are parsed outside of frames.
pub const WORDS: &[&str] = &[
    "sha256:7de1555df0c2700329e815b93b32c571c3ea54dc967b89e81ab73b9972b72d1d",
    "sfe_AZOhsnw9fk-KW2x9jp8KG6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6ur",
    "WDJB-MJHT",
    "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "AQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJAAAAAAAAAAAAAAAAAAAAAA==",
];

fn signed<T: serde::Serialize>(kind: Kind, body: &T, key: &SecretKey) -> Frame {
    Frame::of_signed(kind, Signed::seal(kind, body, key)).unwrap()
}

fn opening() -> Vec<Frame> {
    let (digest, nonce) = (Digest::from_bytes([5; 32]), Nonce::from_bytes([6; 32]));
    let (binding, host_name) = (Binding::Exporter([9; 32]).proof(), "panel.example".to_owned());
    let resume = Stored {
        results: vec![id(20)],
        events: 12,
        logs: vec![LogStored { source: LogSource::Run { run: id(8) }, up_to: 99 }],
        metrics: Some(NOW),
    };
    vec![
        Frame::Connect(Connect {
            pub_key: node_key().public(),
            versions: VERSIONS,
            nonce,
            agent_version: "0.1.0".parse().unwrap(),
            epoch: EPOCH,
            high_water: 41,
            host_name: host_name.clone(),
            transfer: None,
        }),
        signed(
            Kind::Challenge,
            &Challenge {
                nonce,
                version: 1,
                versions: VERSIONS,
                opening: digest,
                host_name: host_name.clone(),
                binding,
                delegation: certified(&delegation()),
                root: root().public(),
                time: NOW,
            },
            &online(),
        ),
        signed(
            Kind::Response,
            &Response {
                transcript: digest,
                host_name: host_name.clone(),
                binding,
                counter: 0,
                enrolment: Some(Enrolment { facts: node_facts(), proof: Some(digest) }),
            },
            &node_key(),
        ),
        signed(
            Kind::Authorized,
            &Authorized {
                transcript: digest,
                node: id(5),
                connection: id(9),
                counter: 7,
                epoch: EPOCH,
                resume: resume.clone(),
                time: NOW,
                heartbeat: Millis::secs(30),
            },
            &online(),
        ),
        Frame::Register(Register {
            public_key: node_key().public(),
            nonce,
            versions: VERSIONS,
            host_name,
            token: Some(id(30)),
        }),
        Frame::Pending(Pending {
            code: UserCode::from_random([7; 16]),
            expires_at: at(600_000),
            retry_after: Millis::secs(5),
            words: node_key().public().id().words(),
        }),
        signed(
            Kind::Registered,
            &Registered {
                transcript: digest,
                node: id(5),
                counter: 1,
                epoch: EPOCH,
                binding: BindingKind::Exporter,
                tenant_name: "Home".parse().unwrap(),
                node_name: "web-1".parse().unwrap(),
                time: NOW,
            },
            &online(),
        ),
        Frame::Closing(Closing {
            fault: Fault::new(ErrorKind::Unavailable, "gateway.stopping", "The control plane is stopping."),
            retry_after: Some(Millis::secs(2)),
        }),
        Frame::Stored(resume),
        Frame::Witness(Witness::seal(
            (id(1), 1_000, [7; 32]),
            NOW,
            &online(),
            &certified(&delegation()),
            &root().public(),
        )),
    ]
}

fn told() -> Vec<Frame> {
    let port = 8080.try_into().unwrap();
    let line = LogLine { sequence: 1, at: NOW, stream: Stream::Out, text: "listening \u{1f310}".into() };
    let event =
        NodeEvent::Step { command: id(20), step: Step::Health, state: StepState::Done, note: "200 in 4 ms".into() };
    let sample = AppSample {
        app: id(10),
        state: AppState::Running,
        cpu_permille: 12,
        memory: 1 << 26,
        processes: 2,
        requests: 40,
        restarts: 0,
    };
    let revision = Revision { commit: "0".repeat(40), reference: "main".into(), subject: "first".into() };
    vec![
        signed(Kind::Ack, &Accepted { command: id(20), sequence: 42, accepted_at: NOW }, &node_key()),
        signed(Kind::Result, &outcome(), &node_key()),
        signed(
            Kind::Answer,
            &Answer { command: id(20), node: id(5), at: NOW, reply: Reply::Resolved(revision) },
            &node_key(),
        ),
        Frame::StatusUpdate(StatusUpdate { sequence: 1, at: NOW, event }),
        Frame::LogStream(LogStream {
            source: LogSource::App { app: id(10), release: id(11) },
            lines: vec![line.clone()],
            dropped: 0,
        }),
        Frame::ConsoleOutput(ConsoleOutput { server: id(15), lines: vec![line], skipped: 2, sample: None }),
        Frame::DetectedPorts(DetectedPorts { app: id(10), release: id(11), ports: vec![port], stable: Some(port) }),
        Frame::SystemLog(SystemLog {
            at: NOW,
            node: NodeSample::default(),
            apps: vec![sample],
            servers: vec![],
            held: None,
        }),
    ]
}

/// One frame of every type, with its name.
pub fn frames() -> Vec<(&'static str, String)> {
    let orders = orders().into_iter().map(|order| {
        let command = command(order);
        Frame::of_signed(command.order.kind(), seal(&command)).unwrap()
    });
    let all = opening().into_iter().chain(orders).chain(told());
    all.map(|frame| (frame.kind().wire(), frame.write().unwrap())).collect()
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(format!("{}-v1.json", name.to_lowercase()))
}

/// Whether a frozen frame still says something: its signature holds and its body is read.
fn understood(frame: &Frame) -> bool {
    let Some((kind, signed)) = frame.signed() else { return true };
    let (online, node) = (online().public(), node_key().public());
    match kind {
        Kind::Challenge => signed.open::<Challenge>(kind, &online).is_ok(),
        Kind::Authorized => signed.open::<Authorized>(kind, &online).is_ok(),
        Kind::Registered => signed.open::<Registered>(kind, &online).is_ok(),
        Kind::Witness => Witness::open(signed, root().public().id()).is_ok(),
        Kind::Response => signed.open::<Response>(kind, &node).is_ok(),
        Kind::Ack => signed.open::<Accepted>(kind, &node).is_ok(),
        Kind::Result => signed.open::<Outcome>(kind, &node).is_ok(),
        Kind::Answer => signed.open::<Answer>(kind, &node).is_ok(),
        _ => signed.open::<Command>(kind, &online).is_ok(),
    }
}

#[test]
fn frames_of_version_1_are_still_read() {
    #[expect(clippy::disallowed_methods, reason = "a switch for the person who adds a frame, not a setting")]
    let write = std::env::var("SF_WRITE_SAMPLES").is_ok();
    for (name, text) in frames() {
        let path = file(name);
        if write && !path.exists() {
            std::fs::write(&path, &text).unwrap();
        }
        let frozen = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; SF_WRITE_SAMPLES=1 writes it", path.display()));
        let frame = Frame::parse(&frozen).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(understood(&frame), "{name}");
    }
}

#[test]
fn there_is_a_sample_of_every_frame_type() {
    let mut named: Vec<_> = frames().into_iter().map(|(name, _)| name).collect();
    let mut all: Vec<_> = Kind::ALL.iter().filter(|kind| **kind != Kind::Delegation).map(|kind| kind.wire()).collect();
    named.sort_unstable();
    all.sort_unstable();
    assert_eq!(named, all);
}
