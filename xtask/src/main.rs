//! Chores of the repository that need more than a Makefile line. `cargo xtask` lists them.

mod graph;
mod source;
mod tidy;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

const USAGE: &str =
    "usage: cargo xtask <task>\n\ntasks:\n  tidy    check the rules of the house; CONTRIBUTING.md explains them";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("tidy") => repository().and_then(|root| tidy::run(&root)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        ExitCode::FAILURE
    })
}

/// The root of the checkout that this binary was built from.
fn repository() -> anyhow::Result<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask stands in a folder of the repository")?;
    Ok(root.to_path_buf())
}
