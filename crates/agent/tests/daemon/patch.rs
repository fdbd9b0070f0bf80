//! Patches of a real app by a real daemon: well, badly, hostilely, and with the agent killed at every step.

use std::path::PathBuf;

use sf_protocol::Verdict;
use sf_protocol::command::Guard;
use sf_protocol::order::{DeploySource, Order};
use sf_protocol::outcome::{Facts, Outcome};
use sf_protocol::patch::{
    Edit, FileChange, FilesWanted, Patch, PatchFacts, PatchSignal, Proposed, SyntaxVerdict, TakesEffect,
};
use sf_protocol::query::{Query, Reply};
use sf_protocol::report::{NodeEvent, StatusUpdate, StepState};
use sf_runtime::{Clock, Rng};
use sf_types::{FileState, Millis, ReleaseId};

use super::plane::LIMIT;
use super::world::{World, get};

/// Says what is in its file; reads it anew on SIGHUP; leaves or falls ill when the file says so.
const SERVER: &str = r#"
const fs = require('node:fs');
const read = () => JSON.parse(fs.readFileSync('message.json')).text;
let text = read();
process.on('SIGHUP', () => { text = read(); if (text === 'crash') process.exit(9); });
require('node:http').createServer((q, r) => {
  r.statusCode = q.url === '/healthz' && text === 'sick' ? 500 : 200; r.end(text);
}).listen(process.env.PORT, process.env.HOST);
if (text === 'late') setTimeout(() => process.exit(7), 700);
"#;

const SIGNAL: TakesEffect = TakesEffect::Signal { signal: PatchSignal::Hup };

fn message(text: &str) -> Edit {
    Edit::Write { from: 0, to: None, text: format!("{{\"text\": \"{text}\"}}\n") }
}

struct Bench {
    world: World,
    port: u16,
    release: ReleaseId,
}

impl Bench {
    async fn new() -> Self {
        let mut world = World::enrolled().await;
        let Edit::Write { text, .. } = message("one") else { unreachable!() };
        world.commit(&[("message.json", &text)]).await;
        world.commit_server(SERVER).await;
        std::os::unix::fs::symlink("message.json", world.repository().join("link.json")).unwrap();
        std::fs::write(world.repository().join("picture.png"), [0x89, 0x50, 0xff, 0x00]).unwrap();
        std::fs::write(world.repository().join("large.txt"), "x".repeat(600 * 1024)).unwrap();
        world.commit(&[]).await;
        world.start(None).await;
        world.plane.connected(0).await;
        let outcome = world.deploy().await;
        let facts = world.succeeded(&outcome);
        Self { port: facts.port.unwrap().get(), release: facts.release, world }
    }

    /// The daemon again, killed at `point`.
    async fn restarted(&mut self, point: Option<&str>) {
        let connections = self.world.plane.state(|state| state.connections);
        if self.world.daemon.is_some() {
            self.world.kill().await;
        }
        self.world.start(point).await;
        self.world.plane.connected(connections).await;
    }

    async fn state(&self, path: &str) -> FileState {
        let query = Query::File { app: self.world.app, path: path.parse().unwrap(), from: 0 };
        match self.world.plane.ask(query).await {
            Reply::File(chunk) => chunk.state,
            Reply::Fault(fault) if fault.code == "patch.no_file" => FileState::Absent,
            other => panic!("{other:?}"),
        }
    }

    fn order(&mut self, path: &str, before: FileState, edit: Edit, effect: TakesEffect) -> Patch {
        Patch {
            app: self.world.app,
            generation: self.world.spec().generation,
            release: Rng::system().id(&Clock::system()),
            file: FileChange { path: path.parse().unwrap(), before, edit },
            effect,
            accept_broken: false,
            time_limit: Millis::secs(30),
            watch: Millis(1_500),
        }
    }

    async fn patch(&mut self, path: &str, edit: Edit, effect: TakesEffect) -> (Outcome, PatchFacts) {
        let before = self.state(path).await;
        let order = self.order(path, before, edit, effect);
        self.run(order).await
    }

    async fn run(&self, patch: Patch) -> (Outcome, PatchFacts) {
        let outcome = self.world.plane.run(Order::Patch(Box::new(patch))).await;
        let facts = facts_of(&outcome);
        (outcome, facts)
    }

    async fn says(&self) -> String {
        let (status, text) = get(self.port, "/").await;
        assert_eq!(status, 200, "{text}");
        text
    }

    /// One process, and nothing left of what was under way.
    async fn is_tidy(&self) {
        let Reply::App(report) = self.world.plane.ask(Query::App { app: self.world.app }).await else { panic!() };
        assert_eq!(report.processes.len(), 1);
        let app = self.world.state().app(self.world.app);
        let left: Vec<PathBuf> = ["deploy.json", "patch.json", "patch.before"].map(|name| app.join(name)).into();
        let gone = async {
            while left.iter().any(|path| path.exists()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LIMIT, gone).await.unwrap_or_else(|_| panic!("{left:?}"));
        let releases = app.join("releases");
        for entry in std::fs::read_dir(&releases).unwrap().flatten() {
            assert!(!entry.file_name().to_string_lossy().starts_with("staging"), "{entry:?}");
            assert!(!entry.path().join("tree/.serverflow-patch").exists());
        }
    }
}

fn facts_of(outcome: &Outcome) -> PatchFacts {
    let Facts::Patch(facts) = &outcome.facts else { panic!("facts of a patch: {outcome:?}") };
    (**facts).clone()
}

#[tokio::test]
async fn a_file_is_read_judged_changed_beside_the_live_release_and_taken_back_by_a_rollback() {
    let mut bench = Bench::new().await;
    let app = bench.world.app;
    // Which files there are, and what is in one.
    let wanted = FilesWanted { app, search: None, after: None, dependencies: false };
    let Reply::Files(listing) = bench.world.plane.ask(Query::Files(wanted)).await else { panic!("files") };
    let paths: Vec<_> = listing.files.iter().map(|file| file.path.as_str()).collect();
    let expected = ["large.txt", "message.json", "package.json", "picture.png", "server.js", "serverflow.app.toml"];
    assert_eq!((paths, listing.more, listing.release), (expected.to_vec(), false, bench.release));
    // What a change would do, with nothing done.
    let before = bench.state("message.json").await;
    let proposed = Proposed { app, path: "message.json".parse().unwrap(), before: Some(before), edit: message("two") };
    let Reply::Preview(preview) = bench.world.plane.ask(Query::Preview(Box::new(proposed))).await else { panic!() };
    assert_eq!((preview.syntax.verdict, preview.added, preview.removed), (SyntaxVerdict::Sound, 1, 1));
    assert!(preview.diff.contains("-{\"text\": \"one\"}\n+{\"text\": \"two\"}\n"), "{}", preview.diff);
    assert_eq!((bench.says().await.as_str(), bench.state("message.json").await), ("one", before));
    // Done: a new release, without a moment in which neither serves.
    let port = bench.port;
    let stop = tokio_util::sync::CancellationToken::new();
    let asking = async {
        let mut said = Vec::new();
        while !stop.is_cancelled() {
            said.push(get(port, "/").await);
        }
        said
    };
    let patching = async {
        let done = bench.patch("message.json", message("two"), TakesEffect::Restart).await;
        stop.cancel();
        done
    };
    let (said, (outcome, facts)) = tokio::join!(asking, patching);
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}\n{}", bench.world.log());
    assert!(said.iter().all(|(status, text)| *status == 200 && ["one", "two"].contains(&text.as_str())), "{said:?}");
    assert_eq!(bench.says().await, "two");
    assert_eq!((facts.before, facts.after), (preview.before, Some(preview.after)));
    assert_eq!((facts.added, facts.removed, facts.restored_ms), (1, 1, None));
    assert_eq!(facts.deploy.kept.len(), 2);
    assert_eq!(facts.deploy.live_release, Some(facts.deploy.release));
    assert_eq!(facts.deploy.subject.as_deref(), Some("patch of message.json"));
    bench.is_tidy().await;
    // The earlier release is what it was.
    let back = bench.world.deploy_order(Some(bench.release), Millis(300));
    let Order::Deploy(deploy) = &back else { unreachable!() };
    assert_eq!(deploy.from, DeploySource::Kept);
    let outcome = bench.world.plane.run(back).await;
    bench.world.succeeded(&outcome);
    assert_eq!(bench.says().await, "one");
    // Files come and go, too.
    let new = Edit::Write { from: 0, to: None, text: "export const a = 1;\n".into() };
    let (outcome, facts) = bench.patch("new.js", new, TakesEffect::Restart).await;
    assert_eq!((outcome.verdict, facts.before), (Verdict::Succeeded, FileState::Absent), "{outcome:?}");
    let (outcome, facts) = bench.patch("new.js", Edit::Delete, TakesEffect::Restart).await;
    assert_eq!((outcome.verdict, facts.after), (Verdict::Succeeded, Some(FileState::Absent)), "{outcome:?}");
    assert_eq!(bench.state("new.js").await, FileState::Absent);
}

#[tokio::test]
async fn what_breaks_comes_back_at_once() {
    let mut bench = Bench::new().await;
    let before = bench.state("message.json").await;
    // Valid, and it crashes while it is watched.
    let (outcome, facts) = bench.patch("message.json", message("late"), TakesEffect::Restart).await;
    assert_eq!(outcome.verdict, Verdict::RolledBack, "{outcome:?}");
    assert!(outcome.fault.unwrap().message.contains("exited with code 7"));
    let ms = facts.restored_ms.unwrap_or(u64::MAX);
    println!(r#"{{"bench":"patch","metric":"restored to the release before","value":{ms},"unit":"ms"}}"#);
    assert!(ms < 1000, "{facts:?}");
    assert_eq!((facts.deploy.live_release, facts.deploy.kept.len()), (Some(bench.release), 1));
    assert_eq!((bench.says().await.as_str(), bench.state("message.json").await), ("one", before));
    // Valid, and never healthy: it never served.
    let order = bench.order("message.json", before, message("sick"), TakesEffect::Restart);
    let (outcome, _) = bench.run(Patch { time_limit: Millis::secs(3), ..order }).await;
    assert_eq!(outcome.verdict, Verdict::Failed, "{outcome:?}");
    assert_eq!(bench.says().await, "one");
    // Broken: refused before anything is done, and written when that is said expressly.
    let broken = Edit::Write { from: 0, to: None, text: "{\"text\": \n".into() };
    let (outcome, facts) = bench.patch("message.json", broken.clone(), TakesEffect::Restart).await;
    let fault = outcome.fault.unwrap();
    assert_eq!((outcome.verdict, fault.code.as_str()), (Verdict::Failed, "patch.syntax"));
    assert!(fault.message.contains("JSON, broken in line"), "{}", fault.message);
    assert_eq!(facts.syntax.unwrap().verdict, SyntaxVerdict::Broken);
    let order = bench.order("message.json", before, broken, TakesEffect::Restart);
    let (outcome, _) = bench.run(Patch { accept_broken: true, ..order }).await;
    assert_eq!(outcome.verdict, Verdict::Failed, "{outcome:?}");
    assert!(outcome.fault.unwrap().message.contains("exited with code 1"));
    assert_eq!((bench.says().await.as_str(), bench.state("message.json").await), ("one", before));
    bench.is_tidy().await;
}

#[tokio::test]
async fn a_signal_has_the_process_read_its_file_anew_and_a_bad_file_goes_back() {
    let mut bench = Bench::new().await;
    let pid = bench.world.pid().await;
    let (outcome, facts) = bench.patch("message.json", message("two"), SIGNAL).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}\n{}", bench.world.log());
    assert_eq!((bench.says().await.as_str(), bench.world.pid().await), ("two", pid));
    assert_eq!((facts.deploy.live_release, facts.deploy.kept.len()), (Some(bench.release), 1));
    let two = bench.state("message.json").await;
    assert_eq!(facts.after, Some(two));
    bench.is_tidy().await;
    // The release says that it is not what its build made.
    let manifest = bench.world.state().app(bench.world.app).join(format!("releases/{}/release.json", bench.release));
    assert!(std::fs::read_to_string(manifest).unwrap().contains("\"patches\""));
    for bad in ["crash", "sick"] {
        let before = bench.state("message.json").await;
        let order = bench.order("message.json", before, message(bad), SIGNAL);
        let (outcome, facts) = bench.run(Patch { watch: Millis::secs(10), ..order }).await;
        assert_eq!(outcome.verdict, Verdict::RolledBack, "{bad}: {outcome:?}\n{}", bench.world.log());
        let ms = facts.restored_ms.unwrap_or(u64::MAX);
        println!(r#"{{"bench":"patch","metric":"restored in place ({bad})","value":{ms},"unit":"ms"}}"#);
        assert!(ms < 1000, "{bad}: {facts:?}");
        assert_eq!((bench.says().await.as_str(), bench.state("message.json").await), ("two", two), "{bad}");
        bench.is_tidy().await;
    }
    // Nobody is told: who reads it anew sees it.
    let (outcome, _) = bench.patch("message.json", message("three"), TakesEffect::Nothing).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(bench.says().await, "two");
    assert_ne!(bench.state("message.json").await, two);
}

#[tokio::test]
async fn what_is_no_text_of_the_release_or_is_other_meanwhile_is_refused_and_the_app_serves_on() {
    let mut bench = Bench::new().await;
    let now = bench.state("message.json").await;
    let write = |text: &str| Edit::Write { from: 0, to: None, text: text.to_owned() };
    for (path, before, edit, code) in [
        ("link.json", now, message("two"), "patch.link"),
        ("picture.png", now, write("a"), "patch.binary"),
        ("large.txt", now, write("a"), "patch.too_large"),
        ("nowhere/a.js", FileState::Absent, write("a"), "patch.no_folder"),
        ("message.json", FileState::Absent, message("two"), "patch.moved"),
        ("message.json", now, Edit::Write { from: 9_999, to: None, text: "a".into() }, "patch.range"),
        ("message.json", now, write("{\"text\": \"one\"}\n"), "patch.nothing"),
    ] {
        for effect in [TakesEffect::Restart, SIGNAL] {
            let order = bench.order(path, before, edit.clone(), effect);
            let (outcome, _) = bench.run(order).await;
            assert_eq!((outcome.verdict, outcome.fault.unwrap().code.as_str()), (Verdict::Failed, code), "{path}");
        }
        assert_eq!(bench.says().await, "one");
    }
    // Outside the app there is no path that could be named.
    for path in ["../live.json", "/etc/passwd", "a/../../b"] {
        assert!(path.parse::<sf_types::FilePath>().is_err());
    }
    let file = |path: &str| Query::File { app: bench.world.app, path: path.parse().unwrap(), from: 0 };
    for (path, code) in [("link.json", "patch.link"), ("picture.png", "patch.binary"), ("nothing", "patch.no_file")] {
        let Reply::Fault(fault) = bench.world.plane.ask(file(path)).await else { panic!("{path}") };
        assert_eq!(fault.code, code, "{path}");
    }
    // The owner of the node says no, to changes and to looks.
    let policy = std::fs::read_to_string(bench.world.state().join("policy.toml")).unwrap();
    std::fs::write(bench.world.state().join("policy.toml"), format!("{policy}[deny]\nkinds = [\"PATCH\"]\n")).unwrap();
    let Reply::Fault(fault) = bench.world.plane.ask(file("message.json")).await else { panic!("denied") };
    assert_eq!(fault.code, "policy.denied");
    let order = bench.order("message.json", now, message("two"), TakesEffect::Restart);
    assert_eq!(bench.world.plane.run(Order::Patch(Box::new(order))).await.verdict, Verdict::Refused);
    assert_eq!(bench.says().await, "one");
}

#[tokio::test]
async fn a_long_file_is_read_in_pieces_and_changed_by_a_part() {
    let mut bench = Bench::new().await;
    let long: String = (0..20_000).map(|n| format!("// line {n} \"quoted\"\n")).collect();
    bench.world.commit(&[("long.js", &long)]).await;
    let outcome = bench.world.deploy().await;
    bench.world.succeeded(&outcome);
    let (mut text, mut from, mut pieces) = (String::new(), Some(0), 0);
    while let Some(at) = from {
        let query = Query::File { app: bench.world.app, path: "long.js".parse().unwrap(), from: at };
        let Reply::File(chunk) = bench.world.plane.ask(query).await else { panic!("a piece") };
        text.push_str(&chunk.text);
        (from, pieces) = (chunk.next, pieces + 1);
    }
    assert_eq!((text == long, pieces > 5), (true, true));
    let at = u32::try_from(long.find("line 19999").unwrap()).unwrap();
    let edit = Edit::Write { from: at, to: Some(at + 4), text: "LINE".into() };
    let (outcome, facts) = bench.patch("long.js", edit, TakesEffect::Restart).await;
    assert_eq!((outcome.verdict, facts.added, facts.removed), (Verdict::Succeeded, 1, 1), "{outcome:?}");
}

#[tokio::test]
async fn a_cancelled_patch_leaves_the_file_as_it_was() {
    let mut bench = Bench::new().await;
    for effect in [TakesEffect::Restart, SIGNAL] {
        let before = bench.state("message.json").await;
        let order = bench.order("message.json", before, message("two"), effect);
        let order = Order::Patch(Box::new(Patch { watch: Millis::secs(60), ..order }));
        let id = bench.world.plane.order(order, Guard::default());
        let watched = |event: &StatusUpdate| {
            use sf_protocol::outcome::Step;
            matches!(event.event, NodeEvent::Step { command, step: Step::Watch, state: StepState::Started, .. } if command == id)
        };
        bench.world.plane.until("the watch", |state| state.events.iter().any(watched).then_some(())).await;
        assert_eq!(bench.says().await, "two");
        let cancel = Order::Cancel(sf_protocol::order::Cancel { command: id });
        assert_eq!(bench.world.plane.run(cancel).await.verdict, Verdict::Succeeded);
        let outcome = bench.world.plane.outcome(id).await;
        assert_eq!(outcome.verdict, Verdict::Cancelled, "{outcome:?}");
        assert_eq!((bench.says().await.as_str(), bench.state("message.json").await), ("one", before));
        bench.is_tidy().await;
    }
}

/// A patch with the agent killed at `point`: what serves is the old or the new file, and it is what the outcome says.
async fn check_killed(point: &str, text: &str, effect: TakesEffect, verdict: Verdict) {
    let mut bench = Bench::new().await;
    let before = bench.state("message.json").await;
    bench.restarted(Some(point)).await;
    let order = bench.order("message.json", before, message(text), effect);
    let watch = if text == "two" { Millis(300) } else { Millis::secs(5) };
    let id = bench.world.plane.order(Order::Patch(Box::new(Patch { watch, ..order })), Guard::default());
    bench.world.killed(point).await;
    let path = bench.world.state().app(bench.world.app).join(format!("releases/{}/tree/message.json", bench.release));
    let half = std::fs::read_to_string(path).unwrap();
    assert!(half.ends_with("\"}\n"), "{point}: {half}");
    bench.restarted(None).await;
    let outcome = bench.world.plane.outcome(id).await;
    assert_eq!(outcome.verdict, verdict, "{point}: {outcome:?}\n{}", bench.world.log());
    let expected = if verdict == Verdict::Succeeded { "two" } else { "one" };
    assert_eq!(bench.says().await, expected, "{point}");
    assert_eq!(bench.state("message.json").await == before, expected == "one", "{point}");
    bench.is_tidy().await;
}

#[tokio::test]
async fn an_agent_killed_while_it_made_the_patched_release_ends_it_truthfully() {
    check_killed("patch-copied", "two", TakesEffect::Restart, Verdict::Failed).await;
    check_killed("deploy-before-start", "two", TakesEffect::Restart, Verdict::Failed).await;
    check_killed("deploy-after-switch", "two", TakesEffect::Restart, Verdict::RolledBack).await;
    check_killed("deploy-watching", "two", TakesEffect::Restart, Verdict::Succeeded).await;
}

#[tokio::test]
async fn an_agent_killed_while_it_changed_a_file_where_it_is_ends_it_truthfully() {
    check_killed("patch-before-write", "two", SIGNAL, Verdict::Failed).await;
    check_killed("patch-staged", "two", SIGNAL, Verdict::Failed).await;
    check_killed("patch-written", "two", SIGNAL, Verdict::Failed).await;
    check_killed("patch-watching", "two", SIGNAL, Verdict::Succeeded).await;
    check_killed("patch-taken-back", "crash", SIGNAL, Verdict::RolledBack).await;
}

/// What was patched is no longer what was made: a deploy takes nothing over from it as if it were.
#[tokio::test]
async fn a_deploy_after_a_patch_is_what_the_repository_says() {
    for effect in [TakesEffect::Restart, SIGNAL] {
        let mut bench = Bench::new().await;
        let (patched, _) = bench.patch("message.json", message("two"), effect).await;
        assert_eq!(patched.verdict, Verdict::Succeeded, "{:?}", patched.fault);
        assert_eq!(bench.says().await, "two");
        let again = bench.world.deploy().await;
        bench.world.succeeded(&again);
        assert_eq!(bench.says().await, "one", "{effect:?}");
        // Neither does the next one, of the release that was made anew.
        let once_more = bench.world.deploy().await;
        bench.world.succeeded(&once_more);
        assert_eq!(bench.says().await, "one", "{effect:?}");
    }
}
