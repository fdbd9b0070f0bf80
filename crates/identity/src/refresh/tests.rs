use super::*;
use sf_types::TypedId;

const START: Timestamp = Timestamp::from_millis(1_000_000);

fn key(byte: u8) -> RefreshKey {
    RefreshKey::new(&MasterKey::from_bytes([byte; 32]))
}

fn session(byte: u8) -> SessionId {
    SessionId::from_parts(START, [byte; 10])
}

fn after(seconds: u64) -> Timestamp {
    START.plus(Duration::from_secs(seconds))
}

fn present(text: &Secret<String>) -> Presented {
    read(text.expose()).unwrap().1
}

fn rotated(decision: Rotate) -> (Secret<String>, Family) {
    match decision {
        Rotate::Rotated { token, family } => (token, family),
        other => panic!("{other:?}"),
    }
}

/// Presents `text` against `row` and names the decision.
fn check(row: &Family, text: &Secret<String>, now: Timestamp, expected: &str) {
    let decision = key(1).rotate(Some(row), &present(text), now);
    assert!(format!("{decision:?}").starts_with(expected), "{decision:?}, expected {expected}");
}

#[test]
fn each_use_gives_a_new_token_and_spends_the_old_one() {
    let key = key(1);
    let (first, row) = key.start(session(1), START, &Rng::seeded(1));
    let (second, row) = rotated(key.rotate(Some(&row), &present(&first), after(900)));
    let (third, row) = rotated(key.rotate(Some(&row), &present(&second), after(1_800)));
    assert_eq!(row.generation, 2);
    assert!(first.expose() != second.expose() && second.expose() != third.expose());
    check(&row, &third, after(1_900), "Rotated");
    check(&row, &second, after(1_811), "Reuse");
    check(&row, &first, after(1_801), "Reuse");
}

#[test]
fn two_racing_rotations_get_the_same_token_and_only_one_writes() {
    let key = key(1);
    let (first, row) = key.start(session(1), START, &Rng::seeded(1));
    let (one, written) = rotated(key.rotate(Some(&row), &present(&first), after(900)));
    let (other, refused) = rotated(key.rotate(Some(&row), &present(&first), after(900)));
    // Both decided on generation 0: the store takes one; the other reads again and decides again.
    assert_eq!((written.generation, refused.generation), (1, 1));
    assert_eq!(one.expose(), other.expose());
    match key.rotate(Some(&written), &present(&first), after(910)) {
        Rotate::Grace { token } => assert_eq!(token.expose(), one.expose()),
        other => panic!("{other:?}"),
    }
    check(&written, &first, after(911), "Reuse");
    check(&written, &one, after(911), "Rotated");
}

#[test]
fn sessions_end_by_age_by_idleness_and_when_revoked() {
    let (token, row) = key(1).start(session(1), START, &Rng::seeded(1));
    let fresh = Family { rotated_at: START.plus(ABSOLUTE).minus(Duration::from_secs(60)), ..row };
    check(&row, &token, START.plus(IDLE).minus(Duration::from_millis(1)), "Rotated");
    check(&row, &token, START.plus(IDLE), "Refused(Expired");
    check(&fresh, &token, START.plus(ABSOLUTE).minus(Duration::from_millis(1)), "Rotated");
    check(&fresh, &token, START.plus(ABSOLUTE), "Refused(Expired");
    check(&Family { revoked_at: Some(START), ..row }, &token, after(1), "Refused(Revoked");
}

#[test]
fn a_guess_at_a_known_session_does_not_end_it() {
    let (_, row) = key(1).start(session(1), START, &Rng::seeded(1));
    let guess = bearer::write(BearerKind::Refresh, session(1).uuid(), &[9; SECRET_BYTES]);
    check(&row, &guess, after(1), "Refused(Unknown");
    let (foreign, _) = key(2).start(session(1), START, &Rng::seeded(1));
    check(&row, &foreign, after(1), "Refused(Unknown");
    let (other, _) = key(1).start(session(2), START, &Rng::seeded(1));
    check(&row, &other, after(1), "Refused(Unknown");
    let decision = key(1).rotate(None, &present(&other), after(1));
    assert!(matches!(decision, Rotate::Refused(BearerRefusal::Unknown)));
}

#[test]
fn the_store_holds_nothing_that_could_be_presented() {
    let (token, row) = key(1).start(session(1), START, &Rng::seeded(1));
    let (_, presented) = read(token.expose()).unwrap();
    assert_ne!(&row.current, presented.secret.expose());
    let as_secret = bearer::write(BearerKind::Refresh, session(1).uuid(), &row.current);
    check(&row, &as_secret, after(1), "Refused(Unknown");
    assert!(!format!("{token:?} {presented:?}").contains("sfr_"));
}

#[test]
fn a_hosts_token_is_none_of_a_session() {
    let master = MasterKey::from_bytes([1; 32]);
    let (ours, hosts) = (RefreshKey::new(&master), RefreshKey::of_hosts(&master));
    let (mine, row) = ours.start(session(1), START, &Rng::seeded(1));
    let (theirs, other) = hosts.start(session(1), START, &Rng::seeded(1));
    assert_ne!(row.current, other.current);
    assert!(read(theirs.expose()).is_err() && read_host(mine.expose()).is_err());
    // Not even where the kind is not looked at.
    let presented = read_host(theirs.expose()).unwrap().1;
    assert!(matches!(ours.rotate(Some(&row), &presented, START), Rotate::Refused(BearerRefusal::Unknown)));
    assert!(matches!(hosts.rotate(Some(&other), &presented, START), Rotate::Rotated { .. }));
}
