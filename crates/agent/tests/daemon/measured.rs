//! Figures about building, printed: `make bench-build`.

use std::time::{Duration, Instant};

use sf_protocol::Verdict;
use sf_protocol::command::Guard;
use sf_protocol::order::Order;
use sf_protocol::outcome::Facts;
use sf_runtime::{Clock, Rng};
use sf_types::Millis;

use super::hot::{Registry, Source, deployed};
use super::world::{World, get};

/// Files that the app installs: some 15,000 are usual for a site of medium size.
const FILES: usize = 15_000;

/// How long each situation is measured, and by how many callers.
const SPAN: Duration = Duration::from_secs(5);
const CALLERS: usize = 4;

/// Processes of a build that burns all it gets.
const BURN: &str = "i=0; while [ $i -lt 16 ]; do (while :; do :; done) & i=$((i+1)); done; wait";

/// Measuring wants a machine that does nothing else.
fn is_wanted() -> bool {
    let wanted = sf_runtime::env::var("SF_BENCH").is_some();
    if !wanted {
        eprintln!("SKIPPED: `make bench-build` measures");
    }
    wanted
}

#[tokio::test]
#[ignore = "measures"]
async fn the_hot_path_against_doing_everything() {
    if !is_wanted() {
        return;
    }
    let mut world = World::running().await;
    let packages = tempfile::tempdir().unwrap();
    let registry = Registry::start(packages.path(), FILES).await;
    let (mut source, app) = (Source::default(), world.app);
    let mut figures = Vec::new();
    for (nth, full) in [true, true, false, false].into_iter().enumerate() {
        source.text = nth as u64;
        let files = source.files(&registry);
        let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        world.commit(&files).await;
        let (facts, _, took) = deployed(&mut world, &source, (app, full)).await;
        eprintln!("{:?} in {took} ms: {:?}", facts.path.unwrap(), facts.timings);
        // The first one fills the caches.
        figures.extend((nth > 0).then_some((full, took)));
    }
    let least = |full: bool| figures.iter().filter(|(was, _)| *was == full).map(|(_, took)| *took).min().unwrap();
    let (all, hot) = (least(true), least(false));
    let hundredths = all * 100 / hot.max(1);
    eprintln!("everything {all} ms, install skipped {hot} ms: {}.{:02} times", hundredths / 100, hundredths % 100);
    assert!(hot < all, "the hot path is the quicker one");
}

/// Times of answers, sorted, in microseconds.
async fn load(port: u16) -> Vec<u128> {
    let caller = async || {
        let (began, mut times) = (Instant::now(), Vec::new());
        while began.elapsed() < SPAN {
            let since = Instant::now();
            assert_eq!(get(port, "/").await.0, 200);
            times.push(since.elapsed().as_micros());
        }
        times
    };
    let mut times = futures_util::future::join_all((0..CALLERS).map(|_| caller())).await.concat();
    times.sort_unstable();
    times
}

#[tokio::test]
#[ignore = "measures"]
async fn a_build_that_burns_its_budget_beside_an_app_that_serves() {
    if !is_wanted() {
        return;
    }
    let mut world = World::enrolled().await;
    let policy = format!("allow_file_below = [\"{}\"]\n[build]\nseconds = 20\n", world.repository().display());
    std::fs::write(world.state().join("policy.toml"), policy).unwrap();
    world.commit_server(&super::server("app", 200, None)).await;
    world.start(None).await;
    world.plane.connected(0).await;
    let outcome = world.deploy().await;
    let port = world.succeeded(&outcome).port.unwrap().get();
    let mut p99s = Vec::new();
    let mut say = |what: &str, times: &[u128]| {
        let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
        eprintln!("{what}: {} answers, p50 {p50} us, p99 {p99} us", times.len());
        p99s.push(p99);
    };
    say("steady", &load(port).await);

    let Order::Deploy(mut deploy) = world.deploy_order(None, Millis(0)) else { unreachable!() };
    deploy.app.app = Rng::system().id(&Clock::system());
    deploy.app.build.build = Some(["sh", "-c", BURN].map(str::to_owned).to_vec());
    let id = world.plane.order(Order::Deploy(deploy), Guard::default());
    let burning = |state: &mut super::plane::State| {
        state.lines.values().any(|text| text.contains("while [ $i -lt 16 ]")).then_some(())
    };
    world.plane.until("the build", burning).await;
    say("beside a build within its budget", &load(port).await);
    let outcome = world.plane.outcome(id).await;
    assert_eq!(outcome.verdict, Verdict::Failed);
    assert!(matches!(outcome.facts, Facts::Deploy(_)) && outcome.fault.unwrap().code == "build.limit");

    // tidy: shell because it is the very build of before, without its limits
    let mut burner = tokio::process::Command::new("sh");
    let mut burner = burner.args(["-c", BURN]).process_group(0).kill_on_drop(true).spawn().unwrap();
    say("beside the same without limits", &load(port).await);
    let group = nix::unistd::Pid::from_raw(i32::try_from(burner.id().unwrap()).unwrap());
    nix::sys::signal::killpg(group, nix::sys::signal::Signal::SIGKILL).unwrap();
    burner.wait().await.unwrap();
    assert!(p99s[1] < p99s[2], "an app is better off with the limits on: {p99s:?} us");
}
