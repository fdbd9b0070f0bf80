//! Whether the database of a control plane that was killed again and again agrees with what its users were told and
//! with what its machines did.

mod books;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sf_control::Control;
use sf_engine::workflow::{Call, Fact, StepKey};
use sf_engine::{Done, RunState};
use sf_store::approvals::{ApprovalState, Verdict};
use sf_store::executions::ExecutionState;
use sf_store::{Scope, executions, outbox};
use sf_testkit::{Plane, SimNode};
use sf_types::{RunId, Timestamp};

use self::books::Books;
use super::ledger::Ledger;
use super::shape::Shape;

/// The lane of moments that were asked for.
const TIMERS: &str = "timers";
/// After this long nothing is due any more.
const A_YEAR: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

/// What there was to be verified.
pub struct Counted {
    workflows: usize,
    steps: usize,
    orders: usize,
    decisions: usize,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workflows, steps, orders, decisions } = self;
        write!(f, "{workflows} executions, {steps} steps, {orders} orders, {decisions} decisions")
    }
}

/// Everything that was promised.
pub async fn verify(plane: &Plane, ledger: &Ledger, witnesses: &[SimNode]) -> Result<Counted> {
    let books = Books::read(plane, witnesses).await?;
    all_ended(&books)?;
    journals_are_whole(&books)?;
    each_try_did_one_thing(&books)?;
    each_order_was_given_once(&books)?;
    starts_came_to_their_ends(&books, ledger)?;
    acknowledged_steps_stand(plane, ledger).await?;
    decisions_stand(&books, ledger)?;
    keys_take_turns(&books)?;
    projects_were_made_once(plane, &books).await?;
    audit_is_whole(plane, &books).await?;
    nothing_is_left(plane, &books).await?;
    let steps = ledger.told().ended.len();
    let decisions = ledger.told().decided.len();
    Ok(Counted { workflows: books.executions.len(), steps, orders: books.orders.values().sum(), decisions })
}

/// What is known of the runs that have not ended, for who wonders why.
pub async fn still_open(plane: &Plane) -> Result<Vec<String>> {
    let books = Books::read(plane, &[]).await?;
    let open = books.runs.values().filter(|run| !run.is_done());
    Ok(open.map(|run| format!("{run:?}\n{}", books.story(run.id))).collect())
}

fn all_ended(books: &Books) -> Result<()> {
    for run in books.runs.values() {
        ensure!(run.is_done() && run.closed_at.is_some(), "run {} has not ended: {:?}", run.id, run.state);
    }
    for row in &books.executions {
        let ended = row.state == ExecutionState::Done && row.closed_at.is_some() && row.wake_at.is_none();
        ensure!(
            ended && !row.poison,
            "execution {} has not ended, or was put aside: {}",
            row.run,
            books.story(row.run)
        );
    }
    Ok(())
}

/// Without gaps, each try begun once, each step and the whole ended once.
fn journals_are_whole(books: &Books) -> Result<()> {
    for (run, journal) in &books.journals {
        let numbers: Vec<u64> = journal.iter().map(|(seq, ..)| *seq).collect();
        ensure!(numbers.iter().copied().eq(1..=numbers.len() as u64), "the journal of {run} has a gap: {numbers:?}");
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for fact in journal.iter().flat_map(|(.., facts)| facts) {
            let once = match fact {
                Fact::Began { .. } => "began".to_owned(),
                Fact::Started { step, attempt, .. } => format!("try {attempt} of {step}"),
                Fact::Asked { step, .. } => format!("question of {step}"),
                Fact::Ended { step, .. } => format!("end of {step}"),
                Fact::Item { step, item, .. } => format!("item {item} of {step}"),
                Fact::Received { name, .. } => format!("event {name}"),
                Fact::Finished { .. } => "finished".to_owned(),
                _ => continue,
            };
            *times.entry(once).or_default() += 1;
        }
        let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
        ensure!(twice.is_empty(), "the journal of {run} says more than once: {twice:?}");
        let last = journal.last().and_then(|(.., facts)| facts.last());
        ensure!(matches!(last, Some(Fact::Finished { .. })), "the journal of {run} ends with {last:?}");
    }
    Ok(())
}

/// A try of a step has proposed one run, and no run says to be of a try that there was not.
fn each_try_did_one_thing(books: &Books) -> Result<()> {
    let mut children: HashMap<(RunId, StepKey, u32), Vec<RunId>> = HashMap::new();
    for run in books.runs.values() {
        if let Some(parent) = &run.parent {
            children.entry((parent.run, parent.step.clone(), parent.attempt)).or_default().push(run.id);
        }
    }
    for (run, step, attempt, call) in books.tries() {
        let name = match call {
            Call::Query { .. } => continue,
            Call::Action { action, .. } => action.as_str(),
            Call::Workflow { .. } => "workflow.run",
        };
        let found = children.remove(&(run, step.clone(), attempt)).unwrap_or_default();
        // One that was stopped may not have come to it.
        let stopped = books.runs[&run].state == RunState::Done(Done::Cancelled);
        let [child] = found.as_slice() else {
            ensure!(stopped && found.is_empty(), "try {attempt} of {step} of {run} has the runs {found:?}");
            continue;
        };
        let told = books.runs[child].action.spec().name;
        ensure!(told == name, "try {attempt} of {step} of {run} is {name}, and its run is {told}");
        // What was caught came to what its `catch` did.
        let well = books.runs[child].state == RunState::Done(Done::Succeeded) && name != "workflow.run";
        let output = books.output(run, step).filter(|_| well);
        let right = output.is_none_or(|output| output["run"] == child.to_string());
        ensure!(right, "{step} of {run} ended by {output:?}, and its run is {child}");
    }
    ensure!(children.is_empty(), "runs say to be of tries that there were not: {children:?}");
    Ok(())
}

/// What the machines were ordered, and what the runs say they were.
fn each_order_was_given_once(books: &Books) -> Result<()> {
    for (run, times) in &books.orders {
        let known = books.runs.get(run).with_context(|| format!("a machine was ordered something for {run}"))?;
        ensure!(*times == 1 && known.node.is_some(), "run {run} was carried out {times} times: {known:?}");
    }
    for run in books.runs.values().filter(|run| run.node.is_some() && run.app.is_some()) {
        let carried_out = matches!(run.state, RunState::Done(Done::Succeeded | Done::Failed | Done::RolledBack));
        let seen = books.orders.contains_key(&run.id);
        ensure!(seen || !carried_out || run.action.spec().name == "app.create", "no machine saw {run:?}");
    }
    Ok(())
}

/// Every start that was answered is a run, there are no others, and each ended as its shape says.
fn starts_came_to_their_ends(books: &Books, ledger: &Ledger) -> Result<()> {
    let told = ledger.told();
    let started = books.executions.iter().filter(|row| books.runs[&row.run].parent.is_none()).count();
    ensure!(started == told.started.len(), "{started} runs were started, and {} were answered", told.started.len());
    for (n, run) in &told.started {
        let (shape, record) = (Shape::of(*n), books.runs.get(run).with_context(|| format!("{run} is gone"))?);
        let approved =
            books.cards.iter().all(|card| card.run != Some(*run) || card.decision == Some(Verdict::Approved));
        let end = record.state.to_string();
        ensure!(end == shape.end(approved), "{run} ({shape:?}) ended as {end}: {record:?}");
        ensure!(shape != Shape::Stopped || told.stopped.contains(run), "{run} was stopped by nobody");
        let orders = books.runs.values().filter(|child| child.parent.as_ref().is_some_and(|parent| parent.run == *run));
        let orders = orders.filter(|child| books.orders.contains_key(&child.id)).count();
        let right = if shape == Shape::Stopped { orders <= 1 } else { orders == shape.orders(approved) };
        ensure!(right, "{run} ({shape:?}) ordered {orders} things");
        if let Some(data) = told.sent.get(run) {
            ensure!(books.output_of_all(*run) == Some(data), "{run} was sent {data} and says otherwise");
        }
    }
    Ok(())
}

/// What was seen as ended has ended in the same way.
async fn acknowledged_steps_stand(plane: &Plane, ledger: &Ledger) -> Result<()> {
    let admin = plane.admin_again().await?;
    let runs: Vec<RunId> = ledger.told().over.iter().copied().collect();
    for run in runs {
        let shown = plane.control.execution(&admin, run).await?;
        let steps: HashMap<String, (&str, Value)> =
            shown.execution.steps().map(|step| (step.key.to_string(), (step.state, step.output))).collect();
        for ((_, key), how) in ledger.told().ended.iter().filter(|((of, _), _)| *of == run) {
            let (state, output) = steps.get(key).with_context(|| format!("step {key} of {run} is gone"))?;
            let same = how["state"] == *state && (how["output"].is_null() || how["output"] == *output);
            ensure!(same, "step {key} of {run} ended as {how}, and is now {state}: {output}");
        }
    }
    Ok(())
}

fn decisions_stand(books: &Books, ledger: &Ledger) -> Result<()> {
    let told = ledger.told();
    let cards: HashMap<String, _> = books.cards.iter().map(|card| (card.id.to_string(), card)).collect();
    for (id, approved) in &told.decided {
        let card = cards.get(id).with_context(|| format!("card {id} is gone"))?;
        let decision = if *approved { Verdict::Approved } else { Verdict::Rejected };
        let stands = card.state == ApprovalState::Decided && card.decision == Some(decision);
        ensure!(stands, "a decision about {id} was answered ({approved}), and the card says {card:?}");
    }
    for card in &books.cards {
        let (run, step) = (card.run.context("a card's run")?, card.step.clone().context("a card's step")?);
        let output = books.output(run, &step).filter(|_| card.decision == Some(Verdict::Approved));
        let right = output.is_none_or(|output| output["decision"] == "approved");
        ensure!(right, "{step} of {run} ended by {output:?}, and its card says {card:?}");
    }
    Ok(())
}

/// Of one key, one begins when the other has ended.
fn keys_take_turns(books: &Books) -> Result<()> {
    let mut turns: BTreeMap<&str, Vec<(Timestamp, Timestamp, RunId)>> = BTreeMap::new();
    for row in &books.executions {
        let (Some(key), Some(ended)) = (&row.key, row.closed_at) else { continue };
        let began = books.began(row.run).with_context(|| format!("{} never began", row.run))?;
        turns.entry(key).or_default().push((began, ended, row.run));
    }
    for (key, mut turns) in turns {
        turns.sort_unstable();
        for pair in turns.windows(2) {
            ensure!(pair[1].0 >= pair[0].1, "two of {key} ran at the same time: {pair:?}");
        }
    }
    Ok(())
}

/// What steps have made within the control plane is there, once.
async fn projects_were_made_once(plane: &Plane, books: &Books) -> Result<()> {
    let admin = plane.admin_again().await?;
    let projects = plane.control.projects(&admin, Some("made-")).await?;
    let ids: Vec<String> = projects.iter().map(|(project, _)| project.id.to_string()).collect();
    let claimed: Vec<String> = books.made().collect();
    for project in &claimed {
        ensure!(ids.contains(project), "project {project} was made, and is not there");
    }
    ensure!(ids.len() == claimed.len(), "{} projects are there, and {} were made", ids.len(), claimed.len());
    Ok(())
}

/// The chain holds, and says of every run once how it was proposed and how it ended.
async fn audit_is_whole(plane: &Plane, books: &Books) -> Result<()> {
    let lines = plane.audited().await?;
    let mut outcomes: HashMap<RunId, Vec<&str>> = HashMap::new();
    for line in &lines {
        if let Some(run) = line.run {
            outcomes.entry(run).or_default().push(&line.outcome);
        }
    }
    for run in books.runs.values() {
        let said = outcomes.remove(&run.id).unwrap_or_default();
        let end = run.state.to_string();
        let ends = said.iter().filter(|outcome| ***outcome == *end).count();
        let proposed = said.iter().filter(|outcome| **outcome == "proposed").count();
        ensure!(
            ends == 1 && proposed <= 1 && said.last() == Some(&&*end),
            "run {} ({end}) is told as {said:?}",
            run.id
        );
    }
    Ok(())
}

/// Nothing waits to be taken in, to be decided or to be done.
async fn nothing_is_left(plane: &Plane, books: &Books) -> Result<()> {
    let control: &Control = &plane.control;
    let reader = control.store().read(Scope::System);
    let inbox = executions::incoming(&reader, control.instance()).await?;
    let whose: Vec<_> = inbox.iter().map(|incoming| books.story(incoming.run)).collect();
    ensure!(inbox.is_empty(), "the inbox holds {inbox:#?} for {whose:#?}");
    let open: Vec<_> = books.cards.iter().filter(|card| card.state != ApprovalState::Decided).collect();
    ensure!(open.is_empty(), "cards wait for a decision: {open:?}");
    plane.pass(A_YEAR).await?;
    while control.perform_due().await?.is_some_and(|next| next <= plane.clock.now()) {}
    let (waiting, why) = outbox::waiting(&reader, TIMERS).await?;
    ensure!(waiting == 0, "{waiting} moments still wait: {why:?}");
    Ok(())
}
