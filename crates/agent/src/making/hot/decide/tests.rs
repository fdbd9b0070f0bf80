use std::collections::BTreeMap;

use sf_protocol::build::Builder;
use sf_types::{ReleaseId, Timestamp, TypedId};

use super::*;

fn argv(text: &str) -> Option<Vec<String>> {
    Some(text.split(' ').map(str::to_owned).collect()).filter(|_| !text.is_empty())
}

fn plan(install: &str, build: &str, start: &str) -> BuildPlan {
    BuildPlan {
        builder: Builder::Node,
        because: String::new(),
        root: String::new(),
        install: argv(install),
        build: argv(build),
        start: argv(start),
        publish: None,
        health: None,
        traffic: None,
        warnings: Vec::new(),
        container: None,
    }
}

fn files(lock: &str) -> Install {
    let files = BTreeMap::from([
        ("package.json".to_owned(), Some("m".to_owned())),
        ("package-lock.json".to_owned(), Some(lock.to_owned())),
        (".npmrc".to_owned(), None),
    ]);
    Install::Files { files, folder: "node_modules".to_owned(), programs: "npm 1".to_owned() }
}

fn inputs(plan: BuildPlan, install: Install) -> Inputs {
    let build = match plan.build {
        Some(_) => Sources::Programs { programs: "npm 1".to_owned() },
        None => Sources::Nothing,
    };
    Inputs { commit: "a".repeat(40), tree: "tree 1".to_owned(), plan, machine: "machine 1".to_owned(), install, build }
}

fn usual() -> Inputs {
    inputs(plan("npm ci", "npm run build", "node a.js"), files("lock 1"))
}

fn record(inputs: Inputs) -> Record {
    let release = ReleaseId::from_parts(Timestamp::from_millis(1), [1; 10]);
    let taken = PathTaken { path: HotPath::Full, because: String::new() };
    Record::new(release, inputs, Installed::Whole, taken)
}

/// `path: because`, of what is decided after `earlier`.
fn said(earlier: &Record, now: &Inputs) -> String {
    let Decision { taken, .. } = decide(Some(earlier), now);
    format!("{}: {}", taken.path.words(), taken.because)
}

fn check(change: impl Fn(&mut Record, &mut Inputs), expected: &str) {
    let (mut earlier, mut now) = (record(usual()), usual());
    change(&mut earlier, &mut now);
    assert_eq!(said(&earlier, &now), expected);
}

#[test]
fn each_path_has_its_reason() {
    assert_eq!(decide(None, &usual()).taken.path, HotPath::Full);
    check(
        |_, _| {},
        "restart only: its files, its commands and what builds them are unchanged since commit aaaaaaaaaa",
    );
    check(
        |_, now| now.plan.start = argv("node b.js"),
        "install and build skipped: its files and what builds them are unchanged since commit aaaaaaaaaa, other \
         settings are not",
    );
    let other = |now: &mut Inputs| now.tree = "tree 2".to_owned();
    check(|_, now| other(now), "install skipped: package-lock.json is unchanged since commit aaaaaaaaaa");
    check(
        |_, now| {
            other(now);
            now.install = files("lock 2");
        },
        "everything: package-lock.json has changed since commit aaaaaaaaaa",
    );
    check(
        |_, now| {
            other(now);
            now.plan.install = argv("npm install");
        },
        "everything: the install command has changed",
    );
    check(
        |_, now| {
            other(now);
            now.machine = "machine 2".to_owned();
        },
        "everything: packages of the machine, or its agent, have changed",
    );
    check(
        |earlier, now| {
            other(now);
            earlier.installed = Installed::Not { why: "the build also wrote into node_modules".to_owned() };
        },
        "everything: the build also wrote into node_modules",
    );
    let why = || "package.json has the script `prepare`".to_owned();
    check(
        |_, now| {
            other(now);
            now.install = Install::Repository { why: why(), programs: "npm 1".to_owned() };
        },
        "everything: package.json has the script `prepare`",
    );
    let repository = |inputs: &mut Inputs| {
        inputs.install = Install::Repository { why: why(), programs: "npm 1".to_owned() };
    };
    check(
        |earlier, now| {
            repository(&mut earlier.inputs);
            repository(now);
        },
        "restart only: its files, its commands and what builds them are unchanged since commit aaaaaaaaaa",
    );
    check(
        |earlier, now| {
            for inputs in [&mut earlier.inputs, now] {
                inputs.install = Install::Unknown { why: "there is no lockfile".to_owned() };
            }
        },
        "everything: there is no lockfile",
    );
    check(
        |earlier, now| {
            other(now);
            for inputs in [&mut earlier.inputs, now] {
                let Install::Files { folder, .. } = &mut inputs.install else { unreachable!() };
                *folder = ".venv".to_owned();
            }
        },
        "everything: programs in .venv name the folder they were installed in, and a build may run them",
    );
    // A build whose programs are not known runs again; what was installed stays.
    check(
        |earlier, now| {
            for inputs in [&mut earlier.inputs, now] {
                inputs.build = Sources::Unknown { why: "which programs `make` runs is not known".to_owned() };
            }
        },
        "install skipped: package-lock.json is unchanged since commit aaaaaaaaaa",
    );
}

#[test]
fn without_commands_only_files_are_swapped_or_restarted() {
    for (start, expected) in [("node a.js", HotPath::RestartOnly), ("", HotPath::StaticSwap)] {
        let now = Inputs { tree: "tree 2".to_owned(), ..inputs(plan("", "", start), Install::Nothing) };
        let decision = decide(Some(&record(usual())), &now);
        assert_eq!((decision.taken.path, decision.take), (expected, Take::Nothing));
    }
}

/// All combinations of what can differ or be missing: nothing is ever taken over where a fact that it depends on differs
/// or is not known.
#[test]
fn nothing_is_skipped_that_is_not_proven() {
    const FACTS: u32 = 9;
    for differs in 0..1_u32 << FACTS {
        let is = |fact: u32| differs & (1 << fact) != 0;
        let (mut earlier, mut now) = (record(usual()), usual());
        if is(0) {
            now.tree = "tree 2".to_owned();
        }
        if is(1) {
            now.install = files("lock 2");
        }
        if is(2) {
            now.machine = "machine 2".to_owned();
        }
        if let (true, Install::Files { programs, .. }) = (is(3), &mut now.install) {
            *programs = "npm 2".to_owned();
        }
        if is(4) {
            now.install = Install::Unknown { why: "x".to_owned() };
        }
        if is(5) {
            now.build = Sources::Programs { programs: "npm 2".to_owned() };
        }
        if is(6) {
            earlier.installed = Installed::Not { why: "x".to_owned() };
        }
        if is(7) {
            now.plan.build = argv("npm run other");
        }
        if is(8) {
            now.plan.root = "web".to_owned();
        }
        let install_holds = ![1, 2, 3, 4, 8].into_iter().any(is);
        let build_holds = install_holds && ![0, 5, 7].into_iter().any(is);
        let expected = match (build_holds, install_holds && !is(6)) {
            (true, _) => Take::Everything,
            (false, true) => Take::Folder("node_modules".to_owned()),
            (false, false) => Take::Nothing,
        };
        let decision = decide(Some(&earlier), &now);
        assert_eq!(decision.take, expected, "{differs:b} {decision:?}");
        assert_eq!(decision.taken.path == HotPath::Full, decision.take == Take::Nothing, "{differs:b}");
    }
}
