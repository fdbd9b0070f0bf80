//! What belongs to this clone of the repository: its state folder, its processes, its example.

pub mod agent;
pub mod down;
pub mod example;
pub mod place;
pub mod reset;
pub mod up;

use std::io::{BufRead, IsTerminal, Write};

use crate::failure::Failure;
pub use place::Place;

/// Asks a question that only `y` agrees to.
///
/// # Errors
/// Without a terminal nobody can be asked.
pub fn agreed(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("This has to be agreed to, and there is no terminal to ask on.").fix("Add --yes."));
    }
    drop(write!(std::io::stderr(), "{question} [y/N] "));
    drop(std::io::stderr().flush());
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failure::usage(format!("{error}.")))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
