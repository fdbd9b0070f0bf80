//! Workflows on a control plane that is killed with SIGKILL at random moments, again and again, until all have ended.
//! Who uses it writes down what was acknowledged, and its machines what they were ordered. In the end the database has
//! to agree with both: nothing acknowledged is lost, nothing is done twice under one key, and every run has ended.
//!
//! All chance follows from one number, which a failure names: `SF_SEED=<number>` draws the same again. `SF_FULL=1` is
//! for the long run, `SF_RUNS=<number>` for one of any length.

mod crowd;
mod ledger;
mod moment;
mod rest;
mod shape;
mod verdict;
mod victim;
mod world;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sf_runtime::Rng;
use sf_store::testing::Postgres;
use sf_testkit::people::PASSWORD;
use sf_testkit::{Script, SimNode};
use sf_types::AppId;
use tokio::sync::watch;

use self::crowd::Crowd;
use self::ledger::Ledger;
use self::rest::{Asked, Rest};
use self::shape::Shape;
use self::world::World;

/// Runs with a file, and with a database server.
const RUNS: (usize, usize) = (160, 50);
/// The same where time does not matter.
const ALL_RUNS: (usize, usize) = (1_000, 300);
/// Machines with apps whose orders succeed, however they tell of it.
const MACHINES: [Script; 3] = [Script::Succeed, Script::Duplicate, Script::Reorder];
const APPS_A_MACHINE: usize = 4;
/// Beyond this something hangs.
const A_RUN_TAKES: Duration = Duration::from_secs(2);
const AT_LEAST: Duration = Duration::from_secs(150);

#[tokio::test]
async fn nothing_is_lost_or_done_twice_in_a_file() -> Result<()> {
    Box::pin(kill_at_random(None, count(RUNS.0, ALL_RUNS.0))).await
}

#[tokio::test]
async fn nothing_is_lost_or_done_twice_in_a_database_server() -> Result<()> {
    let Some(server) = Postgres::start_or_skip().await else { return Ok(()) };
    Box::pin(kill_at_random(Some(server.database().await?), count(RUNS.1, ALL_RUNS.1))).await
}

fn count(some: usize, all: usize) -> usize {
    let asked = sf_runtime::env::var("SF_RUNS").and_then(|count| count.parse().ok());
    asked.unwrap_or(if sf_runtime::env::var("SF_FULL").is_some() { all } else { some })
}

async fn kill_at_random(database: Option<String>, runs: usize) -> Result<()> {
    let given = sf_runtime::env::var("SF_SEED").and_then(|seed| seed.parse().ok());
    let seed: u64 = given.unwrap_or_else(|| Rng::system().u64());
    let lived = Box::pin(lived_through(database, runs, seed)).await;
    lived.with_context(|| format!("drawn again by SF_SEED={seed}, with {runs} runs"))
}

async fn lived_through(database: Option<String>, runs: usize, seed: u64) -> Result<()> {
    let began = Instant::now();
    let mut world = World::begin(database).await?;
    let crowd = Box::pin(crowd(&mut world, runs, seed)).await?;
    let finished = crowd.finished.subscribe();
    let limit = (A_RUN_TAKES * u32::try_from(runs)?).max(AT_LEAST);
    let lived = async { futures_util::try_join!(crowd.work(), world.lives_and_deaths(seed, &crowd.ledger, finished)) };
    let Ok(lived) = tokio::time::timeout(limit, Box::pin(lived)).await else {
        world.kill().await?;
        world.stop().await;
        let open = verdict::still_open(&world.opened().await?).await?;
        bail!("after {} lives there is still:\n{}", world.kills, open.join("\n\n"));
    };
    lived?;
    ensure!(world.live(None).await?, "it did not come to serve once all had ended");
    crowd.start_all_again().await?;
    world.kill().await?;
    world.stop().await;
    let plane = world.opened().await?;
    let witnesses: Vec<SimNode> = world.nodes.iter().map(|(node, _)| node.clone()).collect();
    let counted = verdict::verify(&plane, &crowd.ledger, &witnesses).await?;
    plane.stop().await;
    ensure!(world.kills > runs / crowd::STARTS_A_LIFE, "it was killed {} times only", world.kills);
    report(&format!(
        "{runs} runs, {} kills, {counted}, {:.1} s, seed {seed}",
        world.kills,
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// Who uses it, with machines, apps and workflows.
async fn crowd(world: &mut World, runs: usize, seed: u64) -> Result<Crowd> {
    let nobody = Rest::new(world.lives.subscribe());
    let login = json!({ "email": "admin@example.org", "password": PASSWORD });
    let session = nobody.ask(&Asked::post("/auth/login", login)).await?.data()?;
    let signed_in = nobody.with_token(session["accessToken"].as_str().context("a token")?);
    // One that outlives the many minutes between the lives.
    let wanted = json!({ "name": "crowd", "days": 365 });
    let token = signed_in.ask(&Asked::post("/tokens", wanted)).await?.data()?;
    let rest = signed_in.with_token(token["secret"].as_str().context("a token's text")?);
    let mut apps = Vec::new();
    for script in MACHINES {
        let node = world.node(script).await?;
        for _ in 0..APPS_A_MACHINE {
            let app = app(&rest, &node, &format!("app-{}", apps.len())).await?;
            deployed(&rest, &node, &app).await?;
            apps.push(app);
        }
    }
    let broken = world.node(Script::Fail).await?;
    let bad = app(&rest, &broken, "bad").await?;
    let mut workflows = Vec::new();
    for shape in Shape::ALL {
        let made = rest.ask(&Asked::post("/workflows", json!({ "document": shape.document() }))).await?.data();
        workflows.push(id(&made.with_context(|| format!("{shape:?}"))?)?);
    }
    let finished = watch::channel(false).0;
    Ok(Crowd { rest, ledger: Ledger::default(), seed, runs, workflows, apps, bad, finished })
}

async fn app(rest: &Rest, node: &SimNode, name: &str) -> Result<String> {
    let settings = json!({ "repository": "https://git.example.org/team/app" });
    let wanted = json!({ "name": name, "nodeId": node.id().to_string(), "settings": settings });
    id(&rest.ask(&Asked::post("/apps", wanted)).await?.data()?)
}

/// Deploys an app and waits until it serves.
async fn deployed(rest: &Rest, node: &SimNode, app: &str) -> Result<()> {
    let opened = rest.ask(&Asked::post(format!("/apps/{app}/deploy"), json!({}))).await?.data()?;
    let (run, app) = (id(&opened["run"])?, app.parse::<AppId>().ok().context("an app's id")?);
    let mut look = tokio::time::interval(Duration::from_millis(10));
    while rest.get(format!("/runs/{run}")).await?["state"] != "done" {
        look.tick().await;
    }
    ensure!(node.live(app).is_some(), "the app serves");
    Ok(())
}

fn id(made: &Value) -> Result<String> {
    made["id"].as_str().map(str::to_owned).with_context(|| format!("an id in {made}"))
}

#[expect(clippy::print_stderr, reason = "figures of a long run, for who asks for them with --no-capture")]
fn report(figures: &str) {
    eprintln!("{figures}");
}
