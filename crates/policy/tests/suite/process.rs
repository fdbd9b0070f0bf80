//! The process behind the history: AI agents of several kinds, nearly all surer than they should be. Whole numbers only,
//! so that every machine makes the same file. docs/reference/confidence.md describes it.

use crate::history::{ACTIONS, Line, TOOLS};

/// How an AI agent reports, and how its work changes over time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// 90 to 100, whatever it does.
    Boaster,
    /// Knows more or less, and takes three fifths of what is missing off.
    Inflated,
    /// Always 95.
    Constant,
    /// Reports nothing.
    Silent,
    /// Reports about the truth.
    Honest,
    /// Reports 15 too little.
    Humble,
    /// Very good and sure; from this decision on only sure.
    Turning(usize),
    /// Bad and sure; from this decision on good.
    Mending(usize),
}

/// Kind, and skill in thousandths: the share of its runs that go well before action, tool and the case at hand.
pub const AGENTS: [(Kind, i64); 20] = [
    (Kind::Inflated, 700),
    (Kind::Constant, 720),
    (Kind::Turning(11_500), 985),
    (Kind::Boaster, 560),
    (Kind::Inflated, 600),
    (Kind::Constant, 985),
    (Kind::Silent, 760),
    (Kind::Boaster, 640),
    (Kind::Inflated, 820),
    (Kind::Honest, 900),
    (Kind::Constant, 520),
    (Kind::Mending(11_000), 950),
    (Kind::Inflated, 500),
    (Kind::Turning(14_000), 970),
    (Kind::Boaster, 480),
    (Kind::Humble, 930),
    (Kind::Silent, 560),
    (Kind::Boaster, 720),
    (Kind::Constant, 640),
    (Kind::Honest, 660),
];

/// What an agent that has turned, or has not mended yet, achieves.
const BAD_SKILL: i64 = 200;

/// Thousandths that an action takes off.
const HARDNESS: [i64; ACTIONS.len()] = [20, -20, 0, -10, 40, 60, 30, 90, 20, 150, 120, 60];
/// Thousandths that a tool gives.
const EASE: [i64; TOOLS.len()] = [0, 15, -60, -30];

/// Source: S. Vigna, `splitmix64.c` (2015, public domain).
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: i64) -> i64 {
        i64::try_from((self.next() >> 11) % u64::try_from(end).unwrap()).unwrap()
    }

    fn from(&mut self, first: i64, last: i64) -> i64 {
        first + self.below(last - first + 1)
    }

    /// The first of `count` most often, the n-th `n^steepness` times more seldom: many combinations are rare.
    fn ranked(&mut self, count: usize, steepness: u32) -> usize {
        let weight = |place: usize| 27_720 / (i64::try_from(place).unwrap() + 1).pow(steepness);
        let mut left = self.below((0..count).map(weight).sum());
        (0..count)
            .find(|place| {
                left -= weight(*place);
                left < 0
            })
            .unwrap()
    }
}

/// The seed of the committed history.
pub const SEED: u64 = 20_261_127;

/// The first `count` decisions of a seed.
pub fn history(seed: u64, count: usize) -> Vec<Line> {
    let mut draw = Draw(seed);
    let mut own = [[0; ACTIONS.len()]; AGENTS.len()];
    own.iter_mut().flatten().for_each(|own| *own = draw.from(-70, 70));
    (0..count)
        .map(|number| {
            // Agents are nearly equally busy; actions and tools are not.
            let agent = usize::try_from(draw.below(20)).unwrap();
            let (action, tool) = (draw.ranked(ACTIONS.len(), 1), draw.ranked(TOOLS.len(), 2));
            let (kind, skill) = AGENTS[agent];
            let (skill, scale) = match kind {
                Kind::Turning(at) if number >= at => (BAD_SKILL, 1),
                Kind::Mending(at) if number < at => (BAD_SKILL, 1),
                // Who is very good is good at everything.
                _ if skill >= 930 => (skill, 8),
                _ => (skill, 1),
            };
            // How this case differs from its kind. The agent feels it; a boaster does not say so.
            let case = draw.from(-160, 160);
            let truth = skill + (own[agent][action] + EASE[tool] - HARDNESS[action] + case) / scale;
            let truth = truth.clamp(20, 990);
            let report = reported(kind, truth, &mut draw);
            let good = draw.below(1000) < truth;
            let gap = u32::try_from(draw.below(40)).unwrap();
            let hours = u32::try_from(draw.below(24)).unwrap();
            Line { gap, action, agent, tool, report, hours, good }
        })
        .collect()
}

fn reported(kind: Kind, truth: i64, draw: &mut Draw) -> Option<u8> {
    let noise = draw.from(-3, 3);
    let score = match kind {
        Kind::Boaster => 90 + draw.below(11),
        Kind::Inflated => (truth + (1000 - truth) * 3 / 5) / 10 + noise,
        Kind::Constant => 95,
        Kind::Silent => return None,
        Kind::Honest => truth / 10 + noise,
        Kind::Humble => truth / 10 - 15 + noise,
        Kind::Turning(_) | Kind::Mending(_) => 95 + noise,
    };
    Some(u8::try_from(score.clamp(0, 100)).unwrap())
}
