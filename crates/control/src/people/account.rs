//! What a person changes about their own account.

use sf_actions::Actor;
use sf_store::users;
use sf_types::{ErrorKind, Fault, Name, RequestId};

use super::passwords::own_session;
use crate::control::Control;
use crate::events;

/// Characters of a language tag at the most. Source: RFC 5646, section 4.4.1.
pub const MAX_LOCALE_CHARS: usize = 35;

impl Control {
    /// Gives the person who asks another name, or keeps the language they chose.
    ///
    /// # Errors
    /// No session, or what is no language tag.
    pub async fn change_account(
        &self,
        actor: &Actor,
        request: RequestId,
        name: Option<Name>,
        locale: Option<String>,
    ) -> Result<users::User, Fault> {
        let (user, _) = own_session(actor)?;
        if let Some(locale) = &locale {
            check_locale(locale)?;
        }
        let core = self.core();
        let (kind, tenant) = (actor.kind, actor.tenant);
        let write = core.store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                if let Some(name) = &name {
                    users::rename(tx, user, name.as_str()).await?;
                }
                if let Some(locale) = &locale {
                    users::set_locale(tx, user, locale).await?;
                }
                if name.is_some() || locale.is_some() {
                    tx.audit(super::audit(Some(tenant), kind, &user.to_string(), request, "account.update"));
                    tx.publish(events::user_changed(tenant, user, "renamed"));
                }
                users::get(tx, user).await
            })
        });
        Ok(write.await?)
    }
}

/// Letters, digits and hyphens: what every BCP 47 tag is made of.
fn check_locale(locale: &str) -> Result<(), Fault> {
    let is_tag = (2..=MAX_LOCALE_CHARS).contains(&locale.len())
        && locale
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()));
    if is_tag {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::Invalid, "account.locale", "`locale` is no language tag.");
    Err(fault.fix("Write it as `en` or `de-AT`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_tags() {
        for (tag, good) in [
            ("en", true),
            ("de-AT", true),
            ("zh-Hant-TW", true),
            ("", false),
            ("e", false),
            ("en_US", false),
            ("../a", false),
        ] {
            assert_eq!(check_locale(tag).is_ok(), good, "{tag}");
        }
    }
}
