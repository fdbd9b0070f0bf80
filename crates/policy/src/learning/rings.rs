//! The five levels cut apart, so that no run counts twice: from "anything else in the team" to "exactly this".

use sf_types::Timestamp;

use super::counts::Counts;
use super::key::Levels;
use super::state::BINS;

/// As how many runs everything else in the team counts at most: other actions have other risks.
pub const FAR_RUNS: f64 = 4.0;
/// As how many runs this agent's other actions count at most.
pub const AGENT_RUNS: f64 = 8.0;

/// One ring: runs in it up to and including each bin.
type Sums = [Counts; BINS + 1];

/// Farthest first: other actions by other agents, other actions by this agent, this action by other agents, this action
/// by this agent through other tools, exactly this.
pub struct Rings {
    sums: [Sums; 5],
}

/// How much of each ring but the last counts at most; the same action counts without a limit.
const MOST: [f64; 4] = [FAR_RUNS, AGENT_RUNS, f64::INFINITY, f64::INFINITY];

impl Rings {
    pub fn of(levels: &Levels, now: Timestamp) -> Self {
        let of = |state: &super::LevelState| state.bins(now);
        let (own, pair, action) = (of(&levels.own), of(&levels.pair), of(&levels.action));
        let (agent, all) = (of(&levels.agent), of(&levels.all));
        let mut sums = [[Counts::NONE; BINS + 1]; 5];
        for bin in 0..BINS {
            let rings = [
                // What is of this action and of this agent was taken away twice.
                all[bin].plus(pair[bin]).minus(action[bin].plus(agent[bin])),
                agent[bin].minus(pair[bin]),
                action[bin].minus(pair[bin]),
                pair[bin].minus(own[bin]),
                own[bin],
            ];
            for (sum, ring) in sums.iter_mut().zip(rings) {
                sum[bin + 1] = sum[bin].plus(ring);
            }
        }
        Self { sums }
    }

    /// Runs in a ring, in the bins from `first` to `last`.
    pub fn runs(&self, ring: usize, first: usize, last: usize) -> Counts {
        self.sums[ring][last + 1].minus(self.sums[ring][first])
    }

    /// Exactly this action, agent and tool.
    pub fn own(&self, first: usize, last: usize) -> Counts {
        self.runs(4, first, last)
    }

    /// Whether any ring has runs in this bin.
    pub fn any(&self, bin: usize) -> bool {
        (0..5).any(|ring| self.runs(ring, bin, bin).all() > 0.0)
    }

    /// What others' records make of `mean`: each ring moves what the farther ones foresaw, which counts `weight` runs.
    pub fn inherited(&self, mean: f64, weight: f64, first: usize, last: usize) -> f64 {
        MOST.iter().enumerate().fold(mean, |mean, (ring, most)| {
            let runs = self.runs(ring, first, last).at_most(*most);
            weight.mul_add(mean, runs.good) / (weight + runs.all())
        })
    }
}
