use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::*;

const STAGED: &str = r#"
workflow: 1
name: staged
inputs:
  type: object
  properties: { staging: { type: string }, production: { type: string }, commit: { type: string } }
  required: [staging, production]
steps:
  - id: staging
    action: app.deploy
    with: { app: "${{ inputs.staging }}", commit: "${{ inputs.commit }}" }
    retry: { attempts: 3, delay: 2s }
  - id: ask
    approval: { message: "Deploy ${{ steps.staging.output.outcome.commit }}?", expires: 1h }
  - id: production
    if: steps.ask.output.decision == 'approved'
    action: app.deploy
    with: { app: "${{ inputs.production }}" }
    catch:
      - id: told
        query: /health
output: { by: "${{ steps.ask.output.by }}" }
"#;

fn parse(text: &str) -> Result<Definition, Vec<Problem>> {
    Definition::parse(text, Installed::default())
}

fn with_steps(steps: &str) -> String {
    format!("workflow: 1\nname: w\nsteps:\n{steps}")
}

/// The first problem, as `place: message`.
fn problem(text: &str) -> String {
    match parse(text) {
        Ok(_) => "none".to_owned(),
        Err(problems) => format!("{}: {}", problems[0].place, problems[0].message),
    }
}

fn check(text: &str, expected: &str) {
    let found = problem(text);
    assert!(found.starts_with(expected), "{found}\nexpected {expected}\nof {text}");
}

#[test]
fn a_document_is_laid_out() {
    let definition = parse(STAGED).unwrap();
    assert_eq!((definition.name.as_str(), definition.steps(), definition.blocks.len()), ("staged", 4, 2));
    let needs: Vec<_> = definition.block(definition.root).steps.iter().map(|step| step.needs.clone()).collect();
    assert_eq!(needs, [vec![], vec![0], vec![1]]);
    assert!(definition.check_input(&serde_json::json!({ "staging": "a", "production": "b" })).is_ok());
    let wrong = definition.check_input(&serde_json::json!({ "staging": 1 })).unwrap_err();
    assert_eq!(wrong.iter().filter(|one| one.place.starts_with("input")).count(), 2, "{wrong:?}");
}

#[test]
fn the_same_workflow_has_the_same_hash_however_it_is_written() {
    let yaml = parse(STAGED).unwrap();
    let json = serde_json::to_string(&yaml.document).unwrap();
    assert_eq!(parse(&json).unwrap().hash, yaml.hash);
    assert_ne!(parse(&STAGED.replace("2s", "3s")).unwrap().hash, yaml.hash);
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    check("steps: []", "workflow: `workflow`, the version of this form, is missing");
    check("workflow: 2\nname: w\nsteps: []", "workflow: `workflow`, the version of this form, is 2");
    check("workflow: 1\nname: w\nsteps: []", "steps: There are no steps");
    check("workflow: 1\nname: w\nstep: []", "step: unknown field `step`");
    check("workflow: 1\nname: W!\nsteps: [{ id: a, query: /x }]", "name: The name is refused");
    for (steps, expected) in [
        ("  - { id: a }", "steps[0]: It does nothing"),
        ("  - { id: a, query: /x, workflow: b }", "steps[0]: It does several things: query, workflow"),
        ("  - { id: A, query: /x }", "steps[0].id: `A` can be no id"),
        ("  - { id: a, query: /x }\n  - { id: a, query: /x }", "steps[1].id: There are two steps `a`"),
        ("  - { id: a, query: /x, needs: [b] }", "steps[0].needs[0]: There is no step `b`"),
        ("  - { id: a, query: /x, needs: [a] }", "steps[0].needs: These steps wait for each other"),
        ("  - { id: a, query: /x, nneds: [] }", "steps[0].nneds: unknown field"),
        ("  - { id: a, tool: x }", "steps[0].tool: Steps `tool` are not available on this installation"),
        ("  - { id: a, agent: x }", "steps[0].agent: Steps `agent` are not available on this installation"),
        ("  - { id: a, script: x }", "steps[0].script: Steps `script` are not available on this installation"),
        ("  - { id: a, action: app.deplo }", "steps[0].action: There is no action `app.deplo`"),
        ("  - { id: a, action: run.approve }", "steps[0].action: `run.approve` is for people"),
        ("  - { id: a, action: role.grant }", "steps[0].action: `role.grant` is for people"),
        ("  - { id: a, action: token.create }", "steps[0].action: `token.create` is for people"),
        ("  - { id: a, action: policy.update }", "steps[0].action: `policy.update` is for people"),
        ("  - { id: a, action: app.deploy, with: { ap: x } }", "steps[0].with: `app.deploy`"),
        ("  - { id: a, query: x }", "steps[0].query: `x` is no path"),
        ("  - { id: a, query: /../x }", "steps[0].query: `/../x` is no path"),
        ("  - { id: a, query: /x, with: {} }", "steps[0].with: A step `query` takes no `with`"),
        ("  - { id: a, query: /x, timeout: 0s }", "steps[0].timeout: It is zero"),
        ("  - { id: a, query: /x, timeout: -5s }", "steps[0].timeout: `-5s` is no length of time"),
        ("  - { id: a, query: /x, retry: { attempts: 0 } }", "steps[0].retry.attempts: `attempts` is 0"),
        ("  - { id: a, query: /x, retry: { attempts: 3, factor: .nan } }", ": It is no YAML: error: line 4"),
        ("  - { id: a, query: /x, retry: { attempts: 3, factor: 1e300 } }", "steps[0].retry.factor: `factor` is"),
        ("  - { id: a, query: /x, retry: { attempts: 3, jitter: -1 } }", "steps[0].retry.jitter: `jitter` is -1"),
        ("  - { id: a, query: /x, retry: { attempts: 3, delay: 0s } }", "steps[0].retry.delay: It is zero"),
        ("  - { id: a, query: /x, retry: { attempts: 3, delay: 9h } }", "steps[0].retry.delay: `delay` is 9h"),
        ("  - { id: a, wait: {} }", "steps[0].wait: It waits for nothing"),
        ("  - { id: a, wait: { for: 1s, event: b } }", "steps[0].wait: It waits for nothing or for several"),
        (
            "  - { id: a, approval: { message: x }, retry: { attempts: 2 } }",
            "steps[0].retry: A step `approval` is never",
        ),
        ("  - { id: a, map: { over: '[1]', steps: [] } }", "steps[0].map.steps: There is nothing to do"),
        ("  - { id: a, map: { over: '[1]', limit: 0, steps: [{ id: b, query: /x }] } }", "steps[0].map.limit: 0 items"),
        ("  - { id: a, map: { over: '1', steps: [{ id: b, query: /x }] } }", "steps[0].map.over: It gives"),
        ("  - { id: a, branch: [{ steps: [] }, { if: 'true', steps: [] }] }", "steps[0].branch[0]: Behind a case"),
        ("  - { id: a, query: /x, if: '1' }", "steps[0].if"),
        ("  - { id: a, query: /x, if: 'steps.b.output == 1' }\n  - { id: b, query: /y }", "steps[0].if"),
        ("  - { id: a, query: '/x/${{ inputs.a }}' }", "steps[0].query"),
        ("  - { id: a, query: '/x/${{ item }}' }", "steps[0].query"),
    ] {
        check(&with_steps(steps), expected);
    }
}

#[test]
fn a_circle_is_named() {
    let steps = "  - { id: a, query: /x, needs: [c] }\n  - { id: b, query: /x, needs: [a] }\n  \
                 - { id: c, query: /x, needs: [b] }\n  - { id: d, query: /x, needs: [c] }";
    let found = problem(&with_steps(steps));
    assert!(found.contains("a -> c -> b"), "{found}");
}

#[test]
fn a_step_sees_what_has_certainly_ended_and_nothing_else() {
    let of = |seen: &str| {
        with_steps(&format!(
            "  - {{ id: a, query: /x }}\n  - {{ id: b, query: /x, needs: [] }}\n  \
             - {{ id: c, needs: [a], query: '/x/${{{{ steps.{seen}.state }}}}' }}"
        ))
    };
    check(&of("a"), "none");
    check(&of("b"), "steps[2].query");
    check(&of("c"), "steps[2].query");
}

#[test]
fn huge_documents_are_refused_in_no_time() {
    let began = Instant::now();
    let mut many = String::new();
    (0..100_000).for_each(|n| writeln!(many, "  - {{id: s{n}, query: /x}}").unwrap());
    check(&with_steps(&many), ": It has");
    let steps: String = (0..20_000).map(|n| format!("  - {{id: s{n}, query: /}}\n")).collect();
    check(&with_steps(&steps), "steps: It has 20000 steps");
    // As deep as the text allows.
    let deep = "[{\"id\":\"a\",\"branch\":[{\"steps\":".repeat(10_000);
    assert_ne!(problem(&format!("{{\"workflow\":1,\"name\":\"w\",\"steps\":{deep}")), "none");
    // A chain is laid out, and so is a lattice with more ways through it than there are atoms.
    let chain: String = (0..2_000).map(|n| format!("  - {{id: s{n}, query: /x}}\n")).collect();
    check(&with_steps(&chain), "none");
    let lattice: String = (0..1_000)
        .flat_map(|n| {
            ["a", "b"].map(|side| {
                let needs = if n == 0 { String::new() } else { format!("a{0}, b{0}", n - 1) };
                format!("  - {{id: {side}{n}, query: /x, needs: [{needs}]}}\n")
            })
        })
        .collect();
    check(&with_steps(&lattice), "none");
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\n\
                d: &d [*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]\nworkflow: 1";
    assert_ne!(problem(bomb), "none");
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn waits_between_tries_grow_and_are_bounded() {
    let retry = Retry {
        attempts: 100,
        delay: Duration::from_secs(1),
        factor: 10.0,
        max_delay: Duration::from_secs(300),
        jitter: 0.5,
    };
    let waits: Vec<_> = [1, 2, 3, 4, 100].map(|attempt| retry.wait(attempt, 0.0).as_secs()).into();
    assert_eq!(waits, [1, 10, 100, 300, 300]);
    assert_eq!(retry.wait(3, 1.0), Duration::from_secs(50));
}

#[test]
fn an_action_has_a_form_exactly_where_a_workflow_may_take_it() {
    for spec in sf_actions::Action::all_specs() {
        let found =
            problem(&with_steps(&format!("  - {{ id: a, action: {}, with: {{ x: \"${{{{ 1 }}}}\" }} }}", spec.name)));
        let has_form = sf_actions::spec::arguments::of(spec.name).is_some();
        assert_eq!(found.contains("is for people"), !has_form, "{}: {found}", spec.name);
    }
}
