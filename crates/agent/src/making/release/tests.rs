use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use sf_protocol::build::Builder;
use sf_types::TypedId;

use super::*;
use crate::confine::Identity;

fn plan() -> BuildPlan {
    BuildPlan {
        builder: Builder::Static,
        because: "a test says so".to_owned(),
        root: String::new(),
        install: None,
        build: None,
        start: None,
        publish: Some(".".to_owned()),
        health: None,
        traffic: None,
        warnings: Vec::new(),
        container: None,
    }
}

fn release_id(n: u8) -> ReleaseId {
    ReleaseId::from_parts(Timestamp::from_millis(1_000 + i64::from(n)), [n; 10])
}

fn make(releases: &Releases, n: u8) -> Release {
    let staging = releases.stage(release_id(n), ByteSize::kib(1)).unwrap();
    fs::write(staging.tree().join("index.html"), format!("release {n}")).unwrap();
    let revision = Revision { commit: "a".repeat(40), reference: "main".to_owned(), subject: String::new() };
    let made = Made { revision, plan: plan(), record: None, carried: None };
    staging.publish(made, Timestamp::from_millis(5), (None, None)).unwrap()
}

fn fresh() -> (tempfile::TempDir, Releases) {
    let dir = tempfile::tempdir().unwrap();
    let releases = Releases::open(dir.path(), AppId::from_parts(Timestamp::from_millis(1), [1; 10])).unwrap();
    (dir, releases)
}

#[test]
fn a_published_release_is_read_only_and_found_again() {
    let (_dir, releases) = fresh();
    let made = make(&releases, 1);
    assert_eq!(releases.get(release_id(1)).unwrap(), Some(made.clone()));
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(made.tree()), mode(made.tree().join("index.html"))), (0o550, 0o440));
}

#[test]
fn what_is_carried_over_stays_as_it_is_in_both_releases() {
    let (_dir, releases) = fresh();
    let old = make(&releases, 1);
    let reader = nix::unistd::geteuid().is_root().then_some(Identity { uid: 269_995, gid: 269_995 });
    for (n, to) in [(2, ""), (3, "inner")] {
        let staging = releases.stage(release_id(n), ByteSize(0)).unwrap();
        fs::write(staging.tree().join("own"), "own").unwrap();
        let carried = Some(Carried { from: old.tree(), to: to.into(), leave: Vec::new() });
        let made = Made { revision: old.manifest.revision.clone(), plan: plan(), record: None, carried };
        let release = staging.publish(made, Timestamp::from_millis(5), (None, reader)).unwrap();
        let file = release.tree().join(to).join("index.html");
        assert_eq!(fs::read_to_string(&file).unwrap(), "release 1");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o440);
        assert_eq!(release.tree().join("own").exists(), !to.is_empty());
        releases.remove(release_id(n)).unwrap();
        assert_eq!(fs::read_to_string(old.tree().join("index.html")).unwrap(), "release 1");
    }
}

#[test]
fn an_abandoned_staging_leaves_nothing() {
    let (_dir, releases) = fresh();
    drop(releases.stage(release_id(1), ByteSize(0)).unwrap());
    assert_eq!(fs::read_dir(releases.releases()).unwrap().count(), 0);
    assert!(releases.list().is_empty());
}

#[test]
fn pruning_never_takes_the_live_or_the_previous_one() {
    let (_dir, releases) = fresh();
    for n in 1..=6 {
        make(&releases, n);
    }
    releases.go_live(release_id(2)).unwrap();
    releases.go_live(release_id(1)).unwrap();
    assert_eq!(releases.live().unwrap(), Live { live: Some(release_id(1)), previous: Some(release_id(2)) });
    assert_eq!(releases.prune(1, &[release_id(4)]).unwrap(), [release_id(5), release_id(3)]);
    let left: Vec<_> = releases.list().iter().map(|release| release.manifest.release).collect();
    assert_eq!(left, [6, 4, 2, 1].map(release_id));
}

#[test]
fn a_full_disk_is_told_before_anything_is_written() {
    let (_dir, releases) = fresh();
    let fault = Fault::from(releases.stage(release_id(1), ByteSize(u64::MAX / 2)).unwrap_err());
    assert!(fault.message.contains("needs about") && fault.message.contains("is free"), "{fault}");
    assert_eq!(fault.code, "release.no_space");
}

#[test]
fn removal_goes_4000_deep_and_follows_no_link() {
    let (dir, releases) = fresh();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("canary"), "alive").unwrap();
    let staging = releases.stage(release_id(1), ByteSize(0)).unwrap();
    symlink(&outside, staging.tree().join("link")).unwrap();
    // Built from the inside out: no path this long can be named.
    let (deep, next) = (staging.tree().join("d"), staging.tree().join("next"));
    fs::create_dir(&deep).unwrap();
    symlink(&outside, deep.join("link")).unwrap();
    for _ in 0..4_000 {
        fs::create_dir(&next).unwrap();
        fs::rename(&deep, next.join("d")).unwrap();
        fs::rename(&next, &deep).unwrap();
    }
    fs::set_permissions(&deep, fs::Permissions::from_mode(0o500)).unwrap();
    assert!(tree::measure(staging.dir()).unwrap_err().to_string().contains("deeper than"));
    tree::remove(staging.dir()).unwrap();
    assert!(!staging.dir().exists());
    assert_eq!(fs::read_to_string(outside.join("canary")).unwrap(), "alive");
}

#[test]
fn giving_a_tree_away_follows_no_link_and_refuses_foreign_hard_links() {
    if !nix::unistd::geteuid().is_root() {
        return eprintln!("SKIPPED: only root can give files away");
    }
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let (tree_dir, outside) = (dir.path().join("tree"), dir.path().join("outside"));
    fs::create_dir(&tree_dir).unwrap();
    fs::write(&outside, "root's own").unwrap();
    symlink(&outside, tree_dir.join("link")).unwrap();
    let user = Identity { uid: 269_998, gid: 269_998 };
    tree::give(&tree_dir, user).unwrap();
    assert_eq!(fs::symlink_metadata(tree_dir.join("link")).unwrap().uid(), user.uid);
    assert_eq!(fs::metadata(&outside).unwrap().uid(), 0);

    // Where the kernel lets everybody link to everything, a build may have a name of any file of the machine: another
    // user's, and above all root's own.
    fs::hard_link(&outside, tree_dir.join("stolen")).unwrap();
    for owner in [0, 269_997] {
        std::os::unix::fs::chown(&outside, Some(owner), None).unwrap();
        let before = fs::metadata(&outside).unwrap().permissions();
        for refused in [tree::seal(&tree_dir, Some(user), Some(user)), tree::give(&tree_dir, user)] {
            let error = refused.unwrap_err();
            assert!(error.to_string().contains("hard link"), "{error}");
        }
        let after = fs::metadata(&outside).unwrap();
        assert_eq!((after.uid(), after.permissions()), (owner, before));
    }
}

#[test]
fn a_sealed_file_has_no_other_name() {
    use std::os::unix::fs::MetadataExt;
    let dir = tempfile::tempdir().unwrap();
    let (tree_dir, store) = (dir.path().join("tree"), dir.path().join("store"));
    fs::create_dir(&tree_dir).unwrap();
    fs::write(&store, "#!/bin/sh").unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["one", "two"] {
        fs::hard_link(&store, tree_dir.join(name)).unwrap();
    }
    let us = nix::unistd::geteuid();
    let reader = us.is_root().then_some(Identity { uid: 269_996, gid: 269_996 });
    if let Some(maker) = reader {
        std::os::unix::fs::chown(&store, Some(maker.uid), Some(maker.gid)).unwrap();
    }
    // A folder that its maker has closed is no obstacle.
    fs::set_permissions(&tree_dir, fs::Permissions::from_mode(0o500)).unwrap();
    tree::seal(&tree_dir, reader, reader).unwrap();
    fs::write(&store, "changed").unwrap();
    for name in ["one", "two"] {
        let sealed = fs::metadata(tree_dir.join(name)).unwrap();
        assert_eq!((sealed.nlink(), sealed.mode() & 0o7777, sealed.uid()), (1, 0o550, us.as_raw()));
        assert_eq!(fs::read_to_string(tree_dir.join(name)).unwrap(), "#!/bin/sh");
    }
    assert_eq!(fs::read_dir(&tree_dir).unwrap().count(), 2);
    assert_eq!(fs::metadata(&store).unwrap().mode() & 0o7777, 0o755);
}
