//! What each page is told.

use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::Href;
use crate::style::{Dress, Served};
use crate::words::Language;

/// How a page looks and which language it speaks, whatever else it says.
#[derive(Debug, Clone)]
pub struct Look {
    /// The language.
    pub language: Arc<Language>,
    /// The app client's name, when known.
    pub app: Option<String>,
    /// Path of the administrator's style sheet.
    pub css: Option<String>,
    /// The administrator's logo.
    pub logo: Option<Logo>,
}

impl Look {
    /// Poolgate's own look.
    pub const fn plain(language: Arc<Language>) -> Self {
        Self { language, app: None, css: None, logo: None }
    }

    /// Puts on what an administrator gave.
    pub fn wear(&mut self, dress: &Dress) {
        self.css = dress.css.as_ref().map(Served::path);
        self.logo = dress.logo.as_ref().map(|logo| Logo {
            path: logo.file.path(),
            width: logo.width,
            height: logo.height,
        });
    }
}

impl Serialize for Look {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut look = serializer.serialize_struct("Look", 5)?;
        look.serialize_field("lang", self.language.tag())?;
        look.serialize_field("dir", self.language.direction())?;
        look.serialize_field("app", &self.app)?;
        look.serialize_field("css", &self.css)?;
        look.serialize_field("logo", &self.logo)?;
        look.end()
    }
}

/// A picture above every page.
#[derive(Debug, Clone, Serialize)]
pub struct Logo {
    /// Its path on the gateway.
    pub path: String,
    /// In pixels: the page keeps its place free.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// The login page: what the app client enables, as choices.
#[derive(Debug, Clone, Serialize)]
pub struct LoginPage {
    /// The app client's name.
    pub app: String,
    /// Who is signed in already, when the app lets the person choose (`prompt=select_account`).
    pub account: Option<Account>,
    /// The e-mail box, when a SAML provider has identifiers.
    pub discovery: Option<EmailDiscovery>,
    /// SAML and OIDC providers to choose from.
    pub organisations: Vec<ProviderChoice>,
    /// Social providers to choose from.
    pub socials: Vec<ProviderChoice>,
    /// What the app asked, `lang` apart: the form that changes the language asks it again.
    pub asked: Vec<(String, String)>,
}

/// The account of the live session.
#[derive(Debug, Clone, Serialize)]
pub struct Account {
    /// The person's name, or what there is instead.
    pub name: String,
    /// E-mail address, when it is not the name already.
    pub email: Option<String>,
    /// The provider that proved it.
    pub provider: String,
    /// Back to the app with this account.
    pub href: Href,
    initial: String,
}

impl Account {
    /// The account of a person.
    pub fn new(name: String, email: Option<String>, provider: String, href: Href) -> Self {
        let initial = initial(&name);
        Self { name, email, provider, href, initial }
    }
}

/// The box whose domain part picks a SAML provider (`gateway.md` section 1, step 2). It is sent by
/// POST, so that no address is written into logs and histories.
#[derive(Debug, Clone, Serialize)]
pub struct EmailDiscovery {
    /// Where the form goes, on the gateway.
    pub action: Href,
    /// Name of the field that carries the address.
    pub input: String,
    /// The address typed before, or empty.
    pub value: String,
    /// Whether that address did not do.
    pub problem: bool,
}

/// One provider button.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderChoice {
    /// The message that the button says, about `name`.
    label: &'static str,
    /// What people know the provider by.
    pub name: String,
    /// `/oauth2/authorize?…&identity_provider=NAME`.
    pub href: Href,
    /// `google`, `facebook`, `amazon`, `apple`, or empty: its sign and colours.
    brand: &'static str,
    /// The first letter of the name, the button's picture where no brand has one.
    initial: String,
}

impl ProviderChoice {
    /// A button for the provider called `name`.
    pub fn new(name: &str, href: Href) -> Self {
        Self { label: "continue-with", name: name.to_owned(), href, brand: "", initial: initial(name) }
    }

    /// The same, with a brand's sign and colours.
    pub fn branded(self, brand: &'static str) -> Self {
        Self { brand, ..self }
    }

    /// The same, saying another message about the name.
    pub fn saying(self, label: &'static str) -> Self {
        Self { label, ..self }
    }
}

fn initial(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).unwrap_or('•').to_uppercase().collect()
}

/// What kind of error a page tells of. Each has a heading, what happened and what to do, in every language:
/// `{kind}`, `{kind}-what`, `{kind}-advice`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The attempt is over: too late, or used before.
    Expired,
    /// The attempt began in another browser, or this one keeps no cookies.
    OtherBrowser,
    /// A request to sign in that is wrong in itself.
    SignInLink,
    /// A provider's answer that belongs to no request of ours.
    Unsolicited,
    /// A store is away.
    Unavailable,
    /// More than the limits allow.
    TooMany,
    /// A request to sign out that is wrong in itself.
    SignOutLink,
    /// An answer to a sign-out that nobody waits for.
    SignOutUnknown,
    /// A provider's sign-out message that was not believed.
    SignOutMessage,
    /// A front-channel sign-out address that cannot be followed.
    SignOutAddress,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Expired,
        Self::OtherBrowser,
        Self::SignInLink,
        Self::Unsolicited,
        Self::Unavailable,
        Self::TooMany,
        Self::SignOutLink,
        Self::SignOutUnknown,
        Self::SignOutMessage,
        Self::SignOutAddress,
    ];

    /// Its heading, as a message.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Expired => "error-expired",
            Self::OtherBrowser => "error-other-browser",
            Self::SignInLink => "error-sign-in-link",
            Self::Unsolicited => "error-unsolicited",
            Self::Unavailable => "error-unavailable",
            Self::TooMany => "error-too-many",
            Self::SignOutLink => "error-sign-out-link",
            Self::SignOutUnknown => "error-sign-out-unknown",
            Self::SignOutMessage => "error-sign-out-message",
            Self::SignOutAddress => "error-sign-out-address",
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.message())
    }
}

/// What went wrong, in words for a person, and in a code for support.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorPage {
    /// What to say.
    pub kind: Kind,
    /// In how many seconds it may be tried again, where that is said.
    pub seconds: u64,
    /// What exactly was wrong, in English, for technical people. Never a secret, an assertion or a token.
    pub detail: Option<String>,
    /// Stable code, for example `redirect_mismatch`.
    pub code: String,
    /// The id under which the log holds this request.
    pub correlation: String,
    /// The way to do it once more, when there is one.
    pub again: Option<Again>,
    /// The way back to the app, when it is known and registered. The look names the app.
    pub back: Option<Href>,
}

/// A link that does something once more.
#[derive(Debug, Clone, Serialize)]
pub struct Again {
    /// Where it goes.
    pub href: Href,
    label: &'static str,
}

impl Again {
    /// The sign-in, from its beginning.
    pub const fn from_the_start(href: Href) -> Self {
        Self { href, label: "start-again" }
    }

    /// The same request.
    pub const fn the_same(href: Href) -> Self {
        Self { href, label: "try-again" }
    }
}

/// Signed out, with no address to go to. The look names the app.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SignedOutPage {
    /// The way back to the app, when known.
    pub back: Option<Href>,
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

/// What a form of ours is answered with that leads elsewhere: a page that goes there by itself, as a redirect would
/// ([`crate::http::onward`] says why it is none). Where the browser was told not to, the person presses
/// Continue, which shows after a while: pressed on the way, the app would get the same answer twice, and the second use
/// of a code ends what came of the first (RFC 6749 section 4.1.2).
#[derive(Debug, Clone, Serialize)]
pub struct OnwardPage {
    /// What the place is called: a provider's name, or a host. `None` while a sign-in is being finished.
    pub to: Option<String>,
    /// Where it goes.
    pub href: Href,
    /// It goes by itself; else it stays for somebody who looks at it.
    pub by_itself: bool,
}
