//! What an AI agent has read. Whoever writes a log, a file or a name speaks to the agent that reads it, and may tell it to do
//! something: so what does lasting harm asks a person for a while after that, whatever the agent's record.

/// From this risk on an action counts as lasting, though another one takes it back: while it is so, people notice.
pub const RISK: u8 = 40;
/// From this risk on where nothing takes it back.
pub const RISK_WITHOUT_UNDO: u8 = 30;

/// What a card says.
pub const WHY: &str = "within the last 30 minutes this agent was given words that others wrote (a log, a file, a name), and they \
                       may be what asks for this: a person decides";

/// Whether an action does lasting harm where it is wrong: something is lost by it, its risk is high, or nothing takes it back.
/// The same line divides the tools of AI hosts into those that are called destructive and the others.
pub const fn lasts(destroys: bool, risk: u8, undoable: bool) -> bool {
    destroys || risk >= RISK || (!undoable && risk >= RISK_WITHOUT_UNDO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::{Action, Effect, admission};

    fn check(name: &str, expected: bool) {
        let spec = Action::all_specs().find(|spec| spec.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(lasts(spec.effect == Effect::Destroy, spec.risk, spec.undo.is_some()), expected, "{name}");
    }

    #[test]
    fn lasting_harm_as_a_table() {
        for name in ["app.deploy", "app.rollback", "app.start", "app.restart", "server.start", "server.restart"] {
            check(name, false);
        }
        for name in ["proxy.provision", "workflow.run", "run.cancel", "file.create-folder"] {
            check(name, false);
        }
        for name in ["app.stop", "server.stop", "server.kill", "server.command", "patch.apply", "patch.force"] {
            check(name, true);
        }
        for name in ["proxy.delete", "app.delete", "file.delete", "file.extract", "server.reinstall", "node.remove"] {
            check(name, true);
        }
    }

    #[test]
    fn the_card_says_the_time_that_is_meant() {
        assert!(WHY.contains(&format!("{} minutes", admission::TAINT_MINUTES)));
    }
}
