//! The workspace and what it is built from, as cargo sees it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use cargo_metadata::semver::Version;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand, PackageId};

/// The platforms whose dependencies count: those that releases are built for, as in deny.toml.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// A package of this workspace.
#[derive(Debug)]
pub struct Member {
    pub name: String,
    /// Relative to the repository (`crates/store`).
    pub folder: String,
    /// The text of its Cargo.toml, for line numbers and lints.
    pub manifest: String,
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug)]
pub struct Dependency {
    pub name: String,
    /// Whether only its tests, examples and benches use it.
    pub dev: bool,
}

impl Member {
    pub fn manifest_path(&self) -> String {
        format!("{}/Cargo.toml", self.folder)
    }

    /// The manifest's line that names a dependency, from 1; the first line when it is written in another way.
    pub fn line_of(&self, dependency: &str) -> usize {
        let names = |line: &str| {
            let rest = line.trim_start().strip_prefix(dependency);
            rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
        };
        self.manifest.lines().position(names).map_or(1, |index| index + 1)
    }
}

/// A package that the workspace is built from on one of [`PLATFORMS`], its own members included.
#[derive(Debug)]
pub struct Package {
    pub name: String,
    pub version: Version,
    pub license: Option<String>,
    pub license_file: Option<String>,
}

pub fn load(root: &Path) -> anyhow::Result<(Vec<Member>, Vec<Package>)> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .features(CargoOpt::SomeFeatures(Vec::new()))
        .other_options(PLATFORMS.map(|platform| format!("--filter-platform={platform}")))
        .exec()
        .context("cargo metadata failed; the message below names the manifest to mend")?;
    Ok((members(&metadata)?, packages(&metadata)?))
}

fn members(metadata: &Metadata) -> anyhow::Result<Vec<Member>> {
    let member = |package: &cargo_metadata::Package| {
        let folder = package.manifest_path.parent().context("a manifest stands in a folder")?;
        Ok(Member {
            name: package.name.to_string(),
            folder: folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder).to_string(),
            manifest: std::fs::read_to_string(&package.manifest_path)
                .with_context(|| format!("cannot read {}", package.manifest_path))?,
            dependencies: package
                .dependencies
                .iter()
                .map(|it| Dependency { name: it.name.clone(), dev: it.kind == DependencyKind::Development })
                .collect(),
        })
    };
    metadata.workspace_packages().into_iter().map(member).collect()
}

/// Everything reachable from the members; cargo lists more than that where a platform filter cuts edges.
fn packages(metadata: &Metadata) -> anyhow::Result<Vec<Package>> {
    let resolve = metadata.resolve.as_ref().context("cargo metadata resolved nothing")?;
    let nodes: HashMap<&PackageId, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<&PackageId> = metadata.workspace_members.iter().collect();
    while let Some(id) = open.pop() {
        if reached.insert(id) {
            open.extend(nodes.get(id).into_iter().flat_map(|node| node.deps.iter().map(|dep| &dep.pkg)));
        }
    }
    let packages = metadata.packages.iter().filter(|package| reached.contains(&package.id)).map(|package| Package {
        name: package.name.to_string(),
        version: package.version.clone(),
        license: package.license.clone(),
        license_file: package.license_file.as_ref().map(ToString::to_string),
    });
    Ok(packages.collect())
}

/// The names of all packages that are linked into one member's normal build. Metadata unifies the features of the whole
/// workspace; `cargo tree -p` resolves them for this package alone, as its own build does.
pub fn linked(root: &Path, member: &str) -> anyhow::Result<BTreeSet<String>> {
    let tree = Command::new("cargo")
        .args(["tree", "--package", member, "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .args(PLATFORMS.map(|platform| format!("--target={platform}")))
        .current_dir(root)
        .output()
        .context("cannot run cargo tree")?;
    if !tree.status.success() {
        bail!("cargo tree -p {member} failed: {}", String::from_utf8_lossy(&tree.stderr).trim());
    }
    let listed = String::from_utf8(tree.stdout).context("cargo tree printed something that is not UTF-8")?;
    Ok(listed.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_found_by_line() {
        let member = Member {
            name: "sf-a".into(),
            folder: "crates/a".into(),
            manifest: "[dependencies]\nserde_json.workspace = true\nserde = { workspace = true }\n".into(),
            dependencies: Vec::new(),
        };
        assert_eq!(member.line_of("serde"), 3);
        assert_eq!(member.line_of("serde_json"), 2);
        assert_eq!(member.line_of("absent"), 1);
    }
}
