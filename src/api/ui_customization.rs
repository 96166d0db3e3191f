//! How the hosted pages of a pool, or of one app client, look.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use time::macros::format_description;
use tokio::sync::Semaphore;

use super::error::invalid;
use super::members::Members;
use super::user_pool_clients::named;
use super::user_pools::{to_value, unknown_pool};
use super::{ApiContext, ApiError};
use crate::pool::limits::LOGO;
use crate::pool::ui_customization::ALL;
use crate::pool::{LogoSize, Timestamp, UiCustomization};
use crate::registry::{Edit, LivePool, Surface, Versioned};
use crate::style::{Dress, Logo, Sheet};

/// Pictures decoded at once, in the whole process: each takes a core and some 100 MB at worst.
static DECODING: Semaphore = Semaphore::const_new(2);

/// The customisation as both operations show it: the address of the logo in place of the logo.
fn shown(surface: &Surface, live: &LivePool, ui: &UiCustomization, dress: &Dress) -> Result<Value, ApiError> {
    let mut shown = to_value(ui)?;
    if let Value::Object(members) = &mut shown {
        members.remove("Logo");
        members.remove("LogoSize");
        let url = live.domain_url(surface).zip(dress.logo.as_ref());
        if let Some(url) = url.and_then(|(domain, logo)| domain.join(&logo.file.path()).ok()) {
            members.insert("ImageUrl".to_owned(), json!(url));
        }
    }
    Ok(json!({ "UICustomization": shown }))
}

/// The logo written anew.
async fn logo(encoded: &str) -> Result<Logo, ApiError> {
    let bytes = STANDARD.decode(encoded).map_err(|_| invalid("ImageFile is not base64."))?;
    if bytes.len() > LOGO {
        let given = bytes.len();
        return Err(ApiError::LimitExceeded(format!(
            "ImageFile may hold at most {LOGO} bytes, not {given}."
        )));
    }
    let internal = |why: &dyn std::fmt::Display| ApiError::Internal(format!("a logo cannot be read: {why}"));
    let _turn = DECODING.acquire().await.map_err(|error| internal(&error))?;
    let made = tokio::task::spawn_blocking(move || Logo::rewrite(&bytes)).await;
    made.map_err(|error| internal(&error))?.map_err(|error| invalid(error.to_string()))
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
    match (found, live.dress(&client_id)) {
        (Some(ui), Some(dress)) => shown(&context.core.surface, live, &ui.value, dress),
        _ => Ok(json!({ "UICustomization": {} })),
    }
}

/// Replaces the whole: a member that is absent is none from now on.
pub(super) async fn set(context: &ApiContext, mut input: Members) -> Result<Value, ApiError> {
    let (pool_id, client_id) = (input.text("UserPoolId")?, client_of(&mut input)?);
    let css: Option<String> = input.take("CSS")?.filter(|css: &String| !css.is_empty());
    let image: Option<String> = input.take("ImageFile")?.filter(|image: &String| !image.is_empty());
    if let Some(css) = &css {
        Sheet::parse(css).map_err(|error| invalid(error.to_string()))?;
    }
    let logo = match &image {
        Some(image) => Some(logo(image).await?),
        None => None,
    };
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
        logo_size: logo.as_ref().map(|logo| LogoSize { width: logo.width, height: logo.height }),
        logo: logo.map(|logo| STANDARD.encode(logo.bytes)),
        css,
        css_version: now.format(&format).unwrap_or_default(),
        creation_date: before.map_or_else(|| Timestamp::from(now), |before| before.value.creation_date),
        last_modified_date: now.into(),
    };
    let output = shown(&context.core.surface, live, &ui, &Dress::of(&ui))?;
    let edit = match before {
        Some(before) => Edit::UpdateUiCustomization(Versioned { value: ui, version: before.version }),
        None => Edit::CreateUiCustomization(ui),
    };
    context.core.registry.edit_as_of(&snapshot, vec![edit]).await?;
    Ok(output)
}
