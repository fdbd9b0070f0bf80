//! `completion`: the script of a shell.

use std::io::Write;

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
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "serverflow", &mut script);
    // A reader that has gone (`| head`) is no error worth a word.
    drop(std::io::stdout().lock().write_all(&script));
    Ok(Exit::Succeeded)
}
