//! A calibration in the words of somebody who knows neither statistics nor this program.

use sf_actions::admission::{Calibration, Held, Level};

/// Why the score is what it is: "it reported 95; of 41 such runs of it 31 went well".
pub fn told(report: Option<u8>, calibration: &Calibration) -> String {
    let reported = report.map_or_else(|| "it reported nothing".to_owned(), |score| format!("it reported {score}"));
    let held = match calibration.held_by {
        Some(Held::LastRuns) => ", but too many of the last ones went badly",
        Some(Held::AgentsLastRuns) => ", but too much of what it did lately went badly",
        None => "",
    };
    format!("{reported}; {}{held}", record(calibration))
}

fn record(calibration: &Calibration) -> String {
    let Calibration { evidence, good, level, .. } = *calibration;
    let Some(level) = level.filter(|_| evidence > 0) else {
        return "nothing is known yet about such runs".to_owned();
    };
    let whose = match level {
        Level::Own => "of it",
        Level::Pair => "of it with other tools",
        Level::Action => "of other AI agents",
        Level::Agent => "of it with other actions",
        Level::All => "of other AI agents with other actions",
    };
    match (evidence, good) {
        (1, 0) => format!("the one such run {whose} went badly"),
        (1, _) => format!("the one such run {whose} went well"),
        _ if good == evidence => format!("all {evidence} such runs {whose} went well"),
        _ if good == 0 => format!("none of {evidence} such runs {whose} went well"),
        _ => format!("of {evidence} such runs {whose} {good} went well"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::admission::Method;

    fn check(report: Option<u8>, level: Option<Level>, runs: (u32, u32), held_by: Option<Held>, expected: &str) {
        let (evidence, good) = runs;
        let (estimate_permille, low_permille, high_permille) = (0, 0, 0);
        let method = Method::Beta;
        let calibration = Calibration {
            score: 0,
            estimate_permille,
            low_permille,
            high_permille,
            method,
            level,
            evidence,
            good,
            held_by,
        };
        assert_eq!(told(report, &calibration), expected);
    }

    #[test]
    fn calibrations_as_sentences() {
        use Level::{Action, Agent, All, Own, Pair};
        check(Some(95), None, (0, 0), None, "it reported 95; nothing is known yet about such runs");
        check(Some(95), Some(Own), (41, 31), None, "it reported 95; of 41 such runs of it 31 went well");
        check(Some(95), Some(Pair), (4, 4), None, "it reported 95; all 4 such runs of it with other tools went well");
        check(
            None,
            Some(Action),
            (4, 0),
            None,
            "it reported nothing; none of 4 such runs of other AI agents went well",
        );
        check(
            None,
            Some(Agent),
            (1, 1),
            None,
            "it reported nothing; the one such run of it with other actions went well",
        );
        let far = "it reported 5; the one such run of other AI agents with other actions went badly";
        check(Some(5), Some(All), (1, 0), None, far);
        let held = "it reported 95; of 41 such runs of it 31 went well, but too many of the last ones went badly";
        check(Some(95), Some(Own), (41, 31), Some(Held::LastRuns), held);
        let lately = "it reported 95; all 3 such runs of it went well, but too much of what it did lately went badly";
        check(Some(95), Some(Own), (3, 3), Some(Held::AgentsLastRuns), lately);
    }
}
