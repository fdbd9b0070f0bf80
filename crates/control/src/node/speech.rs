//! What an older agent is told: orders without the words it does not know, or a fault where they are what counts.

use sf_protocol::build::BuildSettings;
use sf_protocol::handshake::{BUILDERS_SINCE, CONTAINERS_SINCE, SERVICES_SINCE};
use sf_protocol::order::Order;
use sf_protocol::query::Query;
use sf_types::{ErrorKind, Fault};

/// Makes an order one that an agent of `version` understands; of one that is away nothing is known.
///
/// # Errors
/// `build.agent_too_old` when the agent does not have the builder that is set; `service.agent_too_old` when it knows no services.
pub(crate) fn fit(order: &mut Order, version: Option<u16>) -> Result<(), Fault> {
    let Some(version) = version else { return Ok(()) };
    match order {
        Order::ServiceAction(_) | Order::Query(Query::Services) if version < SERVICES_SINCE => {
            let message = "The agent of this machine is too old to know its services.";
            let fault = Fault::new(ErrorKind::Conflict, "service.agent_too_old", message);
            Err(fault.fix("Update the agent on that machine."))
        }
        _ if version >= CONTAINERS_SINCE => Ok(()),
        Order::Deploy(deploy) => {
            deploy.full &= version >= BUILDERS_SINCE;
            fit_settings(&mut deploy.app.build, version)
        }
        Order::Query(Query::Inspect { build, .. }) => fit_settings(build, version),
        _ => Ok(()),
    }
}

/// The same of the settings alone. An agent that knows no hot path always does everything, so nothing is lost.
///
/// # Errors
/// As [`fit`].
pub(crate) fn fit_settings(build: &mut BuildSettings, version: u16) -> Result<(), Fault> {
    build.hot_path = build.hot_path.filter(|_| version >= BUILDERS_SINCE);
    if version < CONTAINERS_SINCE {
        build.args.clear();
    }
    match build.builder.filter(|builder| builder.since() > version) {
        Some(builder) => {
            let message = format!("The agent of this app's node is too old for the builder {}.", builder.name());
            Err(Fault::new(ErrorKind::Conflict, "build.agent_too_old", message)
                .fix("Update the agent on that machine."))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::build::Builder;
    use sf_protocol::order::GitSource;
    use sf_protocol::wire;

    fn written(order: &Order) -> String {
        String::from_utf8(wire::write(order)).unwrap()
    }

    fn check(version: Option<u16>, builder: Builder, expected: Result<&str, &str>) {
        let source = GitSource { url: "https://x".to_owned(), reference: None, commit: None };
        let args = vec![sf_protocol::app::EnvVar { name: "A".to_owned(), value: "b".to_owned() }];
        let hot_path = Some(false);
        let build = BuildSettings { builder: Some(builder), hot_path, args, ..BuildSettings::default() };
        let mut order = Order::Query(Query::Inspect { source, build });
        let fitted = fit(&mut order, version).map(|()| written(&order)).map_err(|fault| fault.code);
        match (&fitted, expected) {
            (Ok(text), Ok(holds)) => assert!(text.contains(holds), "{text}"),
            (Err(code), Err(expected)) => assert_eq!(code, expected),
            _ => panic!("{version:?} {builder:?}: {fitted:?}"),
        }
        if version == Some(3) && expected.is_ok() {
            assert!(!written(&order).contains("hotPath") && !written(&order).contains(r#""args":["#));
        }
    }

    #[test]
    fn an_older_agent_is_told_only_what_it_knows() {
        check(Some(3), Builder::Node, Ok(r#""builder":"node""#));
        check(Some(3), Builder::Rust, Err("build.agent_too_old"));
        check(Some(4), Builder::Rust, Ok(r#""hotPath":false"#));
        check(None, Builder::Php, Ok(r#""builder":"php""#));
        check(Some(4), Builder::Dockerfile, Err("build.agent_too_old"));
        check(Some(5), Builder::Dockerfile, Ok(r#""args":[{"#));
    }
}
