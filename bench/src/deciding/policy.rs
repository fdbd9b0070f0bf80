//! What admitting an AI's proposal takes, from the five records to the sentence people read.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sf_actions::admission::{Admission, Inputs, SelfReport};
use sf_policy::admit;
use sf_policy::learning::{LevelState, Levels, Sample, Source, calibrate};
use sf_policy::testing::deploy_of_ai;
use sf_types::Timestamp;

use crate::line::Line;

/// Decisions timed, each by itself.
const DECISIONS: usize = 200_000;
/// What admitting may take, in microseconds.
const PROMISED: f64 = 50.0;
/// Runs in each record, spread over all scores: no bin is empty, the dearest case.
const RUNS: u64 = 5_000;

/// The time of one calibration from five full records, with the admission that follows.
pub fn admissions() -> Result<()> {
    let now = Timestamp::from_millis(1_800_000_000_000);
    let record = |count: u64| {
        let mut state = LevelState::default();
        for run in 0..count {
            let report = u8::try_from(run * 37 % 101).unwrap_or(100);
            let source = if u64::from(report) > run % 100 { Source::Approved } else { Source::Rejected };
            state.add(&Sample { report: Some(report), source, at: now.minus(Duration::from_secs(run)) }, now);
        }
        state
    };
    let levels = Levels {
        own: record(RUNS),
        pair: record(RUNS * 2),
        action: record(RUNS * 3),
        agent: record(RUNS * 4),
        all: record(RUNS * 6),
    };
    let mut times = Vec::with_capacity(DECISIONS);
    for number in 0..DECISIONS {
        let report = u8::try_from(number % 101)?;
        let began = Instant::now();
        let calibration = calibrate(Some(report), 35, std::hint::black_box(&levels), now);
        let decision = admit(Inputs { report: SelfReport::Score(report), ..deploy_of_ai(calibration) });
        times.push(began.elapsed());
        ensure!(decision.admission != Admission::Deny, "nothing denies it");
    }
    times.sort_unstable();
    let micros = |part: usize| times[DECISIONS * part / 1000 - 1].as_secs_f64() * 1e6;
    Line::new("admit", "p50_us", micros(500), "us").print()?;
    Line::new("admit", "p99_us", micros(990), "us").floor(PROMISED).print()
}
