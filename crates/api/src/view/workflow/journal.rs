//! What was recorded of a run: its journal, entry by entry.

use serde::Serialize;
use serde_json::Value;
use sf_control::workflow::Recorded;
use sf_engine::workflow::{End, Fact, Finish, StepKey};
use sf_types::{Fault, Timestamp};
use utoipa::ToSchema;

use super::MAX_OUTPUT_BYTES;
use crate::view::{FaultView, Time};

/// What happened at one moment of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowJournalEntry)]
pub struct EntryView {
    /// From 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Time,
    /// In order.
    pub facts: Vec<FactView>,
}

/// One thing that happened.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowFact)]
pub struct FactView {
    /// `began`, `started`, `asked`, `escalated`, `waits`, `opened`, `item`, `chosen`, `retries`, `caught`, `ended`,
    /// `received`, `recovered`, `cancelling`, `failing`, `moved` or `finished`.
    pub fact: &'static str,
    /// The step it is about.
    pub step: Option<String>,
    /// Which try, from 1.
    pub attempt: Option<u32>,
    /// The item of a map, from 0; of an opened one, how many it has.
    pub item: Option<u32>,
    /// The case of a branch that was taken, from 0.
    pub case: Option<u32>,
    /// How it ended: `succeeded`, `failed`, `skipped` or `cancelled`.
    pub end: Option<&'static str>,
    /// What is done, with the arguments as they were.
    #[schema(value_type = Option<Object>)]
    pub call: Option<Value>,
    /// What it began with, what came of it, what it brought or what is shown.
    #[schema(value_type = Option<Object>)]
    pub value: Option<Value>,
    /// That value is larger than an answer takes: ask for the step alone.
    pub value_left_out: bool,
    /// Why it failed.
    pub fault: Option<FaultView>,
    /// What a person is asked, or the name of an event.
    pub message: Option<String>,
    /// It has to end by then, or goes on then.
    pub until: Option<Time>,
    /// The version it goes on by.
    pub version: Option<u32>,
}

impl EntryView {
    /// An entry as it is shown.
    pub fn of(Recorded { seq, at, facts }: Recorded) -> Self {
        Self { seq, at: Time(at), facts: facts.into_iter().map(|(fact, brief)| FactView::of(fact, brief)).collect() }
    }
}

impl FactView {
    fn of(fact: Fact, brief: bool) -> Self {
        let named = |fact: &'static str| Self { fact, ..Self::default() };
        let about = |fact: &'static str, step: StepKey| Self { step: Some(step.to_string()), ..named(fact) };
        let told = match fact {
            Fact::Began { input, deadline, .. } => named("began").valued(input).by(Some(deadline)),
            Fact::Started { step, attempt, call, deadline } => {
                let call = serde_json::to_value(&call).ok();
                Self { attempt: Some(attempt), call, ..about("started", step) }.by(deadline)
            }
            Fact::Asked { step, message, show, expires, .. } => {
                Self { message: Some(message), ..about("asked", step) }.valued(show).by(Some(expires))
            }
            Fact::Escalated { step } => about("escalated", step),
            Fact::Waits { step, until, event } => Self { message: event, ..about("waits", step) }.by(until),
            Fact::Opened { step, items } => {
                let item = u32::try_from(items.len()).ok().filter(|_| !brief);
                Self { item, ..about("opened", step) }.valued(Value::Array(items))
            }
            Fact::Item { step, item, end } => Self { item: Some(item), ..about("item", step) }.ended(end),
            Fact::Chosen { step, case } => Self { case: Some(case), ..about("chosen", step) },
            Fact::Retries { step, attempt, fault, at } => {
                Self { attempt: Some(attempt), ..about("retries", step) }.failed(fault).by(Some(at))
            }
            Fact::Caught { step, fault } => about("caught", step).failed(fault),
            Fact::Ended { step, end } => about("ended", step).ended(end),
            Fact::Received { name, data } => Self { message: Some(name), ..named("received") }.valued(data),
            Fact::Recovered => named("recovered"),
            Fact::Cancelling { finish } => named("cancelling").finished(finish),
            Fact::Failing { fault } => named("failing").failed(fault),
            Fact::Moved { version } => Self { version: Some(version), ..named("moved") },
            Fact::Finished { finish } => named("finished").finished(finish),
        };
        let value_left_out = told.value_left_out || brief;
        Self { value: told.value.filter(|_| !value_left_out), value_left_out, ..told }
    }

    fn valued(self, value: Value) -> Self {
        let large = value.to_string().len() > MAX_OUTPUT_BYTES;
        Self { value: Some(value).filter(|value| !large && !value.is_null()), value_left_out: large, ..self }
    }

    fn by(self, until: Option<Timestamp>) -> Self {
        Self { until: until.map(Time), ..self }
    }

    fn failed(self, fault: Fault) -> Self {
        Self { fault: Some(FaultView::from(fault)), ..self }
    }

    fn ended(self, end: End) -> Self {
        let told = Self { end: Some(end.word()), ..self };
        match end {
            End::Succeeded { output } => told.valued(output),
            End::Failed { fault } => told.failed(fault),
            End::Skipped | End::Cancelled => told,
        }
    }

    fn finished(self, finish: Finish) -> Self {
        match finish {
            Finish::Succeeded { output } => Self { end: Some("succeeded"), ..self }.valued(output),
            Finish::Failed { fault } => Self { end: Some("failed"), ..self }.failed(fault),
            Finish::Cancelled => Self { end: Some("cancelled"), ..self },
        }
    }
}
