//! Long work: a spinner with the step at hand on a terminal, plain lines otherwise.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Screen, Tone, plain};

/// Between two turns of the spinner.
const TURN: Duration = Duration::from_millis(120);

/// Shows what is going on. Lines stay, the step at hand is replaced.
#[derive(Debug)]
pub struct Progress {
    screen: Screen,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Nothing is going on yet.
    pub fn new(screen: Screen) -> Self {
        let bar = screen.is_terminal().then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
            bar.enable_steady_tick(TURN);
            bar
        });
        Self { screen, bar }
    }

    /// The step at hand, and how long it has been. Without a terminal its end is told, not its beginning.
    pub fn step(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(plain(text));
            bar.reset_elapsed();
        }
    }

    /// What the spinner says, without a line elsewhere.
    pub fn hint(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(plain(text));
        }
    }

    /// What is waited for: on a terminal with the spinner, a line otherwise.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(_) => self.step(text),
            None => self.line(Tone::Dim, "…", text),
        }
    }

    /// A line that stays.
    pub fn line(&self, tone: Tone, mark: &str, text: &str) {
        let line = format!("  {} {}", self.screen.paint(tone, mark), plain(text));
        self.put(&line);
    }

    /// A line of build output.
    pub fn output(&self, text: &str) {
        self.put(&self.screen.paint(Tone::Dim, &format!("    | {}", plain(text))));
    }

    fn put(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.screen.say(line)),
            None => self.screen.say(line),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
