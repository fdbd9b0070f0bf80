//! `completion`: the script of a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Done, Exit};

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which shell.
    shell: Shell,
}

/// Prints the script: `serverflow completion bash > /etc/bash_completion.d/serverflow`.
///
/// # Errors
/// None.
pub fn run(args: &Args) -> Done {
    clap_complete::generate(args.shell, &mut Cli::command(), "serverflow", &mut std::io::stdout());
    Ok(Exit::Succeeded)
}
