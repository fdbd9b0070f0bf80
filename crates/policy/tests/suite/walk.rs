//! Goes through a history as ServerFlow would: decides by what is known at that moment, and learns what becomes known.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use sf_actions::admission::{Admission, Decision, Inputs, Level, Proposer, SelfReport};
use sf_policy::admit;
use sf_policy::learning::{Key, LevelState, Levels, Row, Sample, Source, calibrate};
use sf_types::Timestamp;

use crate::history::{ACTIONS, Line, NEVER_AUTO, TOOLS};

/// What becomes known of a decision.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Known {
    /// People say of each how it was.
    Everything,
    /// What ServerFlow sees: verdicts on what asked; of what ran, reviews of 3 % and six of ten bad ones taken back.
    AsRouted,
}

/// A decision and what it was made from.
#[derive(Debug)]
pub struct Judged {
    pub line: Line,
    pub decision: Decision,
    pub at: Timestamp,
}

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Decides about each line in turn.
pub fn walk(lines: &[Line], known: Known) -> Vec<Judged> {
    let names: Vec<String> =
        (0..lines.iter().map(|line| line.agent + 1).max().unwrap_or(0)).map(|it| format!("agent-{it}")).collect();
    let mut rows: HashMap<Row, LevelState> = HashMap::new();
    let mut coming: BTreeMap<(Timestamp, usize), (Line, Source)> = BTreeMap::new();
    let (mut judged, mut now) = (Vec::with_capacity(lines.len()), START);
    for (number, line) in lines.iter().enumerate() {
        now = now.plus(Duration::from_secs(u64::from(line.gap) * 60));
        let later = coming.split_off(&(now, 0));
        for ((at, _), (line, source)) in std::mem::replace(&mut coming, later) {
            for row in key(&line, &names).rows() {
                rows.entry(row).or_default().add(&Sample { report: line.report, source, at }, now);
            }
        }
        let inputs = inputs(line, &rows, &names, now, number);
        let decision = admit(inputs);
        let source = source(line, decision.admission, known, number);
        coming.insert((now.plus(Duration::from_secs(u64::from(line.hours) * 3600 + 60)), number), (*line, source));
        judged.push(Judged { line: *line, decision, at: now });
    }
    judged
}

fn key<'a>(line: &Line, names: &'a [String]) -> Key<'a> {
    let tool = Some(TOOLS[line.tool]).filter(|tool| !tool.is_empty());
    Key { action: ACTIONS[line.action].0, agent: &names[line.agent], tool }
}

fn inputs(line: &Line, rows: &HashMap<Row, LevelState>, names: &[String], now: Timestamp, number: usize) -> Inputs {
    let (action, risk) = ACTIONS[line.action];
    let mut levels = Levels::default();
    for row in key(line, names).rows() {
        let level: Level = row.level;
        if let Some(state) = rows.get(&row) {
            *levels.at_mut(level) = state.clone();
        }
    }
    Inputs {
        action: action.to_owned(),
        risk,
        destroys: false,
        proposer: Proposer::Ai,
        report: line.report.map_or(SelfReport::None, SelfReport::Score),
        calibration: Some(calibrate(line.report, risk, &levels, now)),
        record: None,
        auto_at: 90,
        notify_at: 70,
        never_auto: NEVER_AUTO.contains(&action),
        opens_gates: false,
        tainted: false,
        undoable: true,
        waived: false,
        frozen: false,
        frozen_by: None,
        over_budget: None,
        passes_freeze: false,
        quota_left: 1,
        draw_permille: u16::try_from(mixed(number) % 1000).unwrap(),
        sample_permille: 30,
        undo: false,
    }
}

fn source(line: &Line, admission: Admission, known: Known, number: usize) -> Source {
    let asked = matches!(admission, Admission::Ask | Admission::Deny);
    if known == Known::Everything || asked {
        return if line.good { Source::Approved } else { Source::Rejected };
    }
    let reviewed = mixed(number) % 1000 < 30;
    match (line.good, reviewed) {
        (true, true) => Source::ReviewedGood,
        (false, true) => Source::ReviewedBad,
        (false, false) if mixed(number + 1_000_000) % 10 < 6 => Source::RolledBack,
        _ if admission == Admission::AutoNotify => Source::ToldAndKept,
        _ => Source::Kept,
    }
}

/// A number that looks drawn and is the same each time.
fn mixed(number: usize) -> u64 {
    let mixed = (u64::try_from(number).unwrap() + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 17
}
