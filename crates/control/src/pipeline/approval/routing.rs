//! What holds at a place: the rules of the installation, of the team and of the project, read once and kept until they
//! change.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sf_actions::admission::Decision;
use sf_actions::policy::{PolicyAction, UpdatePolicy};
use sf_actions::rules::{Freeze, Pattern, Rules, When};
use sf_actions::{Actor, Permission};
use sf_engine::Run;
use sf_policy::rules::{Difference, Past, Routing, replay, unknown_zone};
use sf_store::rules::RulesRow;
use sf_store::{Look, Tx, rules, runs, tenants, users};
use sf_types::{ErrorKind, Fault, ProjectId, TenantId, Timestamp, UserId};

use crate::control::{Control, Core};
use crate::proposal::Made;
use crate::transition::After;

/// How long rules that another control plane may have changed are believed. The one that changes them goes by them at
/// once.
pub const BELIEVED: Duration = Duration::from_secs(2);
/// Decisions that a change is tried on.
pub const TRIED: u32 = 1_000;
/// Teams whose rules are remembered at the most; beyond it all are read anew.
const MAX_TEAMS: usize = 1_024;

/// Rules by team, and when they were read.
type ByTeam = HashMap<TenantId, (Instant, Arc<Vec<RulesRow>>)>;

/// What is remembered of them.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<ByTeam>);

impl Known {
    fn lock(&self) -> std::sync::MutexGuard<'_, ByTeam> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// They are other ones now.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    async fn of(&self, core: &Core, at: &impl Look, tenant: TenantId) -> sf_store::Result<Arc<Vec<RulesRow>>> {
        let alone = core.options.store.sqlite_path().is_some();
        let known = self
            .lock()
            .get(&tenant)
            .filter(|(read, _)| alone || read.elapsed() < BELIEVED)
            .map(|(_, rows)| rows.clone());
        if let Some(rows) = known {
            return Ok(rows);
        }
        let rows = Arc::new(rules::all(at, tenant).await?);
        let mut all = self.lock();
        if all.len() >= MAX_TEAMS {
            all.clear();
        }
        all.insert(tenant, (Instant::now(), rows.clone()));
        Ok(rows)
    }
}

/// What the installation says, from its configuration.
pub(crate) fn installed(core: &Core) -> Rules {
    let set = &core.options.routing;
    let frozen =
        Freeze { name: "`routing.frozen` in serverflow.toml".to_owned(), actions: Vec::new(), when: When::Now };
    Rules {
        auto_at: Some(set.auto_at),
        notify_at: Some(set.notify_at),
        sample_permille: Some(set.sample_permille),
        never_auto: set.never_auto.iter().cloned().map(Pattern).collect(),
        freezes: set.frozen.then_some(frozen).into_iter().collect(),
        ..Rules::default()
    }
}

fn read(row: &RulesRow) -> sf_store::Result<Rules> {
    serde_json::from_value(row.rules.0.clone())
        .map_err(|why| sf_store::StoreError::malformed("routing rules", why.to_string()))
}

/// What holds at a place.
pub(crate) async fn at(
    core: &Core,
    look: &impl Look,
    tenant: TenantId,
    project: Option<ProjectId>,
) -> sf_store::Result<Routing> {
    let rows = core.routing.of(core, look, tenant).await?;
    place(core, &rows, project, None)
}

/// The same, with other rules in place of one row.
fn place(
    core: &Core,
    rows: &[RulesRow],
    project: Option<ProjectId>,
    instead: Option<(Option<ProjectId>, &Rules)>,
) -> sf_store::Result<Routing> {
    let of = |place: Option<ProjectId>| match (instead, rows.iter().find(|row| row.project == place)) {
        (Some((other, rules)), _) if other == place => Ok(rules.clone()),
        (_, Some(row)) => read(row),
        (_, None) => Ok(Rules::default()),
    };
    let team = Routing::base(&installed(core)).within(&of(None)?);
    // Also where a project says nothing: waivers hold for exactly the place that gives them.
    Ok(if project.is_some() { team.within(&of(project)?) } else { team })
}

/// Replaces the rules of a place.
pub(crate) async fn perform(
    tx: &mut Tx,
    run: &Run,
    action: &PolicyAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let PolicyAction::Update(args) = action;
    known_people(tx, &args.rules).await?;
    let rules = serde_json::to_value(&args.rules).expect("lists, numbers and texts");
    let kept = rules::keep(tx, run.tenant, args.project, rules, args.from, run.actor.user()).await;
    kept.map_err(|error| match error {
        sf_store::StoreError::Stale(_) => {
            let message = "Somebody else has changed these rules since you read them.";
            let fault = Fault::new(ErrorKind::Conflict, "policy.changed", message);
            fault.fix("Read them again, and make your change on top of theirs.").into()
        }
        other => other,
    })?;
    after.rules = true;
    Ok(Made::Policy(args.project))
}

/// Rules that name somebody who is not there would wait for nobody.
async fn known_people(tx: &Tx, rules: &Rules) -> sf_store::Result<()> {
    let named = rules.approvals.iter().flat_map(|rule| rule.approvers.iter().chain(&rule.escalate_to));
    for user in named.collect::<std::collections::BTreeSet<&UserId>>() {
        if users::get(tx, *user).await?.disabled_at.is_some() {
            let message = "The rules name an approver who is suspended.";
            return Err(Fault::new(ErrorKind::Invalid, "policy.approver", message).fix("Name somebody else.").into());
        }
    }
    Ok(())
}

/// Refuses what no part behind could make sense of.
pub(crate) fn check(action: &PolicyAction) -> Result<(), sf_actions::Refused> {
    let PolicyAction::Update(args) = action;
    args.rules.check()?;
    match unknown_zone(&args.rules) {
        Some(_) => Err(sf_actions::Refused::new("freezes.timezone", "a zone such as `Europe/Berlin`")),
        None => Ok(()),
    }
}

/// What a change would have made different, line by line.
pub(crate) async fn tell(
    at: &impl Look,
    core: &Core,
    run: &Run,
    action: &PolicyAction,
) -> sf_store::Result<Vec<String>> {
    let PolicyAction::Update(args) = action;
    let difference = difference(at, core, run.tenant, args).await?;
    let place = match args.project {
        Some(project) => format!("the project `{}`", tenants::project(at, project).await?.name),
        None => "the team".to_owned(),
    };
    let mut lines = vec![format!("The rules of {place} are replaced, from the next proposal on.")];
    lines.push(match difference.decisions {
        0 => "There are no decisions yet to try them on.".to_owned(),
        all => format!("Of the last {all} decisions there, {} would have been the same.", difference.same),
    });
    lines.extend(
        difference
            .changes
            .iter()
            .map(|change| format!("{} × {} would have been {}.", change.count, words(change.from), words(change.to))),
    );
    Ok(lines)
}

const fn words(admission: sf_actions::Admission) -> &'static str {
    match admission {
        sf_actions::Admission::Auto => "“it runs at once”",
        sf_actions::Admission::AutoNotify => "“it runs and people are told”",
        sf_actions::Admission::Ask => "“a person decides”",
        sf_actions::Admission::Deny => "“refused”",
    }
}

async fn difference(
    at: &impl Look,
    core: &Core,
    tenant: TenantId,
    args: &UpdatePolicy,
) -> sf_store::Result<Difference> {
    let rows = rules::all(at, tenant).await?;
    let past = runs::decisions(at, args.project, TRIED).await?;
    let mut all = Difference::default();
    // Each at its own place: a team's rule may be overruled by a project's.
    let mut by_place: HashMap<Option<ProjectId>, Vec<(Decision, Timestamp)>> = HashMap::new();
    for (project, decision, at) in past {
        by_place.entry(project).or_default().push((decision, at));
    }
    for (project, decisions) in by_place {
        let routing = place(core, &rows, project, Some((args.project, &args.rules)))?;
        let past = decisions.iter().map(|(decision, at)| Past { decision, at: *at });
        all.add(replay(past, &routing));
    }
    Ok(all)
}

/// The rules of a place as people see them.
#[derive(Clone, Debug)]
pub struct Place {
    /// The project; `None` for the team.
    pub project: Option<ProjectId>,
    /// 0 where there are none yet.
    pub version: u64,
    /// What is said there.
    pub rules: Rules,
    /// Who changed it last, and when.
    pub changed: Option<(Option<UserId>, Timestamp)>,
}

impl Control {
    /// The installation's rules, and those of a place.
    ///
    /// # Errors
    /// No right, no such project, or the store cannot be read.
    pub async fn rules(&self, actor: &Actor, project: Option<ProjectId>) -> Result<(Rules, Place), Fault> {
        let reader = match project {
            Some(_) => self.view(actor, Permission::ApprovalView)?,
            None => self.view_team(actor, Permission::ApprovalView)?,
        };
        if let Some(project) = project {
            tenants::project(&reader, project).await?;
        }
        let row = rules::all(&reader, actor.tenant).await?.into_iter().find(|row| row.project == project);
        let place = match row {
            Some(row) => Place {
                project,
                version: row.version,
                rules: read(&row)?,
                changed: Some((row.updated_by, row.updated_at)),
            },
            None => Place { project, version: 0, rules: Rules::default(), changed: None },
        };
        Ok((installed(self.core()), place))
    }

    /// What a change of rules would have made different among the last decisions.
    ///
    /// # Errors
    /// No right, rules that are refused, or the store cannot be read.
    pub async fn try_rules(&self, actor: &Actor, args: &UpdatePolicy) -> Result<Difference, Fault> {
        check(&PolicyAction::Update(Box::new(args.clone()))).map_err(|refused| crate::proposal::refused(&refused))?;
        let reader = match args.project {
            Some(_) => self.view(actor, Permission::ApprovalView)?,
            None => self.view_team(actor, Permission::ApprovalView)?,
        };
        Ok(difference(&reader, self.core(), actor.tenant, args).await?)
    }
}
