//! What is in the database, and what the machines have seen.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use sf_engine::Run;
use sf_engine::workflow::{Call, End, Fact, Finish, StepKey};
use sf_protocol::order::Order;
use sf_store::Scope;
use sf_store::approvals::{self, Approval};
use sf_store::executions::{self, ExecutionFilter, ExecutionRow};
use sf_store::runs::{self, RunFilter};
use sf_testkit::{Plane, SimNode};
use sf_types::{Cursor, Page, PageRequest, RunId, Timestamp};

pub struct Books {
    pub runs: BTreeMap<RunId, Run>,
    pub executions: Vec<ExecutionRow>,
    /// What happened in each execution: number, moment, facts.
    pub journals: BTreeMap<RunId, Vec<(u64, Timestamp, Vec<Fact>)>>,
    pub cards: Vec<Approval>,
    /// How often machines began to carry a run out.
    pub orders: BTreeMap<RunId, usize>,
}

impl Books {
    pub async fn read(plane: &Plane, witnesses: &[SimNode]) -> Result<Self> {
        let reader = plane.control.store().read(Scope::System);
        let all = all_pages(async |page| Ok(runs::page(&reader, &RunFilter::default(), &page).await?)).await?;
        let runs = all.into_iter().map(|record| (record.run.id, record.run)).collect();
        let every = ExecutionFilter::default();
        let executions = all_pages(async |page| Ok(executions::page(&reader, &every, &page).await?)).await?;
        let cards = all_pages(async |page| Ok(approvals::page(&reader, None, &page).await?)).await?;
        let mut journals = BTreeMap::new();
        for row in &executions {
            let mut journal = Vec::new();
            for entry in executions::journal(&reader, row.run).await? {
                let facts = serde_json::from_str(&entry.facts).with_context(|| format!("journal of {}", row.run))?;
                journal.push((entry.seq, entry.at, facts));
            }
            journals.insert(row.run, journal);
        }
        let mut orders = BTreeMap::new();
        for command in witnesses.iter().flat_map(SimNode::began) {
            if !matches!(command.order, Order::Cancel(_) | Order::Void(_)) {
                let run = command.authz.run.with_context(|| format!("an order without a run: {command:?}"))?;
                *orders.entry(run).or_default() += 1;
            }
        }
        Ok(Self { runs, executions, journals, cards, orders })
    }

    /// Everything that is recorded of a run.
    pub fn story(&self, run: RunId) -> String {
        let row = self.executions.iter().find(|row| row.run == run);
        let journal = self.of(run).map(|(at, fact)| format!("{at:?} {fact:?}")).collect::<Vec<_>>().join("\n");
        let children = self.runs.values().filter(|child| child.parent.as_ref().is_some_and(|parent| parent.run == run));
        let told = |child: &Run| format!("{} {} {:?}..{:?}", child.id, child.state, child.opened_at, child.closed_at);
        format!("{row:?}\n{journal}\nit proposed: {}", children.map(told).collect::<Vec<_>>().join(", "))
    }

    fn facts(&self) -> impl Iterator<Item = (RunId, &Fact)> {
        self.journals
            .iter()
            .flat_map(|(run, journal)| journal.iter().flat_map(|(.., facts)| facts).map(|fact| (*run, fact)))
    }

    /// Every try of every step that was begun.
    pub fn tries(&self) -> impl Iterator<Item = (RunId, &StepKey, u32, &Call)> {
        self.facts().filter_map(|(run, fact)| match fact {
            Fact::Started { step, attempt, call, .. } => Some((run, step, *attempt, call)),
            _ => None,
        })
    }

    fn of(&self, run: RunId) -> impl Iterator<Item = (Timestamp, &Fact)> {
        let journal = self.journals.get(&run).into_iter().flatten();
        journal.flat_map(|(_, at, facts)| facts.iter().map(|fact| (*at, fact)))
    }

    /// What came of a step that succeeded.
    pub fn output(&self, run: RunId, key: &StepKey) -> Option<&Value> {
        self.of(run).find_map(|(_, fact)| match fact {
            Fact::Ended { step, end: End::Succeeded { output } } if step == key => Some(output),
            _ => None,
        })
    }

    /// What came of a run that succeeded.
    pub fn output_of_all(&self, run: RunId) -> Option<&Value> {
        self.of(run).find_map(|(_, fact)| match fact {
            Fact::Finished { finish: Finish::Succeeded { output } } => Some(output),
            _ => None,
        })
    }

    /// When the first step of a run began.
    pub fn began(&self, run: RunId) -> Option<Timestamp> {
        self.of(run).find_map(|(at, fact)| matches!(fact, Fact::Started { .. }).then_some(at))
    }

    /// Projects that steps have made.
    pub fn made(&self) -> impl Iterator<Item = String> {
        self.facts().filter_map(|(_, fact)| match fact {
            Fact::Ended { end: End::Succeeded { output }, .. } => output["made"]["project"].as_str().map(str::to_owned),
            _ => None,
        })
    }
}

/// All rows, page by page.
async fn all_pages<T>(read: impl AsyncFn(PageRequest) -> Result<Page<T>>) -> Result<Vec<T>> {
    let (mut all, mut after): (Vec<T>, Option<Cursor>) = (Vec::new(), None);
    loop {
        let page = read(PageRequest { limit: Some(PageRequest::MAX_ROWS), after }).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
