//! What an action about people would do, for its plan.

use sf_actions::user::UserAction;
use sf_store::{Look, invitations, users};

use super::invitations::INVITATION_LIFETIME;
use crate::rehearsal::Told;

/// Tells it, one line each.
pub(crate) async fn tell(at: &impl Look, action: &UserAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    let mut step = |text: String| told.steps.push(text);
    match action {
        UserAction::Invite(args) => {
            let days = INVITATION_LIFETIME.as_secs() / 86_400;
            let names: Vec<String> = args.permissions.iter().map(|permission| format!("`{permission}`")).collect();
            let what = match args.role {
                Some(role) => format!("as `{role}`"),
                None => format!("with {}", names.join(", ")),
            };
            step(format!("{} may join once within {days} days, {what}.", args.email));
            step("An open invitation to the same address is replaced.".to_owned());
        }
        UserAction::Uninvite(args) => {
            let email = invitations::get(at, args.invitation).await?.email;
            step(format!("The link sent to {email} opens nothing any more."));
        }
        UserAction::Update(args) => {
            let before = users::get(at, args.user).await?.name;
            step(format!("`{before}` is called `{}` from now on.", args.name));
        }
        UserAction::Suspend(args) => {
            let name = users::get(at, args.user).await?.name;
            step(format!("`{name}` is signed out everywhere at once and cannot sign in until reinstated."));
            told.losses.push("their tokens: programs that use them need new ones".to_owned());
        }
        UserAction::Reinstate(args) => {
            let name = users::get(at, args.user).await?.name;
            step(format!("`{name}` may sign in again, with the password they had."));
        }
        UserAction::SignOut(args) => {
            let name = users::get(at, args.user).await?.name;
            step(format!("All sessions of `{name}` end; their tokens stay."));
        }
        UserAction::Remove(args) => {
            let user = users::get(at, args.user).await?;
            step(format!("`{}` ({}) is signed out everywhere at once and deleted.", user.name, user.email));
            step("What they did stays in the activity, under an id without a name.".to_owned());
            told.losses.push("their account, sessions, tokens and roles".to_owned());
            told.losses.push("what the activity knows about them: addresses".to_owned());
        }
    }
    Ok(told)
}
