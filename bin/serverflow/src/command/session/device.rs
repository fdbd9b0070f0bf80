//! `login --device`: a browser elsewhere signs this program in.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::failure::{Exit, Failure};
use crate::screen::{Screen, Tone};
use crate::value;

/// Seconds between two questions until the control plane says otherwise.
const INTERVAL_SECS: u64 = 5;
/// Seconds longer each time it was too early. Source: RFC 8628 section 3.5.
const SLOW_DOWN_SECS: u64 = 5;
/// Questions asked at the most: a code ends before.
const MAX_QUESTIONS: u32 = 240;

/// Shows code and address and waits until somebody approved; answers the session.
///
/// # Errors
/// It was refused, ran out, or the control plane cannot be reached.
pub async fn sign_in(client: &Client, screen: Screen) -> Result<Value, Failure> {
    let body = json!({ "client": format!("serverflow on {}", super::host()) });
    let begun = client.write(Method::POST, "/auth/device", Some(&body)).await?;
    let (code, address) = (value::text(&begun, "/userCode"), value::text(&begun, "/verificationUri"));
    screen.event(&json!({
        "userCode": code,
        "verificationUri": address,
        "verificationUriComplete": begun["verificationUriComplete"],
        "expiresAt": begun["expiresAt"],
    }));
    screen.note(&format!("Open     {address}\nand type {}\n", screen.paint(Tone::Strong, &code)));
    screen.note("Approve only a code that you see here. Waiting…");
    let asked = json!({ "deviceCode": begun["deviceCode"] });
    let mut interval = value::number(&begun, "/intervalSecs").unwrap_or(INTERVAL_SECS);
    for _ in 0..MAX_QUESTIONS {
        tokio::time::sleep(Duration::from_secs(interval)).await;
        match client.write(Method::POST, "/auth/device/token", Some(&asked)).await {
            Ok(session) => return Ok(session),
            Err(failure) => match failure.code.as_str() {
                "device.pending" => {}
                "device.slow_down" | "rate.limited" => interval += SLOW_DOWN_SECS,
                _ => return Err(failure),
            },
        }
    }
    Err(Failure::new(Exit::Refused, "device.expired", "Nobody approved it in time.").fix("Begin again."))
}
