//! Torture: every cut and every flipped byte.

use std::fs;
use std::path::Path;

use sf_protocol::SecretKey;
use sf_types::TypedId;

use super::*;

fn id(n: u8) -> CommandId {
    CommandId::from_parts(Timestamp::from_millis(1), [n; 10])
}

fn signed(text: &str) -> Signed {
    Signed::seal(Kind::Void, &text, &SecretKey::from_seed(&[1; 32]))
}

fn accepted(n: u8) -> Accepted {
    let at = Timestamp::from_millis(7);
    let (command, sequence) = (id(n), u64::from(n));
    Accepted { command, kind: Kind::Void, epoch: 1, sequence, at, signed: signed(&format!("command {n}")) }
}

/// Three commands: the first delivered, the second finished, the third only promised.
async fn sample(folder: &Path) -> Vec<u8> {
    let (journal, _) = Journal::open(folder).unwrap();
    journal.raise_epoch(1).await.unwrap();
    for n in 1..=3 {
        journal.accept(accepted(n)).await.unwrap();
    }
    for n in 1..=2 {
        journal.finish(id(n), signed(&format!("outcome {n}"))).await.unwrap();
    }
    journal.delivered(&[id(1)]);
    journal.raise_epoch(1).await.unwrap();
    fs::read(folder.join("journal")).unwrap()
}

#[tokio::test]
async fn everything_is_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path()).await;
    let (journal, recovered) = Journal::open(folder.path()).unwrap();
    assert_eq!(journal.position(), (1, 3));
    assert_eq!(recovered.unfinished, [accepted(3)]);
    assert_eq!(recovered.undelivered, [id(2)]);
    assert_eq!(journal.outcome(id(2)).unwrap(), Some(signed("outcome 2")));
    assert_eq!(journal.command(id(3)).unwrap(), Some(accepted(3)));
    assert_eq!(journal.outcome(id(3)).unwrap(), None);
    assert!(journal.known(id(1)).unwrap().finished && !journal.known(id(3)).unwrap().finished);
    assert_eq!(journal.known(id(9)), None);
}

#[tokio::test]
async fn a_cut_at_any_byte_loses_only_what_was_torn() {
    let folder = tempfile::tempdir().unwrap();
    let whole = sample(folder.path()).await;
    for cut in 0..whole.len() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("journal"), &whole[..cut]).unwrap();
        let (journal, recovered) = Journal::open(folder.path()).unwrap();
        assert!(recovered.damaged.is_none(), "cut at {cut}");
        let (_, before) = journal.position();
        assert!(before <= 3);
        journal.accept(accepted(4)).await.unwrap();
        let (again, recovered) = Journal::open(folder.path()).unwrap();
        assert_eq!((recovered.cut_bytes, again.known(id(4)).is_some()), (0, true), "cut at {cut}");
    }
}

#[tokio::test]
async fn a_flipped_byte_is_never_taken_for_truth() {
    let folder = tempfile::tempdir().unwrap();
    let whole = sample(folder.path()).await;
    for at in 0..whole.len() {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(folder.path().join("journal"), &bytes).unwrap();
        let (journal, recovered) = Journal::open(folder.path()).unwrap();
        match &recovered.damaged {
            Some(aside) => {
                assert_eq!(&fs::read(aside).unwrap(), &bytes, "the evidence is kept");
                assert!(matches!(journal.accept(accepted(4)).await, Err(JournalError::Damaged)));
                let (journal, _) = Journal::open(folder.path()).unwrap();
                assert!(matches!(journal.accept(accepted(4)).await, Err(JournalError::Damaged)), "after a restart too");
                journal.raise_epoch(2).await.unwrap();
                assert_eq!(journal.position(), (2, 0));
            }
            None => assert!(recovered.cut_bytes > 0, "flip at {at} went unnoticed"),
        }
        for n in 1..=3 {
            let outcome = journal.outcome(id(n)).unwrap();
            assert!(outcome.is_none_or(|outcome| outcome == signed(&format!("outcome {n}"))), "flip at {at}");
        }
    }
}

#[tokio::test]
async fn nobody_else_may_read_what_was_ordered() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    drop(Journal::open(folder.path()).unwrap());
    let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(Journal::open(folder.path()).unwrap());
    assert_eq!(mode(), 0o600, "one of an older version is closed too");
}

#[tokio::test]
async fn waiting_appends_share_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path()).unwrap();
    journal.raise_epoch(1).await.unwrap();
    let all = (1..=200).map(|n| journal.accept(accepted(n)));
    for done in futures_util::future::join_all(all).await {
        done.unwrap();
    }
    assert_eq!(journal.position(), (1, 200));
}

#[tokio::test]
async fn a_long_life_leaves_a_short_file() {
    let folder = tempfile::tempdir().unwrap();
    let (journal, _) = Journal::open(folder.path()).unwrap();
    journal.raise_epoch(1).await.unwrap();
    let long = "x".repeat(4000);
    for n in 1..=1500_u32 {
        let command = CommandId::from_parts(Timestamp::from_millis(i64::from(n)), [7; 10]);
        let order = Accepted { command, sequence: u64::from(n), signed: signed(&long), ..accepted(1) };
        journal.accept(order).await.unwrap();
        journal.finish(command, signed(&n.to_string())).await.unwrap();
        journal.delivered(&[command]);
    }
    journal.raise_epoch(1).await.unwrap();
    assert!(fs::metadata(folder.path().join("journal")).unwrap().len() < COMPACT_ABOVE_BYTES * 2);
    let last = CommandId::from_parts(Timestamp::from_millis(1500), [7; 10]);
    assert_eq!(journal.outcome(last).unwrap(), Some(signed("1500")));
    let (again, recovered) = Journal::open(folder.path()).unwrap();
    assert_eq!((again.position(), recovered.undelivered.len()), ((1, 1500), 0));
    assert_eq!(again.outcome(last).unwrap(), Some(signed("1500")));
}
