//! The workflows that are run, and what has to come of each.

use serde_json::{Value, json};

/// What all of them take.
const INPUTS: &str = "
inputs:
  type: object
  required: [n, app, bad, apps, lane]
  properties:
    n: { type: string }
    app: { type: string }
    bad: { type: string }
    apps: { type: array, items: { type: string } }
    lane: { type: string }
";

/// One kind of workflow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Orders and changes, one after the other.
    Chain,
    /// Reads and orders that fail, are tried again, and are caught.
    Retried,
    /// The same for each of a list.
    Mapped,
    /// A person is asked.
    Asked,
    /// Time passes: a little, and more than one life of the control plane lasts.
    Timed,
    /// An event is waited for.
    Told,
    /// Another workflow within.
    Within,
    /// One at a time of a key.
    Keyed,
    /// Never ends by itself.
    Stopped,
    /// Several steps beside each other.
    Beside,
}

impl Shape {
    pub const ALL: [Self; 10] = [
        Self::Chain,
        Self::Retried,
        Self::Mapped,
        Self::Asked,
        Self::Timed,
        Self::Told,
        Self::Within,
        Self::Keyed,
        Self::Stopped,
        Self::Beside,
    ];

    /// The shape of the `n`th run.
    pub const fn of(n: usize) -> Self {
        Self::ALL[n % Self::ALL.len()]
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Retried => "retried",
            Self::Mapped => "mapped",
            Self::Asked => "asked",
            Self::Timed => "timed",
            Self::Told => "told",
            Self::Within => "within",
            Self::Keyed => "keyed",
            Self::Stopped => "stopped",
            Self::Beside => "beside",
        }
    }

    /// Orders that a node gets from a run of it that was not stopped, its inner workflow's not included.
    pub const fn orders(self, approved: bool) -> usize {
        match self {
            Self::Chain | Self::Keyed => 2,
            Self::Retried | Self::Beside => 3,
            Self::Mapped => 4,
            Self::Asked => approved as usize,
            Self::Timed | Self::Told | Self::Within | Self::Stopped => 1,
        }
    }

    /// How a run of it ends.
    pub const fn end(self, approved: bool) -> &'static str {
        match self {
            Self::Stopped => "cancelled",
            Self::Asked if !approved => "failed",
            _ => "succeeded",
        }
    }

    pub fn document(self) -> String {
        format!("workflow: 1\nname: {}\n{INPUTS}{}", self.name(), self.rest())
    }

    const fn rest(self) -> &'static str {
        match self {
            Self::Chain => {
                r#"
steps:
  - { id: deploy, action: app.deploy, with: { app: "${{ inputs.app }}" } }
  - { id: look, query: "/apps/${{ inputs.app }}" }
  - { id: make, action: project.create, with: { name: "made-${{ inputs.n }}" } }
  - { id: restart, action: app.restart, with: { app: "${{ inputs.app }}" } }
output: { commit: "${{ steps.deploy.output.outcome.facts.commit }}", project: "${{ steps.make.output.made.project }}" }
"#
            }
            Self::Retried => {
                r#"
steps:
  - id: missing
    query: /projects/00000000-0000-7000-8000-000000000000
    retry: { attempts: 3, delay: 20ms, factor: 1 }
    catch: [{ id: instead, query: "/nodes?limit=1" }]
  - id: broken
    action: app.deploy
    with: { app: "${{ inputs.bad }}" }
    retry: { attempts: 2, delay: 30ms }
    catch: [{ id: mend, action: app.restart, with: { app: "${{ inputs.app }}" } }]
"#
            }
            Self::Mapped => {
                r#"
steps:
  - id: each
    map:
      over: inputs.apps
      limit: 2
      steps: [{ id: restart, action: app.restart, with: { app: "${{ item }}" } }]
      output: ${{ steps.restart.output.run }}
output: ${{ steps.each.output }}
"#
            }
            Self::Asked => {
                r#"
steps:
  - { id: look, query: "/apps/${{ inputs.app }}" }
  - { id: ask, approval: { message: "Restart ${{ inputs.n }}?", show: { app: "${{ steps.look.output.name }}" } } }
  - { id: restart, action: app.restart, with: { app: "${{ inputs.app }}" } }
output: ${{ steps.ask.output.decision }}
"#
            }
            Self::Timed => {
                r#"
steps:
  - { id: soon, wait: { for: 150ms } }
  - { id: restart, action: app.restart, with: { app: "${{ inputs.app }}" } }
  - { id: later, wait: { for: 30s } }
"#
            }
            Self::Told => {
                r#"
steps:
  - { id: go, wait: { event: go }, timeout: 30d }
  - { id: restart, action: app.restart, with: { app: "${{ inputs.app }}" } }
output: ${{ steps.go.output }}
"#
            }
            Self::Within => {
                r#"
steps:
  - id: inner
    workflow: chain
    with:
      n: within-${{ inputs.n }}
      app: ${{ inputs.app }}
      bad: ${{ inputs.bad }}
      apps: ${{ inputs.apps }}
      lane: ${{ inputs.lane }}
  - { id: restart, action: app.restart, with: { app: "${{ inputs.app }}" } }
output: ${{ steps.inner.output.project }}
"#
            }
            Self::Keyed => {
                r#"
concurrency: { key: "${{ inputs.lane }}", limit: 1 }
steps:
  - { id: first, action: app.restart, with: { app: "${{ inputs.app }}" } }
  - { id: pause, wait: { for: 10ms } }
  - { id: second, action: app.restart, with: { app: "${{ inputs.app }}" } }
"#
            }
            Self::Stopped => {
                r#"
steps:
  - { id: restart, action: app.restart, with: { app: "${{ inputs.app }}" } }
  - { id: never, wait: { event: never }, timeout: 30d }
"#
            }
            Self::Beside => {
                r#"
steps:
  - { id: a, needs: [], action: app.restart, with: { app: "${{ inputs.apps[0] }}" } }
  - { id: b, needs: [], action: app.deploy, with: { app: "${{ inputs.apps[1] }}" } }
  - { id: c, needs: [], action: app.restart, with: { app: "${{ inputs.apps[2] }}" } }
  - { id: make, needs: [a, b, c], action: project.create, with: { name: "made-${{ inputs.n }}" } }
output: ${{ steps.make.output.made.project }}
"#
            }
        }
    }
}

/// What the `n`th run is started with.
pub fn input(n: usize, apps: &[String], bad: &str) -> Value {
    let app = |nth: usize| &apps[(n + nth) % apps.len()];
    json!({
        "n": n.to_string(), "app": app(0), "bad": bad, "apps": [app(0), app(1), app(2), app(3)],
        "lane": format!("lane-{}", n / Shape::ALL.len() % 3),
    })
}
