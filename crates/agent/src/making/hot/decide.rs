//! The decision, from what an earlier release was made of and what this one would be made of.

use sf_protocol::build::{BuildPlan, HotPath, PathTaken};

use super::{Inputs, Install, Installed, Record, Sources};
use crate::build::VENV;

/// What a deploy does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The path, and why.
    pub taken: PathTaken,
    /// What it takes from the earlier release.
    pub take: Take,
}

/// What a release takes from an earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Take {
    /// Nothing.
    Nothing,
    /// The folder that install fills, as it left it.
    Folder(String),
    /// All files, built.
    Everything,
}

/// Why something has to be done.
type Needed = String;

/// Decides. Without an earlier release, or where a proof is missing, everything is done.
pub fn decide(previous: Option<&Record>, now: &Inputs) -> Decision {
    let plan = &now.plan;
    let decided = |path, because: String, take| Decision { taken: PathTaken { path, because }, take };
    let Some(previous) = previous else {
        return decided(HotPath::Full, "there is no earlier release to compare with".to_owned(), Take::Nothing);
    };
    let lively = if plan.start.is_some() { HotPath::RestartOnly } else { HotPath::StaticSwap };
    if plan.install.is_none() && plan.build.is_none() {
        return decided(lively, "nothing is installed or built".to_owned(), Take::Nothing);
    }
    let since = since(&previous.inputs);
    match reuse(&previous.inputs, now) {
        Ok(()) if *plan == previous.inputs.plan => {
            let because = format!("its files, its commands and what builds them are unchanged since {since}");
            return decided(lively, because, Take::Everything);
        }
        Ok(()) => {
            let because = format!("its files and what builds them are unchanged since {since}, other settings are not");
            return decided(HotPath::SkipBuild, because, Take::Everything);
        }
        Err(_) => {}
    }
    match installed(previous, now) {
        Ok((folder, lockfile)) => {
            let because = format!("{lockfile} is unchanged since {since}");
            decided(HotPath::SkipInstall, because, Take::Folder(folder))
        }
        Err(why) => decided(HotPath::Full, why, Take::Nothing),
    }
}

/// Everything is done, whatever is known.
pub fn full(because: &str) -> Decision {
    let taken = PathTaken { path: HotPath::Full, because: because.to_owned() };
    Decision { taken, take: Take::Nothing }
}

fn since(earlier: &Inputs) -> String {
    format!("commit {}", earlier.commit.get(..10).unwrap_or(&earlier.commit))
}

/// Whether everything comes out as it is in the earlier release.
fn reuse(earlier: &Inputs, now: &Inputs) -> Result<(), Needed> {
    if earlier.tree != now.tree {
        return Err("files have changed".to_owned());
    }
    same_ground(earlier, now)?;
    let commands = |plan: &BuildPlan| (plan.builder, plan.root.clone(), plan.install.clone(), plan.build.clone());
    if commands(&earlier.plan) != commands(&now.plan) {
        return Err("the commands have changed".to_owned());
    }
    if let Install::Unknown { why } = &now.install {
        return Err(why.clone());
    }
    match &now.build {
        Sources::Unknown { why } => Err(why.clone()),
        _ if earlier.install != now.install => Err("the programs that install have changed".to_owned()),
        _ if earlier.build != now.build => Err("the programs that build have changed".to_owned()),
        _ => Ok(()),
    }
}

/// Whether what install fills comes out as it is in the earlier release; answers the folder and the file that says so.
fn installed(previous: &Record, now: &Inputs) -> Result<(String, String), Needed> {
    let earlier = &previous.inputs;
    let (files, folder, programs) = match &now.install {
        Install::Files { files, folder, programs } => (files, folder, programs),
        Install::Nothing => return Err("files have changed, and a build may read any of them".to_owned()),
        Install::Repository { why, .. } | Install::Unknown { why } => return Err(why.clone()),
    };
    let Install::Files { files: had, folder: filled, programs: ran } = &earlier.install else {
        return Err(format!("how {folder} of {} was filled is not known well enough", since(earlier)));
    };
    let changed: Vec<&str> =
        files.iter().filter(|(name, hash)| had.get(*name) != Some(hash)).map(|(name, _)| name.as_str()).collect();
    if !changed.is_empty() || files.len() != had.len() {
        let have = if changed.len() == 1 { "has" } else { "have" };
        return Err(format!("{} {have} changed since {}", changed.join(" and "), since(earlier)));
    }
    let asked = |plan: &BuildPlan| (plan.builder, plan.root.clone(), plan.install.clone());
    if asked(&earlier.plan) != asked(&now.plan) || filled != folder {
        return Err("the install command has changed".to_owned());
    }
    if folder == VENV && now.plan.build.is_some() {
        return Err(format!("programs in {VENV} name the folder they were installed in, and a build may run them"));
    }
    same_ground(earlier, now)?;
    if ran != programs {
        return Err("the programs that install have changed".to_owned());
    }
    match &previous.installed {
        Installed::Whole => {
            // Of the files that are there, the lockfile comes first in the words.
            let lock = files.iter().filter(|(_, hash)| hash.is_some()).map(|(name, _)| name);
            let lock = lock.min_by_key(|name| !(name.contains("lock") || name.contains("requirements")));
            Ok((folder.clone(), lock.cloned().unwrap_or_default()))
        }
        Installed::Not { why } => Err(why.clone()),
    }
}

fn same_ground(earlier: &Inputs, now: &Inputs) -> Result<(), Needed> {
    if earlier.machine == now.machine {
        Ok(())
    } else {
        Err("packages of the machine, or its agent, have changed".to_owned())
    }
}

#[cfg(test)]
mod tests;
