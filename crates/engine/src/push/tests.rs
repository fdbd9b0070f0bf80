use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_242_461_007);

fn commit(digit: char) -> String {
    digit.to_string().repeat(40)
}

#[test]
fn a_sender_is_known_by_its_headers() {
    let check = |headers: &[&str], sender, scheme: Value| {
        let (found, by) = Sender::of(|name| headers.contains(&name));
        assert_eq!((found, serde_json::to_value(by).unwrap()), (sender, scheme), "{headers:?}");
    };
    let signed = |header: &str| json!({ "scheme": "hmac-sha256", "header": header, "encoding": "hex" });
    check(&["x-github-event", "x-hub-signature-256"], Sender::GitHub, json!({ "scheme": "github" }));
    // Gitea calls itself GitHub and Gogs, too.
    let gitea = ["x-gitea-event", "x-gitea-signature", "x-gogs-event", "x-github-event", "x-hub-signature-256"];
    check(&gitea, Sender::Gitea, signed("x-gitea-signature"));
    check(&["x-forgejo-event", "x-forgejo-signature", "x-gitea-event"], Sender::Gitea, signed("x-forgejo-signature"));
    let token = json!({ "scheme": "token", "header": "x-gitlab-token" });
    check(&["x-gitlab-event", "x-gitlab-token"], Sender::GitLab, token);
    check(&["x-gitlab-event", "webhook-signature"], Sender::GitLab, json!({ "scheme": "standard" }));
    check(&["webhook-signature"], Sender::Generic, json!({ "scheme": "standard" }));
    check(&[], Sender::Generic, json!({ "scheme": "standard" }));
}

fn push(of: &Value, sender: Sender, event: &str) -> Push {
    match read(sender, Some(event), of.to_string().as_bytes()) {
        Ok(Event::Push(push)) => push,
        other => panic!("{other:?}"),
    }
}

fn github(change: impl FnOnce(&mut Value)) -> Push {
    let mut body = json!({
        "ref": "refs/heads/main", "before": commit('a'), "after": commit('b'), "created": false, "deleted": false,
        "forced": false, "repository": { "default_branch": "main", "pushed_at": NOW.as_secs() },
        "commits": [{ "added": ["web/a.ts"], "removed": [], "modified": ["api/main.rs"] }],
    });
    change(&mut body);
    push(&body, Sender::GitHub, "push")
}

#[test]
fn what_each_sender_says_is_read_alike() {
    let expected = Push {
        branch: "main".into(),
        before: Some(commit('a')),
        commit: Some(commit('b')),
        changed: Changed::Files(vec!["web/a.ts".into(), "api/main.rs".into()]),
        default_branch: Some("main".into()),
        at: Some(Timestamp::from_millis(NOW.as_secs() * 1000)),
    };
    assert_eq!(github(|_| ()), expected);
    let gitlab = json!({
        "object_kind": "push", "ref": "refs/heads/main", "before": commit('a'), "after": commit('b'),
        "project": { "default_branch": "main" }, "repository": { "name": "shop" }, "total_commits_count": 1,
        "commits": [{ "added": ["web/a.ts"], "removed": [], "modified": ["api/main.rs"] }],
    });
    let untimed = Push { at: None, ..expected };
    assert_eq!(push(&gitlab, Sender::GitLab, "Push Hook"), untimed);
    let gitea = json!({
        "ref": "refs/heads/main", "before": commit('a'), "after": commit('b'), "total_commits": 1,
        "repository": { "default_branch": "main", "pushed_at": "2026-11-21T06:27:41Z" },
        "commits": [{ "added": ["web/a.ts"], "removed": [], "modified": ["api/main.rs"] }],
    });
    assert_eq!(push(&gitea, Sender::Gitea, "push"), untimed);
    let generic = json!({
        "branch": "main", "commit": commit('b'), "before": commit('a'), "defaultBranch": "main",
        "changed": ["web/a.ts", "api/main.rs"],
    });
    assert_eq!(push(&generic, Sender::Generic, ""), untimed);
}

#[test]
fn files_are_believed_only_where_the_list_is_whole() {
    let check = |change: fn(&mut Value), why: &str| {
        assert_eq!(github(change).changed, Changed::Unknown(Box::leak(why.to_owned().into_boxed_str())));
    };
    check(|body| body["forced"] = json!(true), "the push was forced");
    check(|body| body["created"] = json!(true), "the branch is new");
    check(|body| body["before"] = json!("0".repeat(40)), "the branch is new");
    check(|body| body["commits"] = json!([]), "its sender lists no commits");
    check(|body| body["commits"] = json!(null), "its sender lists no commits");
    check(|body| body["total_commits"] = json!(2), "its sender does not list all commits");
    check(|body| body["total_commits_count"] = json!(21), "its sender does not list all commits");
    check(|body| body["commits"][0]["added"] = json!(null), "its sender does not list the files of each commit");
    check(
        |body| body["commits"] = json!([{ "added": [], "removed": [], "modified": [] }]),
        "its sender lists no files",
    );
    let many = |body: &mut Value| body["commits"][0]["added"] = vec!["a"; 3_000].into();
    check(many, "its sender does not list all files");
    let many = |body: &mut Value| body["commits"] = vec![body["commits"][0].clone(); 2_048].into();
    check(many, "its sender does not list all commits");
}

#[test]
fn what_starts_nothing_is_told_from_what_makes_no_sense() {
    let check = |sender, event: &str, body: &str, expected: Result<Event, &str>| {
        let found = read(sender, Some(event), body.as_bytes());
        match (&found, &expected) {
            (Err(Malformed(why)), Err(part)) => assert!(why.contains(part), "{why}"),
            _ => assert_eq!(found.as_ref().ok(), expected.as_ref().ok(), "{event} {body} {found:?}"),
        }
    };
    let other = |name: &str| Ok(Event::Other(name.to_owned()));
    check(Sender::GitHub, "ping", "{}", Ok(Event::Ping));
    check(Sender::Generic, "", r#"{"event":"ping"}"#, Ok(Event::Ping));
    check(Sender::GitHub, "issues", "{}", other("issues"));
    check(Sender::GitHub, "is\u{202e}sues\n", "{}", other("issues"));
    check(Sender::GitLab, "Tag Push Hook", "{}", other("Tag Push Hook"));
    let tag = json!({ "ref": "refs/tags/v1", "after": commit('b') }).to_string();
    check(Sender::Gitea, "push", &tag, other("push of a tag"));
    check(Sender::GitHub, "push", "payload=%7B%7D", Err("application/json"));
    check(Sender::GitHub, "push", "{}", Err("missing field `ref`"));
    check(Sender::GitHub, "push", r#"{"ref":"refs/heads/main"}"#, Err("`after`"));
    let odd =
        |branch: &str, commit: &str| json!({ "ref": format!("refs/heads/{branch}"), "after": commit }).to_string();
    check(Sender::GitHub, "push", &odd("--upload-pack=id", &commit('b')), Err("reference"));
    check(Sender::GitHub, "push", &odd("main", "HEAD"), Err("commit"));
    check(Sender::GitHub, "push", &odd("main", "-x"), Err("commit"));
    check(Sender::Generic, "", r#"{"branch":"main"}"#, Err("`commit`"));
    check(Sender::Generic, "", r#"{"branch":"main","comit":"x"}"#, Err("unknown field"));
}

const DEPLOY: Result<(), &str> = Ok(());

fn judged(push: &Push, branch: Option<&str>, paths: &[&str], past: &[(char, char)], live: Option<char>) -> Verdict {
    let paths: Vec<_> = paths.iter().map(|path| (*path).to_owned()).collect();
    let pushes: Vec<_> = past.iter().map(|(before, after)| (Some(commit(*before)), commit(*after))).collect();
    let live = live.map(commit);
    let past = Past { pushes: &pushes, live: live.as_deref() };
    judge(push, Wanted { branch, paths: &paths }, past, NOW)
}

fn check(verdict: &Verdict, expected: Result<(), &str>) {
    match (verdict, expected) {
        (Verdict::Deploy { .. }, Ok(())) => {}
        (Verdict::Ignore { why, heard }, Err(part)) => {
            assert!(why.contains(part), "{why}");
            assert_eq!(*heard, why.starts_with("Nothing in"), "{why}");
        }
        _ => panic!("{verdict:?} instead of {expected:?}"),
    }
}

#[test]
fn a_push_of_the_branch_deploys_and_others_say_why_not() {
    let of =
        |branch, change: fn(&mut Value), expected| check(&judged(&github(change), branch, &[], &[], None), expected);
    of(Some("main"), |_| (), DEPLOY);
    of(None, |_| (), DEPLOY);
    of(Some("refs/heads/main"), |_| (), DEPLOY);
    of(Some("release"), |_| (), Err("of the branch `main`"));
    of(None, |body| body["repository"] = json!({}), Err("names a branch"));
    of(None, |body| body["after"] = json!("0".repeat(40)), Err("was deleted"));
    of(None, |body| body["repository"]["pushed_at"] = json!(NOW.as_secs() - 3 * 86_400 - 1), Err("3 days ago"));
    of(None, |body| body["repository"]["pushed_at"] = json!(NOW.as_secs() - 3 * 86_400 + 1), DEPLOY);
    of(None, |body| body["repository"]["pushed_at"] = json!(i64::MAX), DEPLOY);
}

#[test]
fn a_push_that_comes_late_puts_nothing_back() {
    let push = github(|_| ());
    let of = |past: &[(char, char)], expected| check(&judged(&push, None, &[], past, None), expected);
    of(&[('b', 'c')], Err("later push"));
    of(&[('c', 'd'), ('b', 'c')], Err("later push"));
    of(&[('9', 'a')], DEPLOY);
    // Back to it on purpose: what it was is what it is now known to be.
    of(&[('b', 'a')], DEPLOY);
}

#[test]
fn a_path_leaves_a_deploy_out_only_where_it_is_certain() {
    let push = github(|_| ());
    let follows: &[(char, char)] = &[('9', 'a')];
    let of = |paths: &[&str], past: &[(char, char)], live, expected| {
        check(&judged(&push, None, paths, past, live), expected);
    };
    of(&["api"], follows, None, DEPLOY);
    of(&["docs", "web/"], follows, None, DEPLOY);
    of(&["api/main.rs"], follows, None, DEPLOY);
    of(&["docs"], follows, None, Err("Nothing in `docs`"));
    of(&["ap", "we", "api/main"], follows, None, Err("Nothing in"));
    of(&["docs"], &[], Some('a'), Err("Nothing in"));
    // One was missed, or nothing is known.
    of(&["docs"], &[], None, DEPLOY);
    of(&["docs"], &[('8', '9')], None, DEPLOY);
    of(&["docs"], &[('8', '9')], Some('9'), DEPLOY);
    let forced = github(|body| body["forced"] = json!(true));
    check(&judged(&forced, None, &["docs"], follows, None), DEPLOY);
}

proptest::proptest! {
    /// Whoever knows the secret can still send anything.
    #[test]
    fn no_body_breaks_the_reader(body: Vec<u8>, event in "[ -~]{0,80}", nth in 0..4_usize) {
        let sender = [Sender::GitHub, Sender::GitLab, Sender::Gitea, Sender::Generic][nth];
        drop(read(sender, Some(&event), &body));
        drop(read(sender, Some("push"), &body));
    }

    /// With every list believed, a push that touches a wanted folder deploys, whatever else there is.
    #[test]
    fn a_wanted_file_always_deploys(others in proptest::collection::vec("[a-z]{1,8}/[a-z]{1,8}", 0..20), at in 0..20_usize) {
        let mut files = others;
        files.insert(at.min(files.len()), "wanted/file".to_owned());
        let push = github(|body| body["commits"][0]["modified"] = files.clone().into());
        let verdict = judged(&push, None, &["wanted"], &[('9', 'a')], None);
        let deploys = matches!(verdict, Verdict::Deploy { .. });
        proptest::prop_assert!(deploys);
    }
}
