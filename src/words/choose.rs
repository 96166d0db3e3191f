//! Which language a page is in: what the app asked for (`lang`), then what the browser reads (`Accept-Language`).

use std::sync::Arc;

use fluent_langneg::{NegotiationStrategy, negotiate_languages};
use unic_langid::LanguageIdentifier;

use super::{Language, Words};

/// Tags that are looked at; browsers send fewer.
const MAX_TAGS: usize = 20;

impl Words {
    /// The first of these tags, best first, that a language here serves: `de-AT` is served by German, `zh-HK` by the
    /// traditional script. What is no tag is passed over; the default serves who reads none of them.
    pub fn choose<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Arc<Language> {
        let asked: Vec<LanguageIdentifier> =
            tags.into_iter().take(MAX_TAGS).filter_map(|tag| tag.parse().ok()).collect();
        let ids: Vec<LanguageIdentifier> = self.all().iter().map(|language| language.id.clone()).collect();
        let chosen = negotiate_languages(&asked, &ids, None, NegotiationStrategy::Lookup);
        let found = chosen.first().and_then(|id| self.all().iter().find(|language| language.id == **id));
        Arc::clone(found.unwrap_or(&self.default))
    }
}
