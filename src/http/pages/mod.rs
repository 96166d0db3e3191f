//! The hosted pages: typed facts in, HTML out.
//!
//! Templates are part of the binary, and so is what they say, in every language ([`crate::words`]). Every value is
//! escaped by the template engine; links and form targets are [`Href`]s, which cannot carry a script. A page holds no
//! inline script or style, so the policy of [`headers`] can forbid both.

pub mod assets;
mod facts;
pub mod headers;
mod href;

use std::sync::Arc;

use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::Serialize;
use thiserror::Error;

pub use facts::{
    Account, Again, AutoPostPage, EmailDiscovery, ErrorPage, Kind, LoginPage, Logo, Look, OnwardPage,
    ProviderChoice, SignedOutPage,
};
pub use href::Href;

use crate::words::{Language, Words, WordsError};

/// Rendering steps that one page may take: three hundred provider buttons need a fifth of it.
const FUEL: u64 = 1_000_000;

const TEMPLATES: [(&str, &str); 8] = [
    ("layout.html", include_str!("../../../templates/layout.html")),
    ("brands.html", include_str!("../../../templates/brands.html")),
    ("login.html", include_str!("../../../templates/login.html")),
    ("error.html", include_str!("../../../templates/error.html")),
    ("signed_out.html", include_str!("../../../templates/signed_out.html")),
    ("hop.html", include_str!("../../../templates/hop.html")),
    ("auto_post.html", include_str!("../../../templates/auto_post.html")),
    ("onward.html", include_str!("../../../templates/onward.html")),
];

/// A page that could not be made.
#[derive(Debug, Error)]
pub enum PageError {
    /// A template is at fault, or the page is larger than any may be.
    #[error("page {page}: {source}")]
    Template {
        /// Which one.
        page: &'static str,
        /// Why.
        source: minijinja::Error,
    },
    /// What the pages say cannot be read.
    #[error(transparent)]
    Words(#[from] WordsError),
}

#[derive(Serialize)]
struct AssetPaths {
    css: String,
    icon: String,
    auto_post: String,
}

/// One language of the list a person chooses from.
#[derive(Serialize)]
struct Offered {
    tag: &'static str,
    name: &'static str,
}

/// Every page, ready to render. Made once at start.
pub struct Pages {
    environment: Environment<'static>,
    words: Words,
    asset: Value,
    languages: Value,
}

impl Pages {
    /// Parses every template and every message.
    ///
    /// # Errors
    /// One that does not parse.
    pub fn new() -> Result<Self, PageError> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        for (page, source) in TEMPLATES {
            environment.add_template(page, source).map_err(|source| PageError::Template { page, source })?;
        }
        let path = |name| assets::path(name).unwrap_or_default();
        let asset = AssetPaths {
            css: path("poolgate.css"),
            icon: path("poolgate.svg"),
            auto_post: path("auto-post.js"),
        };
        let words = Words::new()?;
        let offered =
            words.all().iter().map(|language| Offered { tag: language.tag(), name: language.name() });
        let languages = Value::from(Serde(offered.collect::<Vec<_>>()));
        Ok(Self { environment, words, asset: Value::from(Serde(asset)), languages })
    }

    /// What the pages say.
    pub const fn words(&self) -> &Words {
        &self.words
    }

    /// The login page.
    ///
    /// # Errors
    /// More choices than the rendering limit allows.
    pub fn login(&self, look: &Look, page: &LoginPage) -> Result<String, PageError> {
        self.render("login.html", look, page)
    }

    /// The error page.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn error(&self, look: &Look, page: &ErrorPage) -> Result<String, PageError> {
        self.render("error.html", look, page)
    }

    /// The signed-out page.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn signed_out(&self, look: &Look, page: &SignedOutPage) -> Result<String, PageError> {
        self.render("signed_out.html", look, page)
    }

    /// The page that posts its form by itself.
    ///
    /// # Errors
    /// More fields than the rendering limit allows.
    pub fn auto_post(&self, look: &Look, page: &AutoPostPage) -> Result<String, PageError> {
        self.render("auto_post.html", look, page)
    }

    /// The page that leads on by itself.
    ///
    /// # Errors
    /// A fault of the template.
    pub fn onward(&self, look: &Look, page: &OnwardPage) -> Result<String, PageError> {
        self.render("onward.html", look, page)
    }

    fn render(&self, name: &'static str, look: &Look, page: &impl Serialize) -> Result<String, PageError> {
        self.environment
            .get_template(name)
            .and_then(|template| {
                template.render(context! {
                    page => Value::from(Serde(page)),
                    look => Value::from(Serde(look)),
                    t => Value::from_dyn_object(Arc::<Language>::clone(&look.language)),
                    asset => self.asset.clone(),
                    languages => self.languages.clone(),
                })
            })
            .map_err(|source| PageError::Template { page: name, source })
    }
}

#[cfg(test)]
mod tests;
