//! The states of the hosted pages: what each page is told, for an app and people that do not exist.

use super::look::Look;
use super::sign_in::SIGN_IN;
use crate::http::pages::{Again, AutoPostPage, ErrorPage, Href, Kind, LoginPage, OnwardPage, SignedOutPage};
use crate::words::{Language, Words};

/// A detail that strains the page: long, and with a word that nothing breaks.
const LONG: &str = "The redirect_uri \
    https://portal.northwind.example/auth/callback?tenant=9f8e7d6c5b4a39281706f5e4d3c2b1a0&continue=\
    aHR0cHM6Ly9wb3J0YWwubm9ydGh3aW5kLmV4YW1wbGUvcmVwb3J0cy8yMDI2L3F1YXJ0ZXIvMy9yZWdpb25zL2V1cm9wZQ is not one of \
    the client's callback URLs (CallbackURLs): compare them letter by letter, with scheme, port and path.";
const REFERENCE: &str = "0198f3c2-7a41-7d2e-9b60-4f6f2c9e1a57";

/// One state of one page.
pub struct Scene {
    /// As in an address.
    pub slug: String,
    /// For people, in English.
    pub name: String,
    /// Under which heading the index lists it.
    pub part: &'static str,
    /// HTTP status, as the gateway gives it.
    pub status: u16,
    shape: Shape,
}

enum Shape {
    SignIn(fn(&Way) -> LoginPage),
    SignedOut { app: bool },
    Hop { to: Option<&'static str> },
    Onward { to: Option<&'static str> },
    Error(Trouble),
}

/// What an error page tells.
#[derive(Clone, Copy)]
struct Trouble {
    kind: Kind,
    status: u16,
    code: &'static str,
    detail: &'static str,
    seconds: u64,
    /// Whether the app is known, and with it the way back.
    app: bool,
}

/// What one of the pages is told.
pub enum Facts {
    /// The login page.
    SignIn(LoginPage),
    /// The signed-out page.
    SignedOut(SignedOutPage),
    /// The page that posts its form by itself.
    Hop(AutoPostPage),
    /// The page that leads on by itself.
    Onward(OnwardPage),
    /// The error page.
    Error(ErrorPage),
}

/// The page that is looked at, and how: whatever it leads to finds back to it.
pub struct Way {
    /// Where everything on the page leads.
    pub away: Href,
    /// What the form that changes the language asks again.
    pub asked: Vec<(String, String)>,
}

impl Way {
    /// The ways out of this page. `None` where a part could not stand in an address: none of ours.
    pub fn of(scene: &Scene, language: &Language, look: Look) -> Option<Self> {
        let (state, lang, look) = (&scene.slug, language.tag(), look.slug());
        let asked = vec![("state".to_owned(), state.clone()), ("look".to_owned(), look.to_owned())];
        let away = Href::local(format!("/nowhere?state={state}&lang={lang}&look={look}"))?;
        Some(Self { away, asked })
    }
}

impl Scene {
    /// Whether the page knows which app it is about.
    pub const fn knows_app(&self) -> bool {
        match self.shape {
            Shape::SignIn(_) | Shape::Hop { .. } | Shape::Onward { .. } => true,
            Shape::SignedOut { app } => app,
            Shape::Error(trouble) => trouble.app,
        }
    }

    /// Whether the page leaves by itself, by a script.
    pub const fn leaves(&self) -> bool {
        matches!(self.shape, Shape::Hop { .. })
    }

    /// What the page is told.
    pub fn facts(&self, way: &Way) -> Facts {
        match self.shape {
            Shape::SignIn(page) => Facts::SignIn(page(way)),
            Shape::SignedOut { app } => {
                Facts::SignedOut(SignedOutPage { back: app.then(|| way.away.clone()) })
            }
            Shape::Hop { to } => Facts::Hop(hop(to, way)),
            Shape::Onward { to } => Facts::Onward(OnwardPage {
                to: to.map(str::to_owned),
                href: way.away.clone(),
                by_itself: false,
            }),
            Shape::Error(trouble) => Facts::Error(trouble.page(way)),
        }
    }
}

/// Every state, in the order of the index. What the errors are called is said by their English headings.
pub fn all(words: &Words) -> Vec<Scene> {
    let sign_in = SIGN_IN.iter().map(|(slug, name, page)| scene(slug, name, "Sign in", Shape::SignIn(*page)));
    let hops = [
        ("hop-to-provider", "To a provider: here it stays, without its script", Some("Acme")),
        ("hop-finishing", "Back from a provider: here it stays, without its script", None),
    ];
    let hops = hops.into_iter().map(|(slug, name, to)| scene(slug, name, "On the way", Shape::Hop { to }));
    let onward = scene(
        "hop-onward",
        "From a form of ours to a provider or an app: here it stays",
        "On the way",
        Shape::Onward { to: Some("Acme") },
    );
    let hops = hops.chain([onward]);
    let signed_out = [
        ("signed-out", "Signed out, nobody knows of which app", false),
        ("signed-out-app", "Signed out, with the way back to the app", true),
    ];
    let signed_out = signed_out
        .into_iter()
        .map(|(slug, name, app)| scene(slug, name, "Signed out", Shape::SignedOut { app }));
    let long = error(
        "error-long",
        "A long technical detail",
        Trouble { detail: LONG, ..Trouble::of(Kind::SignInLink) },
    );
    let errors = Kind::ALL.into_iter().flat_map(|kind| errors(kind, words));
    sign_in.chain(hops).chain(signed_out).chain(errors).chain([long]).collect()
}

fn scene(slug: &str, name: &str, part: &'static str, shape: Shape) -> Scene {
    let status = if let Shape::Error(trouble) = &shape { trouble.status } else { 200 };
    Scene { slug: slug.to_owned(), name: name.to_owned(), part, status, shape }
}

fn error(slug: &str, name: &str, trouble: Trouble) -> Scene {
    scene(slug, name, "Errors", Shape::Error(trouble))
}

/// The states of one kind of error.
fn errors(kind: Kind, words: &Words) -> Vec<Scene> {
    let slug = kind.message();
    let name = words.default().say(slug, &[]).unwrap_or_default();
    let trouble = Trouble::of(kind);
    let mut scenes = vec![error(slug, &name, trouble)];
    if trouble.app {
        let lost = Trouble { app: false, ..trouble };
        scenes.push(error(&format!("{slug}-no-way-back"), &format!("{name}: no way back is known"), lost));
    }
    if trouble.seconds > 1 {
        let short = Trouble { seconds: 1, ..trouble };
        scenes.push(error(&format!("{slug}-1-second"), &format!("{name}: one second to wait"), short));
    }
    scenes
}

impl Trouble {
    /// As the gateway tells of it: status, code and detail are those of `http::reply` and of what calls it.
    fn of(kind: Kind) -> Self {
        let told = |code, detail| Self { kind, status: 400, code, detail, seconds: 0, app: true };
        let nobodys = |code, detail| Self { app: false, ..told(code, detail) };
        match kind {
            Kind::Expired => told("attempt_unknown", ""),
            Kind::OtherBrowser => told("other_browser", ""),
            Kind::SignInLink => told(
                "invalid_authorize_request",
                "The redirect_uri is not one of the client's callback URLs (CallbackURLs).",
            ),
            Kind::Unsolicited => {
                nobodys("invalid_response_or_state", "The SAMLResponse answers no request of ours.")
            }
            Kind::Unavailable => Self { status: 503, ..told("store_away", "") },
            Kind::TooMany => Self { status: 429, seconds: 7, ..told("too_many_requests", "") },
            Kind::SignOutLink => told(
                "invalid_logout_request",
                "The sign-out address is not one of the client's logout URLs (LogoutURLs).",
            ),
            Kind::SignOutUnknown => {
                nobodys("sign_out_unknown", "The LogoutResponse answers no LogoutRequest of ours.")
            }
            Kind::SignOutMessage => nobodys(
                "invalid_signature",
                "What the identity provider sent could not be followed: its signature is not valid.",
            ),
            Kind::SignOutAddress => {
                nobodys("invalid_frontchannel_logout", "The issuer (iss) is none of this pool's.")
            }
        }
    }

    fn page(self, way: &Way) -> ErrorPage {
        let again = match self.kind {
            Kind::Unavailable | Kind::TooMany => Some(Again::the_same(way.away.clone())),
            Kind::Expired | Kind::OtherBrowser if self.app => Some(Again::from_the_start(way.away.clone())),
            _ => None,
        };
        ErrorPage {
            kind: self.kind,
            seconds: self.seconds,
            detail: Some(self.detail.to_owned()).filter(|detail| !detail.is_empty()),
            code: self.code.to_owned(),
            correlation: REFERENCE.to_owned(),
            again,
            back: self.app.then(|| way.away.clone()),
        }
    }
}

fn hop(to: Option<&str>, way: &Way) -> AutoPostPage {
    let fields = [("SAMLRequest", "PHByZXZpZXcvPg=="), ("RelayState", "preview")];
    AutoPostPage {
        to: to.map(str::to_owned),
        action: way.away.clone(),
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}
