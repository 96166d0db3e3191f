//! The hosted pages: typed facts in, HTML out.
//!
//! Templates are part of the binary. Every value is escaped by the template engine; links and form
//! targets are [`Href`]s, which cannot carry a script. A page holds no inline script or style, so
//! the policy of [`headers`] can forbid both.

pub mod assets;
pub mod headers;
mod href;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use thiserror::Error;

pub use href::Href;

/// Rendering steps that one page may take: three hundred provider buttons need a tenth of it.
const FUEL: u64 = 500_000;

const TEMPLATES: [(&str, &str); 6] = [
    ("layout.html", include_str!("../../../templates/layout.html")),
    ("login.html", include_str!("../../../templates/login.html")),
    ("error.html", include_str!("../../../templates/error.html")),
    ("signed_out.html", include_str!("../../../templates/signed_out.html")),
    ("expired.html", include_str!("../../../templates/expired.html")),
    ("auto_post.html", include_str!("../../../templates/auto_post.html")),
];

/// A page that could not be made.
#[derive(Debug, Error)]
#[error("page {page}: {source}")]
pub struct PageError {
    page: &'static str,
    source: minijinja::Error,
}

/// A link with its words.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Where it goes.
    pub href: Href,
    /// What it says, for example `Back to Acme Portal`.
    pub label: String,
}

/// The login page: what the app client enables, as choices.
#[derive(Debug, Clone, Serialize)]
pub struct LoginPage {
    /// The app client's name.
    pub app: String,
    /// Why the person sees this page again, if something went wrong.
    pub message: Option<String>,
    /// The e-mail box, when a SAML provider has identifiers.
    pub discovery: Option<EmailDiscovery>,
    /// SAML and OIDC providers to choose from.
    pub organisations: Vec<ProviderChoice>,
    /// Social providers to choose from.
    pub socials: Vec<ProviderChoice>,
}

/// The box whose domain part picks a SAML provider (`gateway.md` section 1, step 2). It is sent by
/// POST, so that no address is written into logs and histories.
#[derive(Debug, Clone, Serialize)]
pub struct EmailDiscovery {
    /// Where the form goes, on the gateway.
    pub action: Href,
    /// Name of the field that carries the address.
    pub input: String,
    /// Hidden fields that travel with it: what the app asked.
    pub fields: Vec<(String, String)>,
    /// The address typed before, or empty.
    pub value: String,
    /// Why that address did not do.
    pub problem: Option<String>,
}

/// One provider button.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderChoice {
    /// What the button says.
    pub label: String,
    /// `/oauth2/authorize?…&identity_provider=NAME`.
    pub href: Href,
    /// The first letter of the name, the button's picture.
    initial: String,
}

impl ProviderChoice {
    /// A button for the provider called `name`.
    pub fn new(name: &str, href: Href) -> Self {
        Self::saying(format!("Continue with {name}"), name, href)
    }

    /// A button for the provider called `name`, with words that people know it by.
    pub fn saying(label: impl Into<String>, name: &str, href: Href) -> Self {
        let initial = name.chars().find(|c| c.is_alphanumeric()).unwrap_or('•').to_uppercase().collect();
        Self { label: label.into(), href, initial }
    }
}

/// What went wrong, in words for a person, and in a code for support.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    /// The heading, for example `This sign-in link is not valid`.
    pub title: String,
    /// What was wrong, one or two sentences. Never a secret, an assertion or a token.
    pub what: String,
    /// What to do about it.
    pub advice: String,
    /// Stable code, for example `redirect_mismatch`.
    pub code: String,
    /// The id under which the log holds this request.
    pub correlation: String,
    /// The way back to the app, when it is known and registered.
    pub back: Option<Link>,
}

/// Signed out, with no address to go to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SignedOutPage {
    /// The app client's name, when known.
    pub app: Option<String>,
    /// The way to sign in again, when known.
    pub back: Option<Link>,
}

/// The attempt is over: too late, another browser, or used before.
#[derive(Debug, Clone, Serialize)]
pub struct ExpiredPage {
    /// Stable code.
    pub code: String,
    /// The id under which the log holds this request.
    pub correlation: String,
    /// The way to start again, when known.
    pub back: Option<Link>,
}

/// A form that sends itself: to a provider (SAML HTTP-POST binding, SAML bindings 3.5), or once more
/// to the gateway, so that the browser adds the `SameSite=Lax` cookie that it withheld from the
/// provider's cross-site POST. Without JavaScript the person presses Continue.
#[derive(Debug, Clone, Serialize)]
pub struct AutoPostPage {
    /// The provider's name; `None` for the gateway itself.
    pub to: Option<String>,
    /// Where the form goes.
    pub action: Href,
    /// Field names and values, unescaped.
    pub fields: Vec<(String, String)>,
}

#[derive(Serialize)]
struct AssetPaths {
    css: String,
    icon: String,
    auto_post: String,
}

/// Every page, ready to render. Made once at start.
pub struct Pages {
    environment: Environment<'static>,
    asset: AssetPaths,
}

impl Pages {
    /// Parses every template.
    ///
    /// # Errors
    /// A template that does not parse.
    pub fn new() -> Result<Self, PageError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (name, source) in TEMPLATES {
            environment.add_template(name, source).map_err(|source| PageError { page: name, source })?;
        }
        let path = |name| assets::path(name).unwrap_or_default();
        let asset = AssetPaths {
            css: path("poolgate.css"),
            icon: path("poolgate.svg"),
            auto_post: path("auto-post.js"),
        };
        Ok(Self { environment, asset })
    }

    /// The login page.
    ///
    /// # Errors
    /// More choices than the rendering limit allows.
    pub fn login(&self, page: &LoginPage) -> Result<String, PageError> {
        self.render("login.html", page)
    }

    /// The error page.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn error(&self, page: &ErrorPage) -> Result<String, PageError> {
        self.render("error.html", page)
    }

    /// The signed-out page.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn signed_out(&self, page: &SignedOutPage) -> Result<String, PageError> {
        self.render("signed_out.html", page)
    }

    /// The expired-attempt page.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn expired(&self, page: &ExpiredPage) -> Result<String, PageError> {
        self.render("expired.html", page)
    }

    /// The page that posts its form by itself.
    ///
    /// # Errors
    /// More fields than the rendering limit allows.
    pub fn auto_post(&self, page: &AutoPostPage) -> Result<String, PageError> {
        self.render("auto_post.html", page)
    }

    fn render(&self, name: &'static str, page: &impl Serialize) -> Result<String, PageError> {
        self.environment
            .get_template(name)
            .and_then(|template| {
                let asset = Value::from(Serde(&self.asset));
                template.render(context! { page => Value::from(Serde(page)), asset })
            })
            .map_err(|source| PageError { page: name, source })
    }
}

#[cfg(test)]
mod tests;
