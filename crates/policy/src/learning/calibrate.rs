//! From a report to what it is worth.

use sf_actions::admission::{Calibration, Held, Level, Method};
use sf_types::Timestamp;

use super::bound;
use super::counts::Counts;
use super::key::Levels;
use super::rings::Rings;
use super::state::{LevelState, NO_REPORT, SILENT, SURE, bin, window};

/// As how many runs the action's risk counts, and what others' records say at each level.
pub const PRIOR_RUNS: f64 = 5.0;
/// What others' records and a low risk can give at most: without a record of its own nothing opens.
pub const INHERITED_AT_MOST: f64 = 0.85;
/// From this many runs of its own a calibration is called isotonic: the prior weighs less than a tenth then.
pub const ISOTONIC_FROM: f64 = 60.0;

/// Runs that went well, put before the window of last runs: an empty window holds nothing down.
const TRUST_RUNS: f64 = 1.0;
/// Less than this many runs is no evidence worth a word.
const WORTH_A_WORD: f64 = 0.5;

/// What a report of 0-100 (or none) is worth for an action of this base risk, from the records as of `now`.
///
/// For one set of records the score never falls when the report rises. For one report it never falls when a good run
/// comes in and never rises when a bad one does.
pub fn calibrate(report: Option<u8>, risk: u8, levels: &Levels, now: Timestamp) -> Calibration {
    let rings = Rings::of(levels, now);
    let fit = fit(report, risk, &rings);
    let window = window(report);
    let (held, held_by) = careful(levels, window);
    let low = fit.low.min(held);
    let (from, to) = likely(levels, window);
    let estimate = fit.estimate.max(from).min(to).max(low);
    let (level, runs) =
        nearest(&rings, fit.first, fit.last).map_or((None, Counts::NONE), |(level, runs)| (Some(level), runs));
    Calibration {
        score: percent(low),
        estimate_permille: permille(estimate),
        low_permille: permille(low),
        high_permille: permille(fit.high.max(estimate)),
        method: method(level, report, &rings),
        level,
        evidence: whole(runs.good) + whole(runs.bad),
        good: whole(runs.good),
        held_by: held_by.filter(|_| percent(held) < percent(fit.low)),
    }
}

/// What the long record says.
struct Fit {
    estimate: f64,
    low: f64,
    high: f64,
    /// The bins that the careful end rests on.
    first: usize,
    last: usize,
}

/// Isotonic by the max-min formula: over all ranges of bins that hold the report's, the highest that a range's lowest
/// extension allows. What went well with lower reports speaks for this one, what went badly with higher ones against it.
fn fit(report: Option<u8>, risk: u8, rings: &Rings) -> Fit {
    let here = bin(report);
    let (lowest, highest) = if here == SILENT { (SILENT, SILENT) } else { (0, SILENT - 1) };
    let trust = 1.0 - f64::from(risk.min(100)) / 100.0;
    let prior = report.map_or(trust, |score| trust.min(f64::from(score.min(100)) / 100.0));
    // A range that begins or ends with empty bins is the same as the shorter one.
    let filled = |bin: &usize| *bin == here || rings.any(*bin);
    let mut best = Fit { estimate: 0.0, low: 0.0, high: 0.0, first: here, last: here };
    for first in (lowest..=here).filter(filled) {
        let mut worst = Fit { estimate: 1.0, low: 1.0, high: 1.0, first, last: here };
        for last in (here..=highest).filter(filled) {
            let own = rings.own(first, last);
            let inherited = rings.inherited(prior, PRIOR_RUNS, first, last);
            let posterior = Counts::of(inherited, PRIOR_RUNS).plus(own);
            let gate = bound::low(Counts::of(inherited.min(INHERITED_AT_MOST), PRIOR_RUNS).plus(own));
            worst.estimate = worst.estimate.min(posterior.good / posterior.all());
            worst.high = worst.high.min(bound::high(posterior));
            if gate < worst.low {
                (worst.low, worst.last) = (gate, last);
            }
        }
        best.estimate = best.estimate.max(worst.estimate);
        best.high = best.high.max(worst.high);
        if worst.low > best.low {
            (best.low, best.first, best.last) = (worst.low, worst.first, worst.last);
        }
    }
    best
}

/// What the last runs allow at most. This agent's of this action count as they are: two bad ones in a row close what
/// is automatic. Its last runs of any action must be bad beyond chance, since they may be of riskier actions.
fn careful(levels: &Levels, window: usize) -> (f64, Option<Held>) {
    let mean = |runs: Counts| runs.good / runs.all();
    let own = over(&levels.own, window, mean).min(over(&levels.pair, window, mean));
    let agent = over(&levels.agent, window, bound::high);
    if agent < own { (agent, Some(Held::AgentsLastRuns)) } else { (own, Some(Held::LastRuns)) }
}

/// Between what the last runs put the best estimate: only what is beyond chance moves it, or every streak would. A
/// record that gets better moves it up; the score waits for the long record.
fn likely(levels: &Levels, window: usize) -> (f64, f64) {
    let to = [&levels.own, &levels.pair, &levels.agent].map(|state| over(state, window, bound::high));
    let from = [&levels.own, &levels.pair].map(|state| under(state, window));
    (from.into_iter().fold(0.0, f64::max), to.into_iter().fold(1.0, f64::min))
}

/// The most of this window and those below it: where the less sure runs go well, the surer are no worse.
fn under(state: &LevelState, window: usize) -> f64 {
    let lowest = if window == NO_REPORT { NO_REPORT } else { 0 };
    state.recent()[lowest..=window].iter().map(|runs| bound::low(*runs)).fold(0.0, f64::max)
}

/// The least of this window and those above it: where the sure runs go badly, the less sure are no better. Whoever
/// reports nothing is held by its sure runs too, or it would fall silent to get around them.
fn over(state: &LevelState, window: usize, bound: impl Fn(Counts) -> f64) -> f64 {
    let (above, silent) = if window == NO_REPORT { (SURE, true) } else { (window, false) };
    let windows = state.recent();
    let silent = silent.then_some(&windows[NO_REPORT]);
    let lowest = |least: f64, runs: &Counts| least.min(bound(runs.plus(Counts::of(1.0, TRUST_RUNS))));
    windows[above..=SURE].iter().chain(silent).fold(1.0, lowest)
}

/// The narrowest level with runs in these bins.
fn nearest(rings: &Rings, first: usize, last: usize) -> Option<(Level, Counts)> {
    let levels = [Level::All, Level::Agent, Level::Action, Level::Pair, Level::Own];
    let found = levels.into_iter().enumerate().rev().map(|(ring, level)| (level, rings.runs(ring, first, last)));
    found.into_iter().find(|(_, runs)| runs.all() >= WORTH_A_WORD)
}

fn method(level: Option<Level>, report: Option<u8>, rings: &Rings) -> Method {
    let (first, last) = if report.is_some() { (0, SILENT - 1) } else { (SILENT, SILENT) };
    match level {
        Some(Level::Own) if report.is_some() && rings.own(first, last).all() >= ISOTONIC_FROM => Method::Isotonic,
        Some(Level::Own) => Method::Beta,
        _ => Method::Prior,
    }
}

/// Rounded down, but for the last bits of binary fractions: 0.9 must not become 89.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0-100 just here")]
fn percent(share: f64) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0 + 1e-9) as u8
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0-1000 just here")]
fn permille(share: f64) -> u16 {
    (share.clamp(0.0, 1.0) * 1000.0).round() as u16
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "never negative, and casts saturate")]
fn whole(runs: f64) -> u32 {
    runs.min(1e9).round() as u32
}

#[cfg(test)]
mod tests;
