//! What deciding about a request takes, for somebody who was given much.

use std::time::Instant;

use anyhow::{Result, ensure};
use sf_actions::role::built_in;
use sf_actions::{Actor, ActorKind, Object, Permission, Rights, Standing};
use sf_policy::{Access, Owned, authorise};
use sf_types::{AppId, ProjectId, TenantId, Timestamp, TypedId};

use crate::line::Line;

/// Objects at which the person has a role.
const GRANTS: u8 = 200;
/// Decisions timed, each by itself.
const DECISIONS: usize = 200_000;
/// What a decision may add to a request, in microseconds.
const PROMISED: f64 = 20.0;

fn id<I: TypedId>(n: u8) -> I {
    I::from_parts(Timestamp::from_millis(1), [n; 10])
}

/// The time of one decision: rights of a person with 200 roles, at an app in the last project.
pub fn decisions() -> Result<()> {
    let role = built_in::find("developer").map_or(built_in::owner(), |role| role);
    let rights = Rights::of((0..GRANTS).map(|n| (Object::Project(id::<ProjectId>(n)), role.permissions)));
    let actor = Actor { kind: ActorKind::System, tenant: id::<TenantId>(1), rights };
    let standing = Standing { project: Some(id(GRANTS - 1)), app: Some(id::<AppId>(1)), ..Standing::TENANT };
    let owned = Owned { tenant: id(1), standing };
    let mut times = Vec::with_capacity(DECISIONS);
    for _ in 0..DECISIONS {
        let began = Instant::now();
        let access = authorise(std::hint::black_box(&actor), Permission::AppDeploy, Some(Permission::AppView), &owned);
        times.push(began.elapsed());
        ensure!(access == Access::Allow, "a developer of the project may deploy");
    }
    times.sort_unstable();
    let micros = |part: usize| times[DECISIONS * part / 1000 - 1].as_secs_f64() * 1e6;
    Line::new("authority", "decision_p50", micros(500), "us").print()?;
    Line::new("authority", "decision_p99", micros(990), "us").floor(PROMISED).print()
}
