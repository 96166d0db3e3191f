//! How the hosted pages of a pool, or of one app client, look.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::macros::format_description;

use super::error::invalid;
use super::members::Members;
use super::user_pool_clients::named;
use super::user_pools::{to_value, unknown_pool};
use super::{ApiContext, ApiError};
use crate::pool::limits::LOGO;
use crate::pool::ui_customization::ALL;
use crate::pool::{Timestamp, UiCustomization};
use crate::registry::{Edit, LivePool, Versioned};
use crate::style::Sheet;

/// First bytes of a PNG file (its specification, 5.2) and of a JPEG one (SOI, and the marker that follows).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xFF\xD8\xFF";

/// The customisation as both operations show it: without the logo, which no page shows yet.
fn shown(ui: &UiCustomization) -> Result<Value, ApiError> {
    let mut shown = to_value(ui)?;
    if let Value::Object(members) = &mut shown {
        members.remove("Logo");
    }
    Ok(json!({ "UICustomization": shown }))
}

fn check_logo(encoded: &str) -> Result<(), ApiError> {
    let logo = STANDARD.decode(encoded).map_err(|_| invalid("ImageFile is not base64."))?;
    if logo.len() > LOGO {
        let given = logo.len();
        return Err(ApiError::LimitExceeded(format!(
            "ImageFile may hold at most {LOGO} bytes, not {given}."
        )));
    }
    if logo.starts_with(PNG) || logo.starts_with(JPEG) {
        return Ok(());
    }
    Err(invalid("ImageFile must be a PNG or JPEG image."))
}

fn check_client(live: &LivePool, client_id: &str) -> Result<(), ApiError> {
    if client_id == ALL { Ok(()) } else { named(live, client_id).map(|_| ()) }
}

fn client_of(input: &mut Members) -> Result<String, ApiError> {
    Ok(input.take("ClientId")?.unwrap_or_else(|| ALL.to_owned()))
}

/// What a client has of its own, however little; otherwise what all have.
pub(super) async fn get(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, client_of(&mut input)?);
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    check_client(live, &client_id)?;
    let found = live.ui.get(&client_id).or_else(|| live.ui.get(ALL));
    found.map_or_else(|| Ok(json!({ "UICustomization": {} })), |ui| shown(&ui.value))
}

/// Replaces the whole: a member that is absent is none from now on.
pub(super) async fn set(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, client_of(&mut input)?);
    let css: Option<String> = input.take("CSS")?.filter(|css: &String| !css.is_empty());
    let logo: Option<String> = input.take("ImageFile")?.filter(|logo: &String| !logo.is_empty());
    if let Some(css) = &css {
        Sheet::parse(css).map_err(|error| invalid(error.to_string()))?;
    }
    logo.as_deref().map_or(Ok(()), check_logo)?;
    let _alone = context.writing.lock().await;
    let snapshot = context.core.registry.snapshot();
    let live = snapshot.pool(&pool_id).ok_or_else(|| unknown_pool(&pool_id))?;
    check_client(live, &client_id)?;
    if live.domains.is_empty() {
        return Err(invalid("There has to be an existing domain associated with this user pool."));
    }
    let before = live.ui.get(&client_id);
    let now = context.core.now();
    let format = format_description!("[year][month][day][hour][minute][second]");
    let ui = UiCustomization {
        user_pool_id: pool_id,
        client_id,
        logo,
        css,
        css_version: now.format(&format).unwrap_or_default(),
        creation_date: before.map_or_else(|| Timestamp::from(now), |before| before.value.creation_date),
        last_modified_date: now.into(),
    };
    let output = shown(&ui)?;
    let edit = match before {
        Some(before) => Edit::UpdateUiCustomization(Versioned { value: ui, version: before.version }),
        None => Edit::CreateUiCustomization(ui),
    };
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}
