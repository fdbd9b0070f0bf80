//! AI hosts against a whole control plane: 40 tasks with the calls that do them, 40 cases in which somebody else's words ask for
//! something, and what the verdicts, keys and the log of calls promise. A scripted client stands in for the model.

mod case;
mod red_team;
mod tasks;
mod verdicts;
mod world;
