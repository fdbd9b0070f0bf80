//! What is said when everything runs. The app's address comes last.

use serde_json::{Value, json};

use crate::clone::Place;
use crate::clone::example::{Example, NAME};
use crate::screen::{Screen, Tone};
use crate::value;

/// The first administrator's credentials: shown once, stored nowhere.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// Who.
    pub email: String,
    /// In the clear.
    pub password: String,
}

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Summary {
    server: String,
    agents: String,
    welcome: Option<Welcome>,
    app: Value,
    state: String,
}

impl Summary {
    /// Where everything is.
    pub fn new(server: String, agents: String, welcome: Option<Welcome>, app: Value, place: &Place) -> Self {
        Self { server, agents, welcome, app, state: place.state.display().to_string() }
    }

    /// For programs.
    pub fn document(&self) -> Value {
        let welcome = self.welcome.as_ref().map(|who| json!({ "email": who.email, "password": who.password }));
        json!({ "url": self.server, "agents": self.agents, "state": self.state, "admin": welcome, "app": self.app })
    }

    /// For people.
    pub fn text(&self, screen: &Screen) -> String {
        let strong = |text: &str| screen.paint(Tone::Strong, text);
        let mut lines = vec![
            String::new(),
            format!("open     {}   (API: {}/api/v1)", strong(&self.server), self.server),
            format!("agents   {}   state {}", self.agents, self.state),
        ];
        match &self.welcome {
            Some(who) => lines.extend([
                format!("admin    {}", who.email),
                format!(
                    "password {}   (shown once; forgotten: serverflow admin reset-password)",
                    strong(&who.password)
                ),
            ]),
            None => lines.push("admin    as before (forgotten: serverflow admin reset-password)".to_owned()),
        }
        lines.push(String::new());
        lines.push("Deploy your own:".to_owned());
        lines.push(strong("  serverflow apps create my-app https://host/owner/repository && serverflow deploy my-app"));
        lines.push("Watch it return by itself, from a health check that fails and from a crash after 5 s:".to_owned());
        lines.extend(Example::broken().map(|branch| format!("  serverflow deploy {NAME} --ref {branch}")));
        let program =
            std::env::current_exe().map_or_else(|_| "serverflow".to_owned(), |path| path.display().to_string());
        lines.push(format!("Its log:  serverflow logs {NAME} -f   (serverflow is {program})"));
        lines.push(
            "Ctrl-C stops the control plane; agent and app run on. make stop ends all, make reset deletes all."
                .to_owned(),
        );
        lines.push(String::new());
        let state = value::maybe(&self.app, "/state").unwrap_or_else(|| "not deployed".to_owned());
        lines.push(match value::maybe(&self.app, "/url") {
            Some(url) => format!("{NAME} ({state}): {}", strong(&url)),
            None => format!("{NAME} is {state}: serverflow deploy {NAME}"),
        });
        lines.join("\n")
    }
}
