//! Seeded simulation: the driver and the engine as they are, on a ground of virtual time whose database fails, loses
//! answers and whose processes die in the middle of a turn, whose clocks are set, whose calls fail or never end, with
//! one control plane or two that take each other's executions over.
//!
//! One seed is one history, to the last message: a failing one is repeated by `SF_SEED=<seed>`. However wild it was, once
//! nothing goes wrong any more every run has to end, each call is made under its key once, nothing that a step no longer
//! wants goes on, no card stays before people, and what is in memory is what the journal says.

mod count;
mod database;
mod history;
mod stops;
mod verdict;
mod world;

use self::count::Count;
use self::history::History;

/// Seeds of `make test`, and of `make test-full`.
const SEEDS: (u64, u64) = (200, 5_000);
/// Tests that share them, so that all cores have some.
const SHARES: u64 = 4;

/// Names the seed wherever its history panics.
struct Which(u64);

impl Drop for Which {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("that was seed {}", self.0);
        }
    }
}

fn whatever_goes_wrong_every_run_ends_and_nothing_is_done_twice(share: u64) {
    let (few, many) = SEEDS;
    let seeds = if sf_runtime::env::var("SF_FULL").is_some() { many } else { few };
    let mut total = Count::default();
    for seed in (share..seeds).step_by(usize::try_from(SHARES).expect("a few")) {
        let _which = Which(seed);
        total.add(&History::of(seed).told());
    }
    // A simulation in which nothing happens shows nothing.
    assert!(total.is_wild(seeds / SHARES), "{total:?}");
}

#[test]
fn whatever_goes_wrong_every_run_ends_0() {
    whatever_goes_wrong_every_run_ends_and_nothing_is_done_twice(0);
}

#[test]
fn whatever_goes_wrong_every_run_ends_1() {
    whatever_goes_wrong_every_run_ends_and_nothing_is_done_twice(1);
}

#[test]
fn whatever_goes_wrong_every_run_ends_2() {
    whatever_goes_wrong_every_run_ends_and_nothing_is_done_twice(2);
}

#[test]
fn whatever_goes_wrong_every_run_ends_3() {
    whatever_goes_wrong_every_run_ends_and_nothing_is_done_twice(3);
}

/// Repeats one: `SF_SEED=14 cargo nextest run -p sf-control one_seed --no-capture`.
#[test]
fn one_seed() {
    let seed = sf_runtime::env::var("SF_SEED").map_or(0, |seed| seed.parse().expect("SF_SEED is a number"));
    println!("{:?}", History::of(seed).told());
}

#[test]
fn a_seed_is_one_history() {
    for seed in [3, 4] {
        assert_eq!(History::of(seed).told(), History::of(seed).told(), "seed {seed}");
    }
}
