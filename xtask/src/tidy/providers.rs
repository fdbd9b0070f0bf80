//! One crypto provider for each binary: aws-lc-rs in the control plane, ring in the agent. Both in one binary cost size
//! and make rustls choose at run time.

use std::collections::BTreeSet;

use super::Finding;
use crate::graph::Member;

/// A binary and the provider it must not link.
const FOREIGN: &[(&str, &str)] = &[("serverflow", "ring"), ("serverflow-agent", "aws-lc-rs")];

pub fn check(
    members: &[Member],
    linked: impl Fn(&str) -> anyhow::Result<BTreeSet<String>>,
) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (binary, provider) in FOREIGN {
        let Some(member) = members.iter().find(|member| member.name == *binary) else { continue };
        if linked(binary)?.contains(*provider) {
            let advice =
                format!("{binary} links {provider}; find it with `cargo tree -p {binary} -e normal -i {provider}`");
            findings.push(Finding { path: member.manifest_path(), line: 1, rule: "provider", advice });
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_binary_links_its_own_provider() {
        let member = |name: &str| Member {
            name: name.into(),
            folder: format!("bin/{name}"),
            manifest: String::new(),
            dependencies: Vec::new(),
        };
        let members = [member("serverflow"), member("serverflow-agent")];
        for (control, agent, expected) in [
            ("aws-lc-rs", "ring", vec![]),
            ("ring", "ring", vec!["bin/serverflow/Cargo.toml"]),
            ("aws-lc-rs", "aws-lc-rs", vec!["bin/serverflow-agent/Cargo.toml"]),
        ] {
            let linked = |binary: &str| {
                let provider = if binary == "serverflow" { control } else { agent };
                Ok(BTreeSet::from([provider.to_owned(), "rustls".to_owned()]))
            };
            let paths: Vec<String> = check(&members, linked).unwrap().into_iter().map(|it| it.path).collect();
            assert_eq!(paths, expected);
        }
        assert_eq!(check(&[], |_| unreachable!("no member, no question")).unwrap(), []);
    }
}
