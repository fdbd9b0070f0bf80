//! A folder of very many files, looked at page by page.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::desk::Desk;
use crate::house::{House, resident_mb};
use crate::line::{Line, Times};

/// Files of the folder.
const FILES: u32 = 1_000_000;
/// Entries of a page, as the dashboard asks for them.
const PAGE: usize = 500;
/// Pages looked at: from the beginning, and from the middle.
const PAGES: usize = 40;
/// What the agent may grow by, MB: a page and what reading it takes.
const GROWTH_MB: f64 = 8.0;
/// Within this a page opens.
const PROMISED_MS: f64 = 2_000.0;

pub async fn measure(house: &House, desk: &Desk) -> Result<()> {
    let alt = desk.alt("keeper", &["/usr/bin/sleep", "1000000"], Some("echo installed"), None).await?;
    let server = desk.server("keeper", &alt).await?;
    let files = house.state().join("agent/servers").join(&server).join("files");
    ensure!(files.is_dir(), "the server's files are not at {}", files.display());
    let many = files.join("many");
    tokio::task::spawn_blocking(move || fill(&many)).await??;
    let agent = house.agent()?;
    let before = resident_mb(agent)?;
    let (mut times, mut most) = (Vec::with_capacity(PAGES * 2), before);
    for begin in [None, Some("file-0500000".to_owned())] {
        let mut after = begin;
        for _ in 0..PAGES {
            let from = after.as_deref().map(|after| format!("&after={after}")).unwrap_or_default();
            let began = Instant::now();
            let page = desk.get(&format!("/servers/{server}/files?path=many&limit={PAGE}{from}")).await?;
            times.push(began.elapsed());
            most = most.max(resident_mb(agent)?);
            let entries = page["entries"].as_array().context("entries")?;
            ensure!(!entries.is_empty(), "an empty page after {from}");
            after = page["next"].as_str().map(str::to_owned);
            ensure!(after.is_some(), "the folder ends after {}", name(entries));
        }
    }
    let times = Times::new(times);
    let note = format!("{FILES} files, pages of {PAGE}");
    Line::new("panel", "folder_page_p50", times.at(500), "ms").note(note).print()?;
    Line::new("panel", "folder_page_p99", times.at(990), "ms").floor(PROMISED_MS).print()?;
    Line::new("panel", "folder_agent_growth", most - before, "MB")
        .floor(GROWTH_MB)
        .note(format!("{before:.1} MB before"))
        .print()
}

fn name(entries: &[Value]) -> String {
    entries.last().map(|entry| entry["name"].to_string()).unwrap_or_default()
}

fn fill(folder: &Path) -> Result<Duration> {
    let began = Instant::now();
    std::fs::create_dir(folder)?;
    for n in 0..FILES {
        File::create(folder.join(format!("file-{n:07}")))?;
    }
    Ok(began.elapsed())
}
