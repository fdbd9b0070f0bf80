//! Cards against a model of them: people who speak in any order, about what is shown or was, take back, let time pass,
//! and control planes that die in between. Whatever they do, the answer is the model's, and each card ends once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use sf_engine::step::APPROVAL_HOLD;
use sf_runtime::Rng;

use super::{DECIDES, Loop};

/// Steps of one history, and histories.
const STEPS: usize = 30;
const SEEDS: u64 = 6;
/// Minutes that a card waits.
const WAITS: u64 = 5;

#[derive(Clone, PartialEq, Debug)]
enum Card {
    /// It waits, with these voices, until then (ms of the test's time).
    Open(BTreeSet<usize>, u64),
    /// Somebody's word has decided it; it can be taken back until then.
    Held(usize, u64),
    /// It is over: nothing changes any more.
    Over(&'static str),
    /// It goes on by itself.
    Gone,
}

struct Model {
    card: Card,
    quorum: usize,
    now: u64,
}

impl Model {
    /// Whether this person's word counts now. The first one is whom the proposer acts for, and four eyes hold.
    fn speaks(&mut self, person: usize, agrees: bool, fresh: bool) -> bool {
        let Card::Open(voices, until) = &mut self.card else { return false };
        if !fresh || self.now >= *until {
            return false;
        }
        if !agrees {
            self.card = Card::Over("rejected");
            return true;
        }
        if person == 0 || !voices.insert(person) {
            return false;
        }
        if voices.len() >= self.quorum {
            self.card = Card::Held(person, self.now + millis(APPROVAL_HOLD));
        }
        true
    }

    fn takes_back(&mut self, person: usize) -> bool {
        match self.card {
            Card::Held(by, until) if by == person && self.now < until => {
                self.card = Card::Open(BTreeSet::new(), self.now + WAITS * 60_000);
                true
            }
            _ => false,
        }
    }

    fn passes(&mut self, time: u64) {
        self.now += time;
        match self.card {
            Card::Held(_, until) if self.now >= until => self.card = Card::Gone,
            Card::Open(_, until) if self.now >= until => self.card = Card::Over("expired"),
            _ => {}
        }
    }

    fn told(&self) -> (&'static str, Option<&'static str>, bool) {
        match self.card {
            Card::Open(..) => ("waiting", None, false),
            Card::Held(..) => ("ready", None, true),
            Card::Gone => ("ready", None, false),
            Card::Over(done) => ("done", Some(done), false),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

#[tokio::test]
async fn every_history_of_a_card_is_the_models() {
    let mut over = BTreeSet::new();
    for seed in 0..SEEDS {
        let rng = Rng::seeded(seed);
        let quorum = 1 + usize::try_from(rng.below(3)).unwrap();
        let rule = json!({ "actions": ["*"], "quorum": quorum, "fourEyes": true, "expiresMinutes": WAITS });
        let mut own = Loop::new(json!({ "neverAuto": ["*"], "approvals": [rule] })).await;
        let mut people = vec![own.world.token.clone()];
        for name in ["bo", "cy", "di", "ed"] {
            people.push(own.member(name, DECIDES).await.0);
        }
        let (run, hash) = own.waits().await;
        let mut hashes = vec![hash];
        let mut model = Model { card: Card::Open(BTreeSet::new(), WAITS * 60_000), quorum, now: 0 };
        for step in 0..STEPS {
            let person = usize::try_from(rng.below(people.len() as u64)).unwrap();
            let latest = hashes.len() - 1;
            let which =
                if rng.below(6) == 0 { usize::try_from(rng.below(hashes.len() as u64)).unwrap() } else { latest };
            let card = (run.as_str(), hashes[which].as_str());
            let what = format!("seed {seed}, step {step}, person {person}, {:?}", model.card);
            match rng.below(20) {
                0..=8 => {
                    let answer = own.decide(&people[person], "approve", card).await;
                    assert_eq!(
                        answer.status == 200,
                        model.speaks(person, true, which == latest),
                        "{what}: {}",
                        answer.body
                    );
                }
                9 => {
                    let answer = own.decide(&people[person], "reject", card).await;
                    assert_eq!(
                        answer.status == 200,
                        model.speaks(person, false, which == latest),
                        "{what}: {}",
                        answer.body
                    );
                }
                10..=14 => {
                    let answer = own.decide(&people[person], "reopen", card).await;
                    let expected = which == latest && model.takes_back(person);
                    assert_eq!(answer.status == 200, expected, "{what}: {}", answer.body);
                    if expected {
                        hashes.push(own.hash(&run).await);
                    }
                }
                15..=17 => {
                    let time = 500 + rng.below(4_000);
                    own.world.pass(Duration::from_millis(time)).await;
                    model.passes(time);
                }
                18 => {
                    own.world.pass(Duration::from_secs(40)).await;
                    model.passes(40_000);
                }
                _ => {
                    own.world = own.world.started_again(Duration::from_secs(1)).await;
                    own.world.pass(Duration::ZERO).await;
                    model.passes(1_000);
                    people[0].clone_from(&own.world.token);
                }
            }
            let seen = own.state(&run).await;
            let told = (seen["state"].as_str().unwrap(), seen["done"].as_str(), !seen["heldUntil"].is_null());
            assert_eq!(told, model.told(), "{what}");
        }
        over.insert(format!("{:?}", std::mem::discriminant(&model.card)));
    }
    assert!(over.len() > 1, "histories that all end alike show little: {over:?}");
}
