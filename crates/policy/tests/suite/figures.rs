//! What the issue promises, on the held-out decisions.

use std::sync::LazyLock;

use sf_actions::admission::{Admission, SelfReport};
use sf_policy::admit;
use sf_policy::learning::{Curves, Forecast};

use crate::history::{ACTIONS, EARLIER, HELD_OUT, committed};
use crate::process::{AGENTS, Kind};
use crate::walk::{Judged, Known, walk};

static TOLD: LazyLock<Vec<Judged>> = LazyLock::new(|| walk(&committed(), Known::Everything));
static ROUTED: LazyLock<Vec<Judged>> = LazyLock::new(|| walk(&committed(), Known::AsRouted));

fn curves(judged: &[Judged]) -> Curves {
    let forecast = |it: &Judged| Forecast {
        report: it.line.report,
        estimate_permille: it.inputs.calibration.unwrap().estimate_permille,
        good: it.line.good,
    };
    Curves::of(&judged.iter().map(forecast).collect::<Vec<_>>())
}

#[test]
#[ignore = "prints"]
fn prints() {
    for (name, judged) in [("told", &TOLD), ("routed", &ROUTED)] {
        let held = &judged[EARLIER..];
        let curves = curves(held);
        println!("{name} raw {:?}", curves.reported);
        println!("{name} cal {:?}", curves.calibrated);
        for admission in [Admission::Auto, Admission::AutoNotify, Admission::Ask] {
            let of: Vec<_> = held.iter().filter(|it| it.admission == admission).collect();
            println!("{admission:?} {} bad {}", of.len(), of.iter().filter(|it| !it.line.good).count());
        }
        for (agent, (kind, skill)) in AGENTS.iter().enumerate() {
            let of: Vec<_> = held.iter().filter(|it| it.line.agent == agent).collect();
            let auto: Vec<_> = of.iter().filter(|it| it.admission == Admission::Auto).collect();
            let good = of.iter().filter(|it| it.line.good).count();
            let mean: f64 = of.iter().map(|it| f64::from(it.inputs.calibration.unwrap().estimate_permille)).sum::<f64>() / of.len() as f64;
            println!("  {agent} {kind:?} {skill}: {} good {:.3} est {:.3}, auto {} bad {}, notify {}", of.len(), good as f64 / of.len() as f64, mean / 1000.0, auto.len(), auto.iter().filter(|it| !it.line.good).count(), of.iter().filter(|it| it.admission == Admission::AutoNotify).count());
        }
    }
    let _ = (ACTIONS, HELD_OUT, SelfReport::None, Kind::Silent);
    let _ = admit;
}
