//! What opening an inbox takes in which very many cards wait.

use std::time::Instant;

use anyhow::{Result, ensure};
use futures_util::{StreamExt, TryStreamExt};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::{Action, Actor};
use sf_control::{Proposal, Proposed};
use sf_runtime::Tasks;
use sf_testkit::Plane;
use sf_testkit::people::PASSWORD;
use sf_types::AppId;

use crate::caller::{Caller, data, listen, sign_in};
use crate::line::{Line, Times};

/// Cards that wait, unless `BENCH_CARDS` says otherwise.
const CARDS: usize = 10_000;
/// Apps they are about.
const APPS: usize = 100;
/// Proposals under way at a time.
const AT_ONCE: usize = 64;
/// Readings timed of each.
const READS: usize = 100;
/// Within this the inbox opens, milliseconds.
const PROMISED: f64 = 300.0;

/// The first page as the dashboard asks for it, the badge, and one card with all that helps to decide.
pub async fn opens() -> Result<()> {
    let cards = sf_runtime::env::var("BENCH_CARDS").map_or(Ok(CARDS), |text| text.parse())?;
    let (plane, tasks) = (Plane::real_time(false).await?, Tasks::new());
    let admin = plane.admin().await?;
    fill(&plane, &admin, cards).await?;
    let address = listen(&plane.control, &tasks).await?;
    let token = sign_in(address, "admin@example.org", PASSWORD).await?;
    let mut reader =
        Reader { caller: Caller::dial(address).await?, credential: format!("Authorization: Bearer {token}\r\n") };
    let page = data(&reader.ask("/api/v1/inbox").await?)?;
    ensure!(page.as_array().is_some_and(|page| page.len() == 50.min(cards)), "a full page");
    let card = format!("/api/v1/inbox/{}", page[0]["id"].as_str().unwrap_or_default());
    let first = reader.timed("/api/v1/inbox").await?;
    let waiting = reader.timed("/api/v1/inbox?kind=approval&limit=200").await?;
    let badge = reader.timed("/api/v1/inbox/count").await?;
    let details = reader.timed(&card).await?;
    Line::new("inbox", "cards", cards as f64, "cards").print()?;
    Line::new("inbox", "first_page_p50", first.at(500), "ms").print()?;
    Line::new("inbox", "first_page_p99", first.at(990), "ms").floor(PROMISED).print()?;
    Line::new("inbox", "page_of_200_p99", waiting.at(990), "ms").floor(PROMISED).print()?;
    Line::new("inbox", "badge_p99", badge.at(990), "ms").floor(PROMISED).print()?;
    Line::new("inbox", "card_p99", details.at(990), "ms").floor(PROMISED).print()?;
    tasks.stop(std::time::Duration::from_secs(5)).await;
    plane.stop().await;
    Ok(())
}

/// An AI without a record proposes deploys: each of them waits for a person.
async fn fill(plane: &Plane, admin: &Actor, cards: usize) -> Result<()> {
    let node = plane.enrol(admin).await?;
    let mut apps: Vec<AppId> = Vec::with_capacity(APPS);
    for nth in 0..APPS {
        apps.push(plane.app(admin, node.id(), &format!("app-{nth}")).await?);
    }
    let ai = Plane::ai_of(admin);
    let propose = async |nth: usize| -> Result<()> {
        let deploy = Deploy { app: apps[nth % APPS], reference: None, commit: None, full: false };
        let action = Action::Deploy(DeployAction::Deploy(deploy));
        let proposal = Proposal { confidence: Some(60.0), ..Proposal::of(action) };
        let opened = plane.control.propose(&ai, plane.request(), proposal).await?;
        ensure!(matches!(opened, Proposed::Open(_)), "it waits");
        Ok(())
    };
    futures_util::stream::iter((0..cards).map(propose)).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
    Ok(())
}

/// Somebody who looks.
struct Reader {
    caller: Caller,
    credential: String,
}

impl Reader {
    async fn ask(&mut self, path: &str) -> Result<String> {
        let answer = self.caller.ask("GET", path, &self.credential, "").await?;
        ensure!(answer.starts_with("HTTP/1.1 200"), "{path} answered {answer}");
        Ok(answer)
    }

    async fn timed(&mut self, path: &str) -> Result<Times> {
        let mut times = Vec::with_capacity(READS);
        for _ in 0..READS {
            let began = Instant::now();
            self.ask(path).await?;
            times.push(began.elapsed());
        }
        Ok(Times::new(times))
    }
}
