//! The forms of messages, one a file. Each escapes what people typed for where it is shown: nothing in a text becomes a
//! link, a mention or markup.

pub mod discord;
pub mod ntfy;
pub mod slack;
pub mod webhook;

#[cfg(test)]
pub(crate) mod tests {
    use crate::message::Message;

    /// Each form of a message, as it would be sent.
    pub(crate) fn every_form(message: &Message) -> Vec<Vec<u8>> {
        vec![
            message.bounded(super::slack::body),
            message.bounded(super::discord::body),
            message.bounded(|message| super::ntfy::body(message, "ops")),
            message.bounded(super::webhook::body),
        ]
    }
}
