//! A node obeys the one right order and no other.

use proptest::prelude::*;
use sf_protocol::accept::{Accept, Decision, Refusal, State, accept};
use sf_protocol::frame::Frame;
use sf_protocol::order::DeploySource;
use sf_protocol::query::Query;
use sf_protocol::{Class, Command, Kind, Order, Signed, VerifyError};
use sf_types::{NodeId, Timestamp};
use sha2::{Digest, Sha256};

use crate::world::*;

fn hash(signed: &Signed) -> [u8; 32] {
    Sha256::digest(&signed.payload).into()
}

#[test]
fn a_good_order_of_every_kind_is_new_once() {
    for order in orders() {
        let command = command(order);
        let signed = seal(&command);
        let expected = Accept { command: command.clone(), hash: hash(&signed), decision: Decision::New };
        assert_eq!(obey(&signed, command.order.kind()), Ok(expected));
    }
}

#[test]
fn every_flipped_byte_of_every_order_is_refused() {
    for order in orders() {
        let command = command(order);
        let text = Frame::of_signed(command.order.kind(), seal(&command)).unwrap().write().unwrap();
        for flipped in flips(&text) {
            let Ok(frame) = Frame::parse(&flipped) else { continue };
            let (kind, signed) = frame.signed().expect("a signed frame cannot become a plain one");
            assert!(obey(signed, kind).is_err(), "{flipped}");
        }
    }
}

#[test]
fn every_label_but_the_signed_one_is_refused() {
    for order in orders() {
        let command = command(order);
        let own = command.order.kind();
        for kind in Kind::ALL.iter().copied() {
            assert_eq!(obey(&seal(&command), kind).is_ok(), kind == own, "{own} as {kind}");
            // Even where K_cp itself signs under another label, body and label disagree.
            let renamed = Signed::seal(kind, &command, &online());
            assert_eq!(obey(&renamed, kind).is_ok(), kind == own, "{own} signed as {kind}");
        }
    }
}

#[test]
fn whatever_is_not_exactly_for_this_node_now_is_refused() {
    let check = |change: &dyn Fn(&mut Command), code: &str| {
        let mut command = restart();
        change(&mut command);
        let refusal = obey(&seal(&command), Kind::AppAction).expect_err(code);
        assert_eq!(refusal.code(), code, "{refusal}");
        assert!(!refusal.fault().message.is_empty());
    };
    check(&|c| c.node = id::<NodeId>(99), "command.other_node");
    check(&|c| c.node_key = stranger().public().id(), "command.other_node_key");
    check(&|c| c.epoch = EPOCH - 1, "command.epoch");
    check(&|c| c.epoch = EPOCH + 1, "command.epoch");
    check(&|c| c.sequence = 0, "command.replayed");
    check(&|c| c.sequence = 41, "command.replayed");
    check(&|c| c.sequence = 43, "command.gap");
    check(&|c| c.sequence = u64::MAX, "command.gap");
    check(&|c| c.class = Class::Read, "command.other_class");
    check(&|c| c.class = Class::Danger, "command.other_class");
    check(&|c| c.not_before = at(61_000), "command.not_yet");
    check(&|c| c.issued_at = at(61_000), "command.not_yet");
    check(&|c| c.expires_at = at(25 * HOUR_MS), "command.lifetime");
    check(&|c| c.expires_at = at(-2_000), "command.lifetime");
    check(&|c| c.not_before = at(-25 * HOUR_MS), "command.lifetime");
    check(&|c| c.expires_at = Timestamp::from_millis(i64::MAX), "command.lifetime");
    check(&|c| c.not_before = Timestamp::from_millis(i64::MIN), "command.lifetime");
}

#[test]
fn the_clock_is_forgiven_sixty_seconds() {
    let signed = seal(&restart()); // good from -1 s to +240 s
    let check = |now, expected: bool| {
        assert_eq!(obey_knowing(&signed, Kind::AppAction, None, now).is_ok(), expected, "{now}");
    };
    check(at(-61_000), true);
    check(at(-61_001), false);
    check(at(300_000), true);
    check(at(300_001), false);
}

#[test]
fn only_the_certified_key_in_its_time_and_classes_orders() {
    let command = restart();
    let forged = Signed::seal(Kind::AppAction, &command, &stranger());
    assert!(matches!(obey(&forged, Kind::AppAction), Err(Refusal::Verify { error: VerifyError::OtherKey { .. }, .. })));
    let renamed = Signed { key_id: online().public().id(), ..forged };
    assert!(matches!(obey(&renamed, Kind::AppAction), Err(Refusal::Verify { error: VerifyError::Signature(_), .. })));
    let none = |_| None;
    let state = State { node: id(5), node_key: node_key().public().id(), epoch: EPOCH, high_water: 41, known: &none };
    let narrow = delegation_of(online().public(), EPOCH, &[Class::Read]);
    assert_eq!(
        accept(&state, &seal(&command), Kind::AppAction, &narrow, NOW),
        Err(Refusal::ClassNotCertified(Class::Operate))
    );
    let mut ended = delegation();
    ended.not_after = at(-61_000);
    assert!(matches!(accept(&state, &seal(&command), Kind::AppAction, &ended, NOW), Err(Refusal::Delegation { .. })));
}

#[test]
fn a_known_order_is_answered_again_even_late_and_a_changed_one_is_an_alarm() {
    let command = restart();
    let signed = seal(&command);
    let known = Some((command.id, hash(&signed)));
    for now in [NOW, at(2 * HOUR_MS)] {
        let again = obey_knowing(&signed, Kind::AppAction, known, now).unwrap();
        assert_eq!(again.decision, Decision::Duplicate);
    }
    let changed = seal(&Command { sequence: 43, ..command.clone() });
    assert_eq!(obey_knowing(&changed, Kind::AppAction, known, NOW), Err(Refusal::Alarm(command.id)));
}

#[test]
fn a_read_has_no_number_lives_five_minutes_and_is_answered_once() {
    let read = command(Order::Query(Query::Node));
    let check = |command: &Command, known, code: &str| {
        let refusal = obey_knowing(&seal(command), Kind::Query, known, NOW).expect_err(code);
        assert_eq!(refusal.code(), code);
    };
    assert!(obey(&seal(&read), Kind::Query).is_ok());
    check(&read, Some((read.id, hash(&seal(&read)))), "command.replayed");
    check(&Command { sequence: 42, ..read.clone() }, None, "command.numbered");
    check(&Command { expires_at: at(299_001), ..read.clone() }, None, "command.lifetime");
}

#[test]
fn a_higher_epoch_begins_numbers_anew_and_a_lower_one_is_refused() {
    let none = |_| None;
    let state = State { node: id(5), node_key: node_key().public().id(), epoch: EPOCH, high_water: 41, known: &none };
    let check = |epoch: u64, sequence: u64, expected: Option<&str>| {
        let signed = seal(&Command { epoch, sequence, ..restart() });
        let delegation = delegation_of(online().public(), epoch, &[Class::Operate]);
        let got = accept(&state, &signed, Kind::AppAction, &delegation, NOW);
        assert_eq!(got.as_ref().err().map(Refusal::code), expected, "{epoch} {sequence}");
    };
    check(EPOCH + 1, 1, None);
    check(EPOCH + 1, 42, Some("command.gap"));
    check(EPOCH + 1, 0, Some("command.replayed"));
    check(EPOCH, 42, None);
    check(EPOCH - 1, 42, Some("command.epoch"));
}

#[test]
fn unit_variants_hide_no_unknown_fields() {
    for (kind, good, bad) in [
        (Kind::Query, r#"{"query":"node"}"#, r#"{"query":"node","x":1}"#),
        (Kind::Deploy, r#"{"kind":"kept"}"#, r#"{"kind":"kept","x":1}"#),
    ] {
        let parses = |text: &str| match kind {
            Kind::Query => sf_protocol::wire::parse::<Query>(text.as_bytes()).is_ok(),
            _ => sf_protocol::wire::parse::<DeploySource>(text.as_bytes()).is_ok(),
        };
        assert!(parses(good) && !parses(bad), "{bad}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// However deliveries are shuffled and repeated, a node takes each number once and in order.
    #[test]
    fn numbers_are_taken_once_and_in_order(deliveries in prop::collection::vec(1_u64..12, 0..80)) {
        let (mut journal, mut high_water) = (std::collections::HashMap::new(), 0);
        for sequence in deliveries {
            let n = u8::try_from(sequence).unwrap();
            let signed = seal(&Command { id: id(n), sequence, ..restart() });
            let known = |id| journal.get(&id).copied();
            let state = State { node: id(5), node_key: node_key().public().id(), epoch: EPOCH, high_water, known: &known };
            match accept(&state, &signed, Kind::AppAction, &delegation(), NOW) {
                Ok(Accept { command, hash, decision: Decision::New }) => {
                    prop_assert_eq!(sequence, high_water + 1);
                    high_water = sequence;
                    journal.insert(command.id, hash);
                }
                Ok(_) => prop_assert!(sequence <= high_water),
                Err(refusal) => prop_assert_eq!(refusal, Refusal::Gap { expected: high_water + 1, got: sequence }),
            }
        }
    }
}
