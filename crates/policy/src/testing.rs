//! A proposal like any other, for tests and benchmarks: nothing about it holds it back.

use sf_actions::admission::{Calibration, Inputs, Proposer, SelfReport};

/// An AI that deploys, reports 95 and was measured as this.
pub fn deploy_of_ai(calibration: Calibration) -> Inputs {
    Inputs {
        action: "app.deploy".into(),
        risk: 35,
        destroys: false,
        proposer: Proposer::Ai,
        report: SelfReport::Score(95),
        calibration: Some(calibration),
        record: None,
        auto_at: 90,
        notify_at: 70,
        never_auto: false,
        opens_gates: false,
        tainted: false,
        undoable: true,
        waived: false,
        frozen: false,
        frozen_by: None,
        over_budget: None,
        passes_freeze: false,
        quota_left: 10,
        draw_permille: 999,
        sample_permille: 30,
        undo: false,
    }
}
